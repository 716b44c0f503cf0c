// The library's Lock, here: `lock` takes it like any object, by Monitor. Coyote 1.7.11 controls who enters a Monitor; System.Threading.Lock
// is younger than it, and a thread that waits for one would look to it as if it ran.

namespace RawWs.Server;

internal sealed class Lock
{
}

// Has the keys for tokens read again when their files have changed.

using Microsoft.Extensions.Logging;
using RawWs.Server.Console.Log;

namespace RawWs.Server.Console.Auth;

internal sealed class JwtKeyWatch(JwtKeys keys, TimeProvider time, ILogger log)
    : FileWatch([.. keys.Files.Select(static file => file.Path)], () => Reload(keys, time, log), time)
{
    /// <summary>Reads the files. What cannot be used changes nothing; the log says why.</summary>
    public static void Reload(JwtKeys keys, TimeProvider time, ILogger log)
    {
        try
        {
            keys.Reload();
            log.KeysReloaded(keys.Count(time.GetUtcNow()), string.Join(", ", keys.Files.Select(static file => file.Shown)));
        }
        catch (JwtKeyException exception)
        {
            log.KeysKept(exception.Message);
        }
    }
}

// The system calls of the generator that the server's own binding does not have: opening connections, waiting for less than a
// millisecond, processors and clocks of processes. Bound one to one; pointers never leave the methods that took them.

using System.Net;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using RawWs.Server.Native;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal static unsafe partial class ClientCalls
{
    public const int Einprogress = 115;
    public const int Enotconn = 107;
    public const int SigTerm = 15;
    public const int SigCont = 18;
    public const int SigStop = 19;
    public const int ThreadClock = 3; // CLOCK_THREAD_CPUTIME_ID

    private const int SockStreamCloexecNonblock = 1 | 0x80000 | 0x800;
    private const int SolSocket = 1;
    private const int SoError = 4;
    private const int SoSendBuffer = 7;
    private const int SoReceiveBuffer = 8;
    private const int IpProtoIp = 0;
    private const int IpBindAddressNoPort = 24;
    private const int IpProtoTcp = 6;
    private const int TcpNoDelay = 1;
    private const int PrSetTimerSlack = 29;

    /// <summary>
    /// Begins to connect, without waiting. Returns the descriptor, or -1 with the error in <see cref="Linux.LastError"/>.
    /// </summary>
    /// <param name="to">Where to.</param>
    /// <param name="from">The own address; null for whichever the system takes.</param>
    /// <param name="sendBufferBytes">What the kernel may hold that is to be sent; 0 for what it likes.</param>
    /// <param name="receiveBufferBytes">What it may hold that is not read; 0 for what it likes.</param>
    public static int Connect(SocketAddress to, SocketAddress? from, int sendBufferBytes = 0, int receiveBufferBytes = 0)
    {
        int descriptor =
            socket((int)to.Family == (int)System.Net.Sockets.AddressFamily.InterNetworkV6 ? 10 : 2, SockStreamCloexecNonblock, 0);
        if (descriptor < 0) return -1;
        int one = 1;
        _ = setsockopt(descriptor, IpProtoTcp, TcpNoDelay, &one, 4);
        if (sendBufferBytes > 0) _ = setsockopt(descriptor, SolSocket, SoSendBuffer, &sendBufferBytes, 4);
        if (receiveBufferBytes > 0) _ = setsockopt(descriptor, SolSocket, SoReceiveBuffer, &receiveBufferBytes, 4);
        if (from is not null)
        {
            // The port is then chosen at the connect, where only the pair of both ends has to be new.
            _ = setsockopt(descriptor, IpProtoIp, IpBindAddressNoPort, &one, 4);
            fixed (byte* address = from.Buffer.Span)
                if (bind(descriptor, address, from.Size) != 0) return GiveUp(descriptor);
        }

        fixed (byte* address = to.Buffer.Span)
            if (connect(descriptor, address, to.Size) != 0 && Linux.LastError != Einprogress) return GiveUp(descriptor);
        return descriptor;
    }

    /// <summary>The error that a connection has met: 0 for none.</summary>
    public static int PendingError(int descriptor)
    {
        int error = 0;
        int length = 4;
        _ = getsockopt(descriptor, SolSocket, SoError, &error, &length);
        return error;
    }

    /// <summary>Waits for a descriptor, which may be an epoll's, to be readable, for at most so many nanoseconds.</summary>
    public static void WaitReadable(int descriptor, long nanoseconds)
    {
        PollEntry entry = new() { Descriptor = descriptor, Events = 1 };
        TimeSpec time = new() { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        _ = ppoll(&entry, 1, &time, null);
    }

    /// <summary>This thread's waits end when they are due, and not up to 50 µs later.</summary>
    public static void WaitPrecisely() => _ = prctl(PrSetTimerSlack, 1, 0, 0, 0);

    /// <summary>A clock of processor time, in seconds. 0 when there is none (any more).</summary>
    public static double ReadClock(int clock)
    {
        TimeSpec time;
        return clock_gettime(clock, &time) == 0 ? time.Seconds + (time.Nanoseconds / 1e9) : 0;
    }

    /// <summary>
    /// The processor time of all threads of a process, those that have ended among them, in seconds. 0 when it is not there.
    /// </summary>
    public static double ProcessorSeconds(int process)
    {
        int clock;
        return clock_getcpuclockid(process, &clock) == 0 ? ReadClock(clock) : 0;
    }

    /// <summary>Which processors a thread may use; 0 is the calling one.</summary>
    public static bool TryGetAffinity(int thread, Span<ulong> mask)
    {
        mask.Clear();
        fixed (ulong* pointer = mask) return sched_getaffinity(thread, (nuint)mask.Length * 8, pointer) >= 0;
    }

    public static bool TrySetAffinity(int thread, ReadOnlySpan<ulong> mask)
    {
        fixed (ulong* pointer = mask) return sched_setaffinity(thread, (nuint)mask.Length * 8, pointer) == 0;
    }

    public static void Signal(int process, int signal) => _ = kill(process, signal);

    /// <summary>An error in words.</summary>
    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    private static int GiveUp(int descriptor)
    {
        int error = Linux.LastError;
        Linux.Close(descriptor);
        Marshal.SetLastSystemError(error);
        return -1;
    }

    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc")] private static partial int socket(int family, int type, int protocol);
    [LibraryImport("libc")] private static partial int bind(int descriptor, byte* address, int length);
    [LibraryImport("libc")] private static partial int connect(int descriptor, byte* address, int length);
    [LibraryImport("libc")] private static partial int setsockopt(int descriptor, int level, int name, void* value, uint length);
    [LibraryImport("libc")] private static partial int getsockopt(int descriptor, int level, int name, void* value, int* length);
    [LibraryImport("libc")] private static partial int ppoll(PollEntry* entries, nuint count, TimeSpec* timeout, void* signals);
    [LibraryImport("libc")] private static partial int prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);
    [LibraryImport("libc")] private static partial int clock_gettime(int clock, TimeSpec* time);
    [LibraryImport("libc")] private static partial int clock_getcpuclockid(int process, int* clock);
    [LibraryImport("libc")] private static partial int sched_getaffinity(int thread, nuint bytes, ulong* mask);
    [LibraryImport("libc")] private static partial int sched_setaffinity(int thread, nuint bytes, ulong* mask);
    [LibraryImport("libc")] private static partial int kill(int process, int signal);
}

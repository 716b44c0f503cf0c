// The system calls of the epoll transport, bound one to one. Everything here is synchronous, and does not block, except epoll_wait with a
// timeout. Pointers never leave the methods that got them.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RawWs.Server.Native;

[SupportedOSPlatform("linux")]
internal static unsafe partial class Linux
{
    public const int EpollIn = 0x001;
    public const int EpollOut = 0x004;
    public const int EpollErr = 0x008;
    public const int EpollHup = 0x010;
    public const uint EpollEdge = 1u << 31; // EPOLLET: an event is reported once, when it happens

    public const int EpollCtlAdd = 1;
    public const int EpollCtlDel = 2;
    public const int EpollCtlMod = 3;

    public const int Eintr = 4;
    public const int Eio = 5;
    public const int Eagain = 11;

    public const int MsgDontWait = 0x40;
    public const int MsgNoSignal = 0x4000;
    public const int MsgMore = 0x8000;

    private const int EpollCloexec = 0x80000;
    private const int EfdCloexecNonblock = 0x80000 | 0x800;
    private const int SockCloexecNonblock = 0x80000 | 0x800;
    private const int ShutWr = 1;
    private const int SolSocket = 1;
    private const int SoLinger = 13;
    private const int IpProtoTcp = 6;
    private const short Pollin = 1;
    private const short Pollout = 4;
    private const int TcpUserTimeout = 18;
    private const int CallRingSetup = 425; // the same on all processors
    private const int CallRingEnter = 426;

    /// <summary>The size of an epoll_event in bytes: the kernel packs it on x64 (and x86) only.</summary>
    public static readonly int EpollEventBytes =
        RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? 12 : 16;

    private static readonly int EpollDataOffset = EpollEventBytes - 8;

    /// <summary>The error of the last call on this thread.</summary>
    public static int LastError => Marshal.GetLastSystemError();

    public static int EpollCreate() => epoll_create1(EpollCloexec);

    /// <summary>Makes an eventfd that is readable from the beginning.</summary>
    public static int EventFd() => eventfd(1, EfdCloexecNonblock);

    public static int Accept(int listener, Span<byte> address, out int addressBytes)
    {
        int length = address.Length;
        fixed (byte* pointer = address)
        {
            int descriptor = accept4(listener, pointer, &length, SockCloexecNonblock);
            addressBytes = Math.Min(length, address.Length);
            return descriptor;
        }
    }

    /// <summary>Gets the sockaddr of a socket's own end. False when the kernel does not say it.</summary>
    public static bool TryGetName(int descriptor, Span<byte> address, out int addressBytes)
    {
        int length = address.Length;
        fixed (byte* pointer = address)
        {
            bool named = getsockname(descriptor, pointer, &length) == 0;
            addressBytes = Math.Min(length, address.Length);
            return named;
        }
    }

    public static int EpollControl(int epoll, int operation, int descriptor, uint events, ulong data)
    {
        byte* pointer = stackalloc byte[16];
        *(uint*)pointer = events;
        *(ulong*)(pointer + EpollDataOffset) = data;
        return epoll_ctl(epoll, operation, descriptor, pointer);
    }

    public static int EpollWait(int epoll, byte* events, int maximum, int timeoutMilliseconds) =>
        epoll_wait(epoll, events, maximum, timeoutMilliseconds);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint EventMask(byte* events, int index) => *(uint*)(events + (index * EpollEventBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong EventData(byte* events, int index) => *(ulong*)(events + (index * EpollEventBytes) + EpollDataOffset);

    public static nint Receive(int descriptor, Span<byte> buffer)
    {
        fixed (byte* pointer = buffer) return recv(descriptor, pointer, (nuint)buffer.Length, 0);
    }

    public static nint Send(int descriptor, ReadOnlySpan<byte> bytes, bool more)
    {
        fixed (byte* pointer = bytes) return send(descriptor, pointer, (nuint)bytes.Length, MsgNoSignal | (more ? MsgMore : 0));
    }

    /// <summary>The same for frames with payload segments, whose payloads lie in <paramref name="source"/>.</summary>
    public static nint Send(int descriptor, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments)
    {
        fixed (byte* frame = frames, payload = source)
        {
            IoVector* vectors = stackalloc IoVector[(2 * segments.Length) + 1];
            int count = 0, at = 0;
            foreach (PayloadSegment segment in segments)
            {
                vectors[count++] = new IoVector { Start = frame + at, Length = (nuint)(segment.FramesEnd - at) };
                vectors[count++] = new IoVector { Start = payload + segment.Start, Length = (nuint)segment.Length };
                at = segment.FramesEnd;
            }

            if (at < frames.Length) vectors[count++] = new IoVector { Start = frame + at, Length = (nuint)(frames.Length - at) };
            MessageHeader message = new() { Vectors = vectors, VectorCount = (nuint)count };
            return sendmsg(descriptor, &message, MsgNoSignal);
        }
    }

    /// <summary>Whether a socket can be written to, as epoll would report it. False if the call fails.</summary>
    public static bool IsWritable(int descriptor) => Poll(descriptor, Pollout, out short found) == 1 && (found & Pollout) != 0;

    /// <summary>Whether a connection waits in a listener's backlog. True if the call fails: the accept will say why.</summary>
    public static bool IsConnectionThere(int listener) => Poll(listener, Pollin, out _) != 0;

    /// <summary>How many bytes the kernel holds for us on a socket; 0 if the call fails.</summary>
    public static int BytesToReceive(int descriptor)
    {
        const nuint Fionread = 0x541B;
        int bytes = 0;
        return ioctl(descriptor, Fionread, &bytes) == 0 ? bytes : 0;
    }

    /// <summary>How many bytes a TCP socket has been given that the peer has not acknowledged; -1 if the kernel does not say it.</summary>
    public static int BytesUnacknowledged(int descriptor)
    {
        const nuint Tiocoutq = 0x5411;
        int bytes = 0;
        return ioctl(descriptor, Tiocoutq, &bytes) == 0 ? bytes : -1;
    }

    public static void ShutdownSend(int descriptor) => _ = shutdown(descriptor, ShutWr);

    /// <summary>
    /// Closes a descriptor. Whatever close returns, on Linux the number is free afterwards (EINTR and EIO included), and may belong to
    /// somebody else already. So close is not called a second time. False when it returned an error: a filter may have kept the kernel from
    /// closing at all.
    /// </summary>
    public static bool Close(int descriptor) => close(descriptor) == 0;

    /// <summary>Makes the next close a reset: the kernel drops what is unsent and sends RST.</summary>
    public static void ResetOnClose(int descriptor)
    {
        int* linger = stackalloc int[2] { 1, 0 };
        _ = setsockopt(descriptor, SolSocket, SoLinger, linger, 8);
    }

    /// <summary>TCP_USER_TIMEOUT: how long sent bytes may stay unacknowledged before the kernel gives the peer up.</summary>
    public static void SetUserTimeout(int descriptor, int milliseconds) =>
        _ = setsockopt(descriptor, IpProtoTcp, TcpUserTimeout, &milliseconds, 4);

    /// <summary>
    /// Adds one to an eventfd, which wakes everybody who waits for its edges. Nobody reads it; it counts to 2^64. False when the call was
    /// refused.
    /// </summary>
    public static bool Signal(int eventDescriptor)
    {
        ulong one = 1;
        return write(eventDescriptor, &one, 8) == 8;
    }

    /// <summary>io_uring_setup: a descriptor, or below zero.</summary>
    public static int RingSetup(uint count, SendRing.Parameters* parameters) =>
        (int)syscall(CallRingSetup, (nint)count, (nint)parameters, 0, 0, 0, 0);

    /// <summary>io_uring_enter: how many entries the kernel has accepted, or below zero.</summary>
    public static int RingEnter(int ring, uint toSubmit, uint minimumResults, uint flags) =>
        (int)syscall(CallRingEnter, ring, (nint)toSubmit, (nint)minimumResults, (nint)flags, 0, 0);

    /// <summary>Maps memory that is shared with the kernel behind a descriptor; null when it cannot be mapped.</summary>
    public static byte* Map(int descriptor, long offset, nuint length)
    {
        const int ProtReadWrite = 3, MapSharedPopulate = 0x1 | 0x8000;
        void* start = mmap(null, length, ProtReadWrite, MapSharedPopulate, descriptor, (nint)offset);
        return (nint)start == -1 ? null : (byte*)start;
    }

    public static void Unmap(byte* start, nuint length) => _ = munmap(start, length);

    /// <summary>Writes bytes and ignores the result: for a last message.</summary>
    public static void Write(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes) _ = write(descriptor, pointer, (nuint)bytes.Length);
    }

    /// <summary>Whether a descriptor is open, and was open before the program began: what the runtime opens is closed on exec.</summary>
    public static bool IsInherited(int descriptor)
    {
        const int GetDescriptorFlags = 1, CloseOnExec = 1;
        int flags = fcntl(descriptor, GetDescriptorFlags, 0);
        return flags >= 0 && (flags & CloseOnExec) == 0;
    }

    /// <summary>How many files the process may have open (its soft limit).</summary>
    public static int OpenFilesMax()
    {
        const int RlimitNofile = 7;
        ulong* limits = stackalloc ulong[2];
        return getrlimit(RlimitNofile, limits) == 0 ? (int)Math.Min(limits[0], 1_000_000) : 1024;
    }

    // Asks once, without waiting.
    private static int Poll(int descriptor, short events, out short found)
    {
        PollEntry entry = new() { Descriptor = descriptor, Events = events };
        int count = poll(&entry, 1, 0);
        found = entry.Results;
        return count;
    }

    // struct pollfd.
    /// <summary>The kernel's number of this thread.</summary>
    public static int ThreadId => gettid();

    /// <summary>The processor time of a thread of this process; null if there is no such thread.</summary>
    public static TimeSpan? ProcessorTime(int threadId)
    {
        const int OfAThread = 4, AsScheduled = 2; // CPUCLOCK_PERTHREAD_MASK, CPUCLOCK_SCHED: a clock's number is made of a thread's
        long* time = stackalloc long[2]; // struct timespec: seconds and nanoseconds, each as long as an address
        return clock_gettime((~threadId << 3) | OfAThread | AsScheduled, time) == 0
            ? TimeSpan.FromSeconds(time[0]) + TimeSpan.FromTicks(time[1] / TimeSpan.NanosecondsPerTick)
            : null;
    }

    /// <summary>The kernel's estimate of a TCP socket's round trip, in microseconds; -1 if it does not say it.</summary>
    public static int RoundTripMicroseconds(int descriptor)
    {
        const int Tcp = 6, TcpInfo = 11, RttAt = 68; // struct tcp_info: tcpi_rtt, behind 8 bytes and 15 numbers
        byte* info = stackalloc byte[RttAt + sizeof(int)];
        uint length = RttAt + sizeof(int);
        return getsockopt(descriptor, Tcp, TcpInfo, info, &length) == 0 && length == RttAt + sizeof(int) ? *(int*)(info + RttAt) : -1;
    }

    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Results;
    }

    // struct iovec.
    private struct IoVector
    {
        public byte* Start;
        public nuint Length;
    }

    // struct msghdr.
    private struct MessageHeader
    {
        public void* Name;
        public uint NameBytes;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlBytes;
        public int Flags;
    }

    [LibraryImport("libc")] private static partial int epoll_create1(int flags);
    [LibraryImport("libc")] private static partial int epoll_ctl(int epoll, int operation, int descriptor, byte* data);
    [LibraryImport("libc")] private static partial int epoll_wait(int epoll, byte* events, int maximum, int timeout);
    [LibraryImport("libc")] private static partial int eventfd(uint initial, int flags);
    [LibraryImport("libc")] private static partial int accept4(int listener, byte* address, int* addressBytes, int flags);
    [LibraryImport("libc")] private static partial int getsockname(int descriptor, byte* address, int* addressBytes);
    [LibraryImport("libc")] private static partial nint recv(int descriptor, byte* buffer, nuint length, int flags);
    [LibraryImport("libc")] private static partial nint send(int descriptor, byte* buffer, nuint length, int flags);
    [LibraryImport("libc")] private static partial nint sendmsg(int descriptor, MessageHeader* message, int flags);
    [LibraryImport("libc")] private static partial int shutdown(int descriptor, int how);
    [LibraryImport("libc")] private static partial int close(int descriptor);
    [LibraryImport("libc")] private static partial int poll(PollEntry* entries, nuint count, int timeout);
    [LibraryImport("libc")] private static partial int ioctl(int descriptor, nuint request, int* value);
    [LibraryImport("libc")] private static partial nint write(int descriptor, void* buffer, nuint length);
    [LibraryImport("libc")] private static partial int gettid();
    [LibraryImport("libc")] private static partial int clock_gettime(int clock, long* time);
    [LibraryImport("libc")] private static partial int getsockopt(int descriptor, int level, int name, void* value, uint* length);
    [LibraryImport("libc")] private static partial int setsockopt(int descriptor, int level, int name, void* value, uint length);
    [LibraryImport("libc")] private static partial int fcntl(int descriptor, int command, int argument);
    [LibraryImport("libc")]
    private static partial nint syscall(nint number, nint first, nint second, nint third, nint fourth, nint fifth, nint sixth);
    [LibraryImport("libc")]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int descriptor, nint offset);
    [LibraryImport("libc")] private static partial int munmap(void* address, nuint length);
    [LibraryImport("libc")] private static partial int getrlimit(int resource, ulong* limits);
}

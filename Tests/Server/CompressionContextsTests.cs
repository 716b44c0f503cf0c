// The native side: contexts are lent, reused, counted and freed; nothing is allocated per message; the library is tried out at start.

using System.Runtime.InteropServices;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[NonParallelizable]
public sealed partial class CompressionContextsTests
{
    // What another test dropped must not be freed while one of these counts.
    [SetUp]
    public void FreeWhatWasDropped()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [Test]
    public void TheLibraryIsThere()
    {
        Assert.That(ZlibCheck.TryLoad(out string? problem), problem);
        Assert.That(problem, Is.Null);
    }

    [Test]
    public void WhatIsWrongWithTheLibrary_IsASentence_NotACrash()
    {
        Assert.That(ZlibCheck.FindProblem(static () => throw new DllNotFoundException()), Does.Contain("not found"));
        Assert.That(ZlibCheck.FindProblem(static () => throw new EntryPointNotFoundException("InflateReset9")),
            Does.Contain("InflateReset9"));
        Assert.That(ZlibCheck.FindProblem(static () => throw new BadImageFormatException()), Does.Contain("cannot be loaded"));
        Assert.That(ZlibCheck.FindProblem(static () => throw new InvalidOperationException("answered -6")), Does.Contain("answered -6"));
        Assert.That(ZlibCheck.FindProblem(static () => "odd"), Is.EqualTo("odd"));
    }

    [Test]
    public void TenThousandContexts_AreAllFreed()
    {
        int before = Zlib.Live;
        for (int i = 0; i < 5000; i++)
        {
            using Deflater deflater = Deflater.TryCreate(1, 8 + (i % 8), takeover: true)!;
            using Inflater inflater = Inflater.TryCreate(8 + (i % 8))!;
            Assert.That(Zlib.Live, Is.EqualTo(before + 2));
        }

        Assert.That(Zlib.Live, Is.EqualTo(before));
        Deflater twice = Deflater.TryCreate(1, 9, takeover: true)!;
        twice.Dispose();
        twice.Dispose();
        Assert.That(Zlib.Live, Is.EqualTo(before));
    }

    [Test]
    public void AContextThatIsForgotten_IsFreedByTheCollector()
    {
        int before = Zlib.Live;
        Drop();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.That(Zlib.Live, Is.EqualTo(before));

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void Drop()
        {
            Assert.That(Deflater.TryCreate(1, 9, takeover: true), Is.Not.Null);
            Assert.That(Inflater.TryCreate(9), Is.Not.Null);
        }
    }

    // The charges are what the allocator says, and at most an eighth more. glibc only: it can be asked.
    [Test]
    [Platform("Linux")]
    public void TheChargesAreTheMemory([Values(8, 9, 10, 11, 12, 13, 14, 15)] int windowBits)
    {
        if (!Memory.CanBeAsked) Tools.Missing("glibc");
        long deflater = Memory.BytesOfEach(() => Deflater.TryCreate(1, windowBits, takeover: true)!);
        long inflater = Memory.BytesOfEach(() => Inflater.TryCreate(windowBits)!);
        TestContext.Out.WriteLine($"window {windowBits}: a deflater {deflater}, an inflater {inflater} bytes");
        Assert.That(deflater, Is.InRange(Deflater.ContextBytes(windowBits) * 7 / 8, Deflater.ContextBytes(windowBits)));
        Assert.That(inflater, Is.InRange(Inflater.ContextBytes * 7 / 8, Inflater.ContextBytes));
    }

    [Test]
    public void ContextsAreLentAgain_AndCharged()
    {
        MemoryBudget budget = new(10_000_000);
        int before = Zlib.Live;
        using (DeflateContexts contexts = new(budget, 1, pooledMax: 2))
        {
            Inflater inflater = contexts.TryRentInflater(15)!;
            Deflater deflater = contexts.TryRentDeflater(12, takeover: false)!;
            Assert.That(budget.HeldBytes, Is.EqualTo(Inflater.ContextBytes + Deflater.ContextBytes(12)));
            contexts.Return(inflater);
            contexts.Return(deflater);
            Assert.That(budget.HeldBytes, Is.Zero);
            Assert.That(contexts.TryRentInflater(9), Is.SameAs(inflater), "of any window");
            Deflater other = contexts.TryRentDeflater(13, takeover: false)!;
            Assert.That(other, Is.Not.SameAs(deflater));
            Assert.That(contexts.TryRentDeflater(12, takeover: true), Is.SameAs(deflater));
            contexts.Return(inflater);
            contexts.Return(deflater);
            contexts.Return(other);

            // When the pool is full they are freed.
            Inflater[] many = [.. Enumerable.Range(0, 5).Select(_ => contexts.TryRentInflater(15)!)];
            foreach (Inflater one in many) contexts.Return(one);
            Assert.That(Zlib.Live, Is.EqualTo(before + 2 + 2));
        }

        Assert.That(Zlib.Live, Is.EqualTo(before));
        Assert.That(budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void ALentContextKnowsNothingOfItsLastTaker()
    {
        using DeflateContexts contexts = new(new MemoryBudget(10_000_000), 1, pooledMax: 1);
        byte[] secret = Deflate.Text(1000);
        byte[]? first = null;
        for (int i = 0; i < 6; i++)
        {
            Deflater deflater = contexts.TryRentDeflater(15, takeover: i % 2 == 0)!;
            byte[] payload = Deflate.Compress(deflater, secret);
            Assert.That(payload, Is.EqualTo(first ??= payload), $"taker {i}");
            contexts.Return(deflater);

            Inflater inflater = contexts.TryRentInflater(15)!;
            Assert.That(Deflate.Read(inflater, Convert.FromHexString("F200110000")).Status, Is.EqualTo(DecodeStatus.Malformed),
                "a reference to the last taker's message");
            Assert.That(inflater.TryReset(15));
            Assert.That(Deflate.Read(inflater, payload).Status, Is.EqualTo(DecodeStatus.Done));
            // It goes back broken.
            if (i % 2 == 0) Assert.That(inflater.Inflate([0xFF], new byte[10], out _, out _), Is.EqualTo(DecodeStatus.Malformed));
            contexts.Return(inflater);
        }
    }

    [Test]
    public void AtTheMemoryLimit_NothingIsLent()
    {
        MemoryBudget budget = new((Inflater.ContextBytes + 10) * 2); // half of it is for contexts
        using DeflateContexts contexts = new(budget, 1, pooledMax: 1);
        Assert.That(contexts.TryRentDeflater(15, takeover: true), Is.Null);
        Inflater inflater = contexts.TryRentInflater(15)!;
        Assert.That(contexts.TryRentInflater(15), Is.Null);
        contexts.Return(inflater);
        Assert.That(budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void ThePoolIsSafeOnAnyThread()
    {
        MemoryBudget budget = new(100_000_000);
        int before = Zlib.Live;
        byte[] message = Deflate.Text(300);
        using (DeflateContexts contexts = new(budget, 1, pooledMax: 2))
        {
            Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
            {
                Deflater deflater = contexts.TryRentDeflater(9 + (i % 3), takeover: i % 2 == 0)!;
                Inflater inflater = contexts.TryRentInflater(15)!;
                Assert.That(Deflate.Read(inflater, Deflate.Compress(deflater, message)).Bytes, Is.EqualTo(message));
                contexts.Return(deflater);
                contexts.Return(inflater);
            });
        }

        Assert.That((Zlib.Live, budget.HeldBytes), Is.EqualTo((before, 0L)));
    }

    [Test]
    public void NothingIsAllocatedPerMessage([Values] bool takeover)
    {
        const int Messages = 10_000;
        byte[] message = Deflate.Text(1000);
        byte[] payload = new byte[Deflater.RoomBytes(message.Length)];
        byte[] output = new byte[256];
        using DeflateContexts contexts = new(new MemoryBudget(10_000_000), 1, pooledMax: 2);
        Deflater? ownDeflater = takeover ? contexts.TryRentDeflater(15, true) : null;
        Inflater? ownInflater = takeover ? contexts.TryRentInflater(15) : null;
        for (int i = 0; i < 100; i++) RoundTrip();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Messages; i++) RoundTrip();
        double perMessage = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Messages;
        if (ownDeflater is not null) contexts.Return(ownDeflater);
        if (ownInflater is not null) contexts.Return(ownInflater);
        Assert.That(perMessage, Is.LessThan(1), "bytes per message");

        void RoundTrip()
        {
            Deflater deflater = ownDeflater ?? contexts.TryRentDeflater(15, false)!;
            bool fits = deflater.TryDeflate(message, payload, out int length);
            if (ownDeflater is null) contexts.Return(deflater);
            Inflater inflater = ownInflater ?? contexts.TryRentInflater(15)!;
            ReadOnlySpan<byte> rest = payload.AsSpan(0, length);
            DecodeStatus status;
            int bytes = 0;
            do
            {
                status = inflater.Inflate(rest, output, out int consumed, out int written);
                bytes += written;
                rest = rest[consumed..];
            }
            while (status == DecodeStatus.OutputFull);
            bool done = status == DecodeStatus.NeedMoreData && inflater.Finish() == DecodeStatus.Done && bytes == message.Length;
            if (ownInflater is null) contexts.Return(inflater);
            if (!fits || !done) Assert.Fail("a message was read wrongly");
        }
    }

    /// <summary>The allocator's own count of the bytes that are in use.</summary>
    private static partial class Memory
    {
        private const int Measures = 101;
        private const int ContextsPerMeasure = 5;

        public static bool CanBeAsked { get; } = NativeLibrary.TryLoad("libc.so.6", out nint libc)
            && NativeLibrary.TryGetExport(libc, "mallinfo2", out _);

        private static long BytesInUse
        {
            get
            {
                Counts counts = Ask();
                return (long)(counts.InHeap + counts.Mapped);
            }
        }

        /// <summary>
        /// What one context takes: the middle one of many short measures. The count is the whole process's, so what another thread
        /// allocates meanwhile (the runtime's compiler, say) makes a measure too large, and what it frees too small, so the least will not
        /// do; the undisturbed ones agree to the byte.
        /// </summary>
        public static long BytesOfEach(Func<IDisposable> create)
        {
            long[] measures = [.. Enumerable.Range(0, Measures).Select(_ => Measure(create)).Order()];
            return measures[Measures / 2];
        }

        private static long Measure(Func<IDisposable> create)
        {
            IDisposable[] contexts = new IDisposable[ContextsPerMeasure];
            long start = BytesInUse;
            for (int i = 0; i < contexts.Length; i++) contexts[i] = create();
            long bytes = BytesInUse - start;
            foreach (IDisposable context in contexts) context.Dispose();
            return bytes / contexts.Length;
        }

        [LibraryImport("libc.so.6", EntryPoint = "mallinfo2")]
        private static partial Counts Ask();

        [StructLayout(LayoutKind.Sequential)]
        private struct Counts
        {
            public nuint Arena, FreeChunks, FastChunks, Mappings;
            public nuint Mapped;
            public nuint Unused, FreeFast;
            public nuint InHeap;
            public nuint FreeInHeap, Trimmable;
        }
    }
}

// Many sends in one system call: an io_uring that is used for nothing else. Every send is one that does not wait (MSG_DONTWAIT). So the
// kernel carries it out while it reads it from the ring, in the order of the ring, and its result is there when the call returns. Nothing
// is still running then: for the caller, Submit is like many calls of send.
//
// The ring is two arrays of fixed length that are shared with the kernel: entries to be carried out, and results. Each has a head and a
// tail. These numbers only grow; of each pair one is ours to move, and the other is the kernel's. A round is finished before the next one
// begins. So the entry with the number n always lies at n & mask, and only what differs from send to send is written again.
//
// Old kernels have no io_uring, and many containers forbid it. Then there is no ring, and each send is a call.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RawWs.Server.Native;

[SupportedOSPlatform("linux")]
internal sealed unsafe class SendRing
{
    /// <summary>A result that no send has: it was not done.</summary>
    public const int NotDone = int.MinValue;

    private const int SetupSubmitAll = 1 << 7; // an entry that fails does not stop those after it (Linux 5.18)
    private const int FeatureSingleMap = 1;
    private const uint EnterGetEvents = 1;
    private const long EntriesOffset = 0x10000000;
    private const byte OperationSend = 26;
    private const int EntryBytes = 64;
    private const int ResultBytes = 16;

    private readonly int _descriptor;
    private readonly byte* _rings;
    private readonly nuint _ringsBytes;
    private readonly byte* _entries;
    private readonly nuint _entriesBytes;
    private readonly uint* _entryTail;
    private readonly uint _entryMask;
    private readonly uint* _resultHead;
    private readonly uint* _resultTail;
    private readonly uint _resultMask;
    private readonly byte* _results;
    private uint _tail; // the number of the next entry

    private SendRing(int descriptor, in Parameters parameters, byte* rings, nuint ringsBytes, byte* entries, nuint entriesBytes)
    {
        _descriptor = descriptor;
        _rings = rings;
        _ringsBytes = ringsBytes;
        _entries = entries;
        _entriesBytes = entriesBytes;
        _entryTail = (uint*)(rings + parameters.Submission.Tail);
        _entryMask = *(uint*)(rings + parameters.Submission.RingMask);
        _resultHead = (uint*)(rings + parameters.Completion.Head);
        _resultTail = (uint*)(rings + parameters.Completion.Tail);
        _resultMask = *(uint*)(rings + parameters.Completion.RingMask);
        _results = rings + parameters.Completion.Entries;
        uint* places = (uint*)(rings + parameters.Submission.Array);
        for (uint i = 0; i <= _entryMask; i++)
        {
            places[i] = i;
            byte* entry = entries + (i * EntryBytes);
            new Span<byte>(entry, EntryBytes).Clear();
            *entry = OperationSend;
            *(int*)(entry + 28) = Linux.MsgNoSignal | Linux.MsgDontWait;
        }
    }

    /// <summary>The errno with which the kernel has refused a round; 0 when it has refused none, or just did nothing.</summary>
    public int Failure { get; private set; }

    /// <summary>Makes a ring for so many sends at once, a power of two. Null if the system allows none.</summary>
    public static SendRing? TryCreate(int count)
    {
        Parameters parameters = new() { Flags = SetupSubmitAll };
        int descriptor = Linux.RingSetup((uint)count, &parameters);
        if (descriptor < 0) return null;
        if ((parameters.Features & FeatureSingleMap) != 0)
        {
            nuint ringsBytes = (nuint)Math.Max(
                parameters.Submission.Array + ((long)parameters.SubmissionCount * sizeof(uint)),
                parameters.Completion.Entries + ((long)parameters.CompletionCount * ResultBytes));
            nuint entriesBytes = parameters.SubmissionCount * EntryBytes;
            byte* rings = Linux.Map(descriptor, 0, ringsBytes);
            byte* entries = rings is null ? null : Linux.Map(descriptor, EntriesOffset, entriesBytes);
            if (entries is not null) return new SendRing(descriptor, parameters, rings, ringsBytes, entries, entriesBytes);
            if (rings is not null) Linux.Unmap(rings, ringsBytes);
        }

        Linux.Close(descriptor);
        return null;
    }

    /// <summary>Writes the next send of this round. The bytes must stay pinned until <see cref="Submit"/> has returned.</summary>
    /// <param name="number">How many sends of this round come before it. A round has at most as many as the ring was created for.</param>
    /// <param name="descriptor">The socket.</param>
    /// <param name="bytes">What to send.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prepare(int number, int descriptor, ReadOnlySpan<byte> bytes)
    {
        byte* entry = _entries + ((_tail & _entryMask) * EntryBytes);
        _tail++;
        *(int*)(entry + 4) = descriptor;
        *(byte**)(entry + 16) = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
        *(int*)(entry + 24) = bytes.Length;
        *(long*)(entry + 32) = number;
    }

    /// <summary>Makes the kernel carry out the round.</summary>
    /// <param name="results">
    /// Receives the result of each send: how many bytes were sent, or an errno below zero. Its length is the number of sends.
    /// </param>
    /// <returns>
    /// False when the kernel has refused the call itself (<see cref="Failure"/> says why). Then sends without a result were not done, and
    /// the ring cannot be used any more.
    /// </returns>
    public bool Submit(Span<int> results)
    {
        Volatile.Write(ref *_entryTail, _tail);
        uint toSubmit = (uint)results.Length;
        int missing = results.Length;
        while (missing > 0)
        {
            int submitted = Linux.RingEnter(_descriptor, toSubmit, toSubmit == 0 ? (uint)missing : 0, toSubmit == 0 ? EnterGetEvents : 0u);
            if (submitted < 0 && Linux.LastError == Linux.Eintr) continue;
            int error = submitted < 0 ? Linux.LastError : 0, taken = Math.Max(submitted, 0), found = ReadResults(results);
            if (submitted < 0 || (taken == 0 && found == 0))
            {
                Failure = error;
                // What the kernel has accepted without a result may have been sent. To send it again could send it twice.
                results[..(results.Length - (int)toSubmit)].Replace(NotDone, -Linux.Eio);
                return false;
            }

            toSubmit -= (uint)taken;
            missing -= found;
        }

        return true;
    }

    /// <summary>Returns the ring to the system.</summary>
    public void Close()
    {
        Linux.Unmap(_entries, _entriesBytes);
        Linux.Unmap(_rings, _ringsBytes);
        Linux.Close(_descriptor);
    }

    private int ReadResults(Span<int> results)
    {
        uint head = *_resultHead, tail = Volatile.Read(ref *_resultTail);
        int count = (int)(tail - head);
        for (; head != tail; head++)
        {
            byte* result = _results + ((head & _resultMask) * ResultBytes);
            results[(int)*(long*)result] = *(int*)(result + 8);
        }

        Volatile.Write(ref *_resultHead, head);
        return count;
    }

    // struct io_uring_params and the two structs inside it.
    internal struct Parameters
    {
        public uint SubmissionCount;
        public uint CompletionCount;
        public uint Flags;
        public fixed uint Poller[2];
        public uint Features;
        public uint WorkerDescriptor;
        public fixed uint Reserved[3];
        public SubmissionOffsets Submission;
        public CompletionOffsets Completion;
    }

    internal struct SubmissionOffsets
    {
        public uint Head;
        public uint Tail;
        public uint RingMask;
        public uint RingEntries;
        public uint Flags;
        public uint Dropped;
        public uint Array;
        public uint Reserved;
        public ulong UserAddress;
    }

    internal struct CompletionOffsets
    {
        public uint Head;
        public uint Tail;
        public uint RingMask;
        public uint RingEntries;
        public uint Overflow;
        public uint Entries;
        public uint Flags;
        public uint Reserved;
        public ulong UserAddress;
    }
}

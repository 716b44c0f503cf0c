// Messages on their way to one node, or to all of them, in order: numbered, written one behind the other, sent in pieces, and kept in mind
// until they are answered. Any thread appends; the node's own thread takes what has been appended, all at once, and deals with answers. So
// one publication of the backplane's carries as many messages as have come meanwhile.
//
// What is given up before it was taken never goes out, and its numbers are those of what comes next: to a receiver it has never been.
//
// A position is how far one receiver has answered. The link of one node has one position, the link of all has one for each node.

using System.Buffers.Binary;
using RawWs.Frame;

namespace RawWs.Server.Nats;

/// <summary>Messages of which not all is well: numbers from the first to before the last.</summary>
internal readonly record struct AnswerException(ulong First, ulong Behind, DeliveryResult Result);

/// <summary>What became of a message that was to be appended.</summary>
internal enum Appended : byte
{
    /// <summary>It will be sent.</summary>
    Yes,

    /// <summary>It will be sent, and nothing waited before: somebody has to be woken.</summary>
    First,

    /// <summary>Nobody is there to get it.</summary>
    Nobody,

    /// <summary>Too much waits, or is unanswered.</summary>
    Full,
}

/// <param name="bytesMax">How many bytes may wait to be sent.</param>
/// <param name="unansweredMax">How many messages may be unanswered.</param>
internal sealed class LinkOut(int bytesMax, int unansweredMax)
{
    private readonly Lock _lock = new();
    private byte[] _bytes = [];
    private int _length;
    private Slot[] _slots = new Slot[16]; // a ring: number n lies at n modulo its length
    private ulong _first; // the first unanswered message
    private ulong _next; // the next message
    private ulong _taken; // the first message that has not been taken
    private int _receivers;

    /// <summary>The number of the next piece. For the node's own thread.</summary>
    public ulong NextPiece { get; set; }

    /// <summary>How many messages are unanswered.</summary>
    public int Unanswered
    {
        get
        {
            lock (_lock) return (int)(_next - _first);
        }
    }

    /// <summary>How many bytes wait to be sent.</summary>
    public int QueuedBytes
    {
        get
        {
            lock (_lock) return _length;
        }
    }

    /// <summary>When the message at a position was appended; null if it has been answered, or does not exist.</summary>
    public long? SinceOf(ulong position)
    {
        lock (_lock) return position >= _first && position < _next ? At(position).Since : null;
    }

    /// <summary>Appends a message. What it names is copied.</summary>
    /// <param name="kind">Text or binary.</param>
    /// <param name="uid">For whom it is; empty for everybody.</param>
    /// <param name="payload">The message.</param>
    /// <param name="publish">Is told the answers.</param>
    /// <param name="now">The time in milliseconds.</param>
    public Appended Append(MessageKind kind, ReadOnlySpan<byte> uid, ReadOnlySpan<byte> payload, PendingPublish publish, long now)
    {
        lock (_lock)
        {
            bool isFirst = _length == 0;
            if (_receivers == 0) return Appended.Nobody;
            int rest = sizeof(byte) + sizeof(ushort) + uid.Length + payload.Length;
            if (_length > bytesMax - rest - sizeof(uint) || _next - _first >= (ulong)unansweredMax)
                return Appended.Full;
            publish.Expect(_receivers);
            Span<byte> room = Room(sizeof(uint) + rest);
            BinaryPrimitives.WriteUInt32LittleEndian(room, (uint)rest);
            room[4] = (byte)kind;
            BinaryPrimitives.WriteUInt16LittleEndian(room[5..], (ushort)uid.Length);
            uid.CopyTo(room[7..]);
            payload.CopyTo(room[(7 + uid.Length)..]);
            if (_next - _first == (ulong)_slots.Length) GrowRing();
            At(_next++) = new Slot(publish, _receivers, now);
            return isFirst ? Appended.First : Appended.Yes;
        }
    }

    /// <summary>One more receiver: it gets what is appended from now on.</summary>
    /// <returns>Its position.</returns>
    public ulong Enter()
    {
        lock (_lock)
        {
            _receivers++;
            return _next;
        }
    }

    /// <summary>A receiver is gone: what it owes is unreachable. If it was the last one, what has not been taken goes to nobody.</summary>
    /// <returns>How many messages it owed.</returns>
    public int Leave(ulong position)
    {
        lock (_lock)
        {
            if (--_receivers == 0) return GiveUpAll();
            int lost = 0;
            for (; position < _next; position++)
                if (Complete(position, DeliveryResult.Unreachable)) lost++;
            DropAnswered();
            return lost;
        }
    }

    /// <summary>Takes what has been appended since. The array is for what comes next.</summary>
    /// <param name="spare">An array that is used next; it grows.</param>
    /// <param name="length">How many bytes were taken.</param>
    /// <param name="first">The number of the first message among them.</param>
    /// <returns>The bytes: whole messages, one behind the other.</returns>
    public byte[] Take(byte[] spare, out int length, out ulong first)
    {
        lock (_lock)
        {
            byte[] taken = _bytes;
            (length, first) = (_length, _taken);
            (_bytes, _length, _taken) = (spare, 0, _next);
            return taken;
        }
    }

    /// <summary>A receiver has answered for the messages before <paramref name="behind"/>.</summary>
    /// <param name="position">How far it had answered. It is moved on.</param>
    /// <param name="from">The first message that it answers for: what came of those before is not known.</param>
    /// <param name="behind">The message after the last that it has dealt with.</param>
    /// <param name="exceptions">Those that were not delivered, in order.</param>
    /// <returns>Of how many it does not answer what came of them: those are unreachable.</returns>
    public int Answer(ref ulong position, ulong from, ulong behind, ReadOnlySpan<AnswerException> exceptions)
    {
        lock (_lock)
        {
            int unknown = 0;
            behind = Math.Min(behind, _taken); // nobody can answer what has not been sent
            for (; position < behind; position++)
            {
                if (position < from)
                {
                    if (Complete(position, DeliveryResult.Unreachable)) unknown++;
                    continue;
                }

                while (exceptions.Length > 0 && exceptions[0].Behind <= position) exceptions = exceptions[1..];
                bool isException = exceptions.Length > 0 && exceptions[0].First <= position;
                Complete(position, isException ? exceptions[0].Result : DeliveryResult.Delivered);
            }

            DropAnswered();
            return unknown;
        }
    }

    /// <summary>Nobody will answer: all that is unanswered is unreachable, and what has not been taken goes to nobody.</summary>
    /// <param name="position">The position of each receiver from now on.</param>
    /// <returns>How many answers were missing: one for each message and receiver.</returns>
    public int GiveUp(out ulong position)
    {
        lock (_lock)
        {
            int lost = GiveUpAll();
            position = _next;
            return lost;
        }
    }

    /// <summary>What was appended before this time, and is unanswered, is unreachable.</summary>
    /// <param name="time">The time in milliseconds.</param>
    /// <param name="from">The first of the messages that were looked at.</param>
    /// <param name="behind">The one behind the last of them.</param>
    /// <returns>How many answers were missing: one for each message and receiver.</returns>
    public int GiveUpBefore(long time, out ulong from, out ulong behind)
    {
        lock (_lock)
        {
            int lost = 0;
            for (from = _first; _first < _next && At(_first).Since < time; _first++) lost += GiveUpOne(_first);
            behind = _first;
            DropAnswered();
            return lost;
        }
    }

    private int GiveUpAll()
    {
        int lost = 0;
        for (; _first < _next; _first++) lost += GiveUpOne(_first);
        (_bytes, _length) = ([], 0);
        _first = _next = _taken;
        return lost;
    }

    private int GiveUpOne(ulong number)
    {
        ref Slot slot = ref At(number);
        if (slot.Publish is not { } publish) return 0;
        int left = slot.Left;
        slot = default;
        publish.Complete(DeliveryResult.Unreachable, left);
        return left;
    }

    private bool Complete(ulong number, DeliveryResult result)
    {
        if (number < _first) return false; // given up before
        ref Slot slot = ref At(number);
        if (slot.Publish is not { } publish) return false;
        if (--slot.Left == 0) slot.Publish = null;
        publish.Complete(result);
        return true;
    }

    private void DropAnswered()
    {
        while (_first < _next && At(_first).Publish is null) _first++;
    }

    private ref Slot At(ulong number) => ref _slots[number & (ulong)(_slots.Length - 1)];

    private void GrowRing()
    {
        Slot[] larger = new Slot[_slots.Length * 2];
        for (ulong number = _first; number < _next; number++) larger[number & (ulong)(larger.Length - 1)] = At(number);
        _slots = larger;
    }

    private Span<byte> Room(int count)
    {
        if (_bytes.Length - _length < count) Array.Resize(ref _bytes, Math.Max(Math.Max(_bytes.Length * 2, 1024), _length + count));
        Span<byte> room = _bytes.AsSpan(_length, count);
        _length += count;
        return room;
    }

    private record struct Slot(PendingPublish? Publish, int Left, long Since);
}

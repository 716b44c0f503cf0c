// Messages from one node, as they come: pieces in order, out of which whole messages are put together. A piece that is missing is seen from
// the numbers, and so is how many messages went with it: they are told to their sender as lost. (What is for
// everybody and had left this node out is missing here too; its sender does not wait for this node, and has counted that.)

using System.Buffers.Binary;
using RawWs.Frame;

namespace RawWs.Server.Nats;

/// <summary>Takes messages that have come whole.</summary>
internal interface IMessageTaker
{
    /// <param name="kind">Text or binary.</param>
    /// <param name="uid">For whom it is; empty for everybody.</param>
    /// <param name="payload">Is lent for this call.</param>
    DeliveryResult Take(MessageKind kind, ReadOnlySpan<byte> uid, ReadOnlyMemory<byte> payload);
}

/// <param name="messageBytesMax">The longest message that is put together, its uid included.</param>
internal sealed class LinkIn(int messageBytesMax)
{
    private const int HeadBytes = sizeof(byte) + sizeof(ushort);
    private const int PartialKeptBytesMax = 1024 * 1024;
    private const int ExceptionsMax = 128 * 1024;

    private readonly List<AnswerException> _exceptions = []; // what was not delivered since the last answer, in order
    private int _answered; // how many of them have been answered
    private byte[] _partial = []; // of a message that goes on in the next piece
    private int _partialLength;
    private ulong _nextPiece;
    private bool _isWhole; // false before the first piece, and after one that made no sense

    /// <summary>The first message that has not been answered: at the beginning the first that was seen.</summary>
    public ulong Unanswered { get; private set; }

    /// <summary>The next message: all before it have been dealt with.</summary>
    public ulong Next { get; private set; }

    /// <summary>How many messages were lost on the way here.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Whether anything has come.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Writes the answer for what has come, or for as much of it as has so many exceptions.</summary>
    /// <returns>Whether that is all; if not, the next answer goes on.</returns>
    public bool WriteAnswer(WireWriter writer, int exceptionsMax)
    {
        int end = Math.Min(_exceptions.Count, _answered + exceptionsMax);
        bool isAll = end == _exceptions.Count;
        ulong behind = isAll ? Next : _exceptions[end].First;
        writer.Write(Unanswered).Write(behind).Write((uint)(end - _answered));
        for (; _answered < end; _answered++)
            writer.Write(_exceptions[_answered].First).Write(_exceptions[_answered].Behind).Write((byte)_exceptions[_answered].Result);
        Unanswered = behind;
        if (!isAll) return false;
        _exceptions.Clear();
        _answered = 0;
        return true;
    }

    /// <summary>A piece has come.</summary>
    /// <param name="reader">Stands before it.</param>
    /// <param name="whole">All that the reader reads.</param>
    /// <param name="taker">Gets the messages.</param>
    /// <returns>False when it made no sense.</returns>
    public bool TryReceive(ref WireReader reader, ReadOnlyMemory<byte> whole, IMessageTaker taker)
    {
        ulong piece = reader.ReadUInt64();
        ulong first = reader.ReadUInt64();
        ReadOnlySpan<byte> rest = reader.Read((int)Math.Min(reader.ReadUInt32(), int.MaxValue));
        if (reader.IsCut) return false;
        if (_isWhole && piece < _nextPiece) return true; // twice
        if (HasBegun && first < Next) return GiveUp();
        // A message that has begun and not ended has its number already.
        if (!_isWhole || piece != _nextPiece || first != Next + (_partialLength > 0 ? 1UL : 0)) Skip(first);
        else if (rest.Length > 0 ? !TryGoOn(rest, taker) : _partialLength > 0) return GiveUp();
        _nextPiece = piece + 1;
        _isWhole = HasBegun = true;
        if (_partialLength > 0 && !reader.Rest.IsEmpty) return GiveUp(); // the next message begins, and the one before has not ended
        return TryTakeAll(whole[^reader.Rest.Length..], taker) || GiveUp();
    }

    // What is between what was seen and what has come is lost.
    private void Skip(ulong first)
    {
        if (!HasBegun)
        {
            Unanswered = Next = first;
            return;
        }

        if (first > Next)
        {
            Except(first, DeliveryResult.Unreachable);
            Lost += Math.Min(first - Next, int.MaxValue);
            Next = first;
        }

        DropPartial();
    }

    private bool GiveUp()
    {
        _isWhole = false;
        DropPartial();
        return false;
    }

    // What a long message needed is given back: nobody knows when the next one comes.
    private void DropPartial()
    {
        _partialLength = 0;
        if (_partial.Length > PartialKeptBytesMax) _partial = [];
    }

    private bool TryTakeAll(ReadOnlyMemory<byte> bytes, IMessageTaker taker)
    {
        while (bytes.Length >= sizeof(uint))
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span);
            if (length < HeadBytes || length > messageBytesMax) return false;
            if (bytes.Length - sizeof(uint) < (int)length) break;
            if (!TryTake(bytes.Slice(sizeof(uint), (int)length), taker)) return false;
            bytes = bytes[(sizeof(uint) + (int)length)..];
        }

        Keep(bytes.Span);
        return true;
    }

    // The rest of a message that began before, or more of it.
    private bool TryGoOn(ReadOnlySpan<byte> rest, IMessageTaker taker)
    {
        if (_partialLength == 0) return true; // its beginning was lost, and it with that
        if (rest.Length > messageBytesMax + sizeof(uint) - _partialLength) return false;
        Keep(rest);
        if (_partialLength < sizeof(uint)) return true;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(_partial);
        if (length < HeadBytes || length > messageBytesMax || _partialLength - sizeof(uint) > length) return false;
        if (_partialLength - sizeof(uint) < length) return true;
        ReadOnlyMemory<byte> message = _partial.AsMemory(sizeof(uint), (int)length);
        bool isTaken = TryTake(message, taker);
        DropPartial();
        return isTaken;
    }

    private bool TryTake(ReadOnlyMemory<byte> message, IMessageTaker taker)
    {
        ReadOnlySpan<byte> bytes = message.Span;
        MessageKind kind = (MessageKind)bytes[0];
        int uidLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[1..]);
        if (kind is not (MessageKind.Text or MessageKind.Binary) || uidLength > message.Length - HeadBytes) return false;
        DeliveryResult result = taker.Take(kind, bytes.Slice(HeadBytes, uidLength), message[(HeadBytes + uidLength)..]);
        if (result != DeliveryResult.Delivered) Except(Next + 1, result);
        Next++;
        return true;
    }

    // From the next message on. What goes on as before takes no more room.
    private void Except(ulong behind, DeliveryResult result)
    {
        if (_exceptions.Count > 0 && _exceptions[^1] is var last && last.Behind == Next && last.Result == result)
            _exceptions[^1] = last with { Behind = behind };
        else if (_exceptions.Count == ExceptionsMax) // no node leaves so much unanswered
            _exceptions[^1] = new AnswerException(_exceptions[^1].First, behind, DeliveryResult.Unreachable);
        else
            _exceptions.Add(new AnswerException(Next, behind, result));
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_partial.Length - _partialLength < bytes.Length)
        {
            int needed = Math.Max(_partial.Length * 2, _partialLength + bytes.Length);
            Array.Resize(ref _partial, Math.Min(needed, messageBytesMax + sizeof(uint)));
        }

        bytes.CopyTo(_partial.AsSpan(_partialLength));
        _partialLength += bytes.Length;
    }
}

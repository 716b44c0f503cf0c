// Data frames (§5.6). What nearly all bytes are has a path of its own, TryReadData: valid data frames, whole or in pieces. It asks whether
// all rules of the header are kept, and not which one is broken; where one is, it changes nothing, and Next finds out which.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RawWs.Frame;

public sealed partial class WebSocketProtocol
{
    /// <summary>
    /// Reads the next message, or the next chunk of one, and makes no event of it. This is the quick way, for a caller that has many small
    /// messages to read: call it first, and <see cref="Next(Span{byte}, out int)"/> when it returns false.
    /// </summary>
    /// <param name="buffer">
    /// As for Next: the bytes that have arrived and are not consumed, the caller's own memory. The consumed payload is unmasked in place.
    /// </param>
    /// <param name="chunk">What of which message it is, and where. It may be empty only at a frame's end.</param>
    /// <returns>
    /// False when the next bytes are anything else: a control frame, a message that carries reserved bits, a broken rule, or too few bytes.
    /// Then nothing has changed, and Next, given the same bytes, says what they are.
    /// </returns>
    public bool TryReadData(Span<byte> buffer, out DataChunk chunk) => TryReadData(buffer, default, out chunk);

    /// <summary>
    /// The same for a caller that assembles messages: a binary chunk is unmasked to where its message is assembled, which is one pass
    /// where unmasking in place and copying are two. Text stays in the buffer: what unmasks and checks it in one pass works in place.
    /// </summary>
    /// <param name="buffer">As for the other overload.</param>
    /// <param name="room">
    /// The caller's memory behind what is assembled of the open message; of any length, also none. No byte of the buffer lies in it. A
    /// binary chunk is put there if it fits and is masked; and so is a buffer of one byte in the middle of a frame, whatever it is.
    /// </param>
    /// <param name="chunk">
    /// The same; <see cref="DataChunk.IsAssembled"/> says where the payload is. A whole message is in the buffer.
    /// </param>
    /// <returns>As for the other overload.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadData(Span<byte> buffer, Span<byte> room, out DataChunk chunk) => buffer.Length == 1
        ? TryReadByte(ref MemoryMarshal.GetReference(buffer), room, out chunk)
        : TryReadBytes(buffer, room, out chunk);

    // Two bytes and more. A single one, which is what dribbles in, does not pass through here: the room on the stack is cleared for each.
    private bool TryReadBytes(Span<byte> buffer, Span<byte> room, out DataChunk chunk)
    {
        // Whole messages first. Two bytes prove that the header rules are kept: FIN set, no reserved bit, text or binary, the mask bit that
        // the peer's role asks for, the short form of the length. The 16-bit form is right when no shorter one would do.
        bool masked = _role == Role.Server;
        int headerLength = masked ? 6 : 2;
        if (buffer.Length < headerLength) return TryReadLonger(buffer, room, out chunk);
        byte first = buffer[0];
        int length = buffer[1] ^ (masked ? FrameHeader.MaskBit : 0);
        if ((uint)(first - 0x81) > 1) return TryReadFragment(buffer, room, out chunk);
        if (length > _smallBytesMax)
        {
            if (length != FrameHeader.Length16Follows || buffer.Length < headerLength + 2) return TryReadLonger(buffer, room, out chunk);
            length = BinaryPrimitives.ReadUInt16BigEndian(buffer[2..]);
            headerLength += 2;
            if (length <= FrameHeader.Length7Max || length > _wholeBytesMax) return TryReadLonger(buffer, room, out chunk);
        }

        if (buffer.Length < headerLength + length) return TryReadLonger(buffer, room, out chunk);
        // tour: unmask-in-place
        Span<byte> payload = buffer.Slice(headerLength, length);
        uint key = masked ? BinaryPrimitives.ReadUInt32LittleEndian(buffer[(headerLength - 4)..]) : 0;
        if (first != (FrameHeader.FinBit | (byte)Opcode.Text))
        {
            if (masked) Masking.Apply(payload, key);
        }
        else if (!ReadText(payload, masked, key))
        {
            return RefuseText(payload, key, out chunk);
        }
        // tour: end

        _lastOpcode = (Opcode)(first & FrameHeader.OpcodeMask);
        _pendingBytes = 0;
        chunk = DataChunk.Message(headerLength + length, length, (MessageKind)(first & FrameHeader.OpcodeMask));
        return true;
    }

    // A whole text: small ones are ASCII mostly, and then need no other check than the one that unmasking makes by the way.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReadText(Span<byte> text, bool masked, uint key)
    {
        if (!masked || text.Length >= Utf8Lookup.FusedBytesMin) return ReadAnyText(text, masked, key);
        return Masking.ApplyToText(text, ref key) || ReadAnyText(text, masked: false, key);
    }

    // Apart, for the room on the stack that it takes is cleared at each call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool ReadAnyText(Span<byte> text, bool masked, uint key) =>
        masked ? Utf8Lookup.Unmask(text, ref key) && Utf8Lookup.OpenAtEnd(text) == 0 : Utf8Lookup.IsWhole(text);

    // It is masked again, as it came.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool RefuseText(Span<byte> text, uint key, out DataChunk chunk)
    {
        Masking.Apply(text, key);
        chunk = default;
        return false;
    }

    /// <summary>
    /// The header of the data frame of which a chunk came last, from <see cref="TryReadData(Span{byte}, out DataChunk)"/> or as a
    /// <see cref="ProtocolEventKind.MessageChunk"/>. With FIN, and not a continuation, it says how long its message is.
    /// </summary>
    public FrameHeader ChunkHeader => _header;

    // A fragment that is wholly there. It is what TryReadData does with a message, and what the long way does with a fragment, written out
    // for speed: 11 ns where that takes 16.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadFragment(Span<byte> buffer, Span<byte> room, out DataChunk chunk)
    {
        bool masked = _role == Role.Server;
        int headerLength = masked ? 6 : 2;
        byte first = buffer[0], second = buffer[1];
        int length = second ^ (masked ? FrameHeader.MaskBit : 0);
        int opcode = first & ~FrameHeader.FinBit;
        if (opcode > (int)Opcode.Binary) return TryReadLonger(buffer, room, out chunk);
        if (length > FrameHeader.Length7Max)
        {
            if (length != FrameHeader.Length16Follows || buffer.Length < headerLength + 2) return TryReadLonger(buffer, room, out chunk);
            length = BinaryPrimitives.ReadUInt16BigEndian(buffer[2..]);
            headerLength += 2;
            if (length <= FrameHeader.Length7Max) return TryReadLonger(buffer, room, out chunk);
        }

        bool starts = opcode > 0;
        if (buffer.Length < headerLength + length || length > (starts ? _wholeBytesMax : MoreBytesMax))
            return TryReadLonger(buffer, room, out chunk);
        Span<byte> payload = buffer.Slice(headerLength, length);
        uint key = masked ? BinaryPrimitives.ReadUInt32LittleEndian(buffer[(headerLength - 4)..]) : 0, rotated = key;
        MessageState message = starts ? (MessageState)opcode : _message;
        bool ends = (first & FrameHeader.FinBit) != 0;
        bool isAssembled = masked && message == MessageState.Binary && (uint)(length - 1) < (uint)room.Length;
        if (message == MessageState.Binary)
        {
            if (masked) Masking.Apply(payload, isAssembled ? room : payload, key);
        }
        else if (CheckText(payload, ref rotated, masked, starts, ends) is not null)
        {
            return RefuseText(payload, key, out chunk);
        }

        chunk = DataChunk.Chunk(headerLength + length, length, (MessageKind)message, starts, ends, isAssembled);
        _lastOpcode = (Opcode)opcode;
        _pendingBytes = 0;
        _header = new FrameHeader(first, second, key, (ulong)length);
        _fragments++;
        _messageBytes += length;
        if (ends) EndMessage();
        else if (starts) BeginMessage(message, ReservedBits.None);
        return true;
    }

    // The longest payload that may go on with the open message here; -1 where the long way must look.
    private long MoreBytesMax =>
        _message == MessageState.None || _messageReserved != ReservedBits.None || _frameBytesLeft > 0
            || _fragments >= _limits.FragmentsMax || !ProtocolTable.Parses(_closing)
            ? -1 : _limits.MessageBytesMax - _messageBytes;

    private void BeginMessage(MessageState message, ReservedBits reserved)
    {
        (_message, _messageReserved) = (message, reserved);
        (_smallBytesMax, _wholeBytesMax) = (-1, -1);
    }

    private void EndMessage()
    {
        _message = MessageState.None;
        if (_fragments > 1) _continuations += _fragments - 1;
        (_messageBytes, _fragments) = (0, 0);
        UpdateBytesMax();
    }

    // A long message, a fragment, or a part of either.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadLonger(Span<byte> buffer, Span<byte> room, out DataChunk chunk)
    {
        if (!buffer.IsEmpty && ProtocolTable.Parses(_closing))
        {
            if (_frameBytesLeft == 0) return TryReadFrame(buffer, room, out chunk);
            if (_messageReserved == ReservedBits.None) return TryReadMore(buffer, room, out chunk);
        }

        chunk = default;
        return false;
    }

    // More of a frame whose header was read before.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadMore(Span<byte> buffer, Span<byte> room, out DataChunk chunk) =>
        TryReadPayload(buffer, room, 0, _header, out chunk);

    // A frame from its first byte on.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadFrame(Span<byte> buffer, Span<byte> room, out DataChunk chunk)
    {
        chunk = default;

        // No reserved bit, no control frame.
        if (buffer.Length < BytesWanted || (buffer[0] & 0x78) != 0) return false;
        if (!FrameReader.IsWhole(buffer, out FrameHeader header) || !header.LengthIsMinimal || !header.LengthTopBitIsClear) return false;
        bool inOrder = header.Opcode == Opcode.Continuation ? _message != MessageState.None && _messageReserved == ReservedBits.None
            : _message == MessageState.None && header.Opcode <= Opcode.Binary;
        bool fits = header.PayloadLength <= (ulong)(_limits.MessageBytesMax - _messageBytes) && _fragments < _limits.FragmentsMax;
        if (!inOrder || !fits || header.Masked != (_role == Role.Server)) return false;
        int offset = header.HeaderLength;
        return (buffer.Length > offset || header.PayloadLength == 0) && TryReadPayload(buffer, room, offset, header, out chunk);
    }

    // One byte. What dribbles in is this over and over, in the middle of a frame.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadByte(ref byte masked, Span<byte> room, out DataChunk chunk)
    {
        ulong left = _frameBytesLeft;
        if (left <= 1 || _messageReserved != ReservedBits.None) return TryReadLonger(new Span<byte>(ref masked), room, out chunk);
        uint key = _maskingKey; // 0 where there is none
        byte value = (byte)(masked ^ key);
        MessageKind kind = (MessageKind)_message;
        if (kind == MessageKind.Text && !_utf8.TryAppendByte(value))
        {
            chunk = default;
            return false;
        }

        bool isAssembled = !room.IsEmpty;
        if (isAssembled) room[0] = value;
        else masked = value;
        _maskingKey = Masking.RotateKey(key, 1);
        _frameBytesLeft = left - 1;
        chunk = DataChunk.Chunk(1, 1, kind, starts: false, ends: false, isAssembled);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReadPayload(Span<byte> buffer, Span<byte> room, int offset, in FrameHeader header, out DataChunk chunk)
    {
        if (ReadPayload(buffer, room, offset, header, out chunk) is null) return true;

        // Masked again, as it came.
        (uint key, ulong left) = offset > 0 ? (header.MaskingKey, header.PayloadLength) : (_maskingKey, _frameBytesLeft);
        Masking.Apply(buffer.Slice(offset, (int)Math.Min(left, (ulong)(buffer.Length - offset))), key);
        return false;
    }

    // Payload of the data frame with this header: as much as the buffer holds from `offset` on. The header is in front of it, and keeps the
    // rules; at offset 0 it was read before. A broken rule leaves the state as it was, and the payload unmasked.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Rule? ReadPayload(Span<byte> buffer, Span<byte> room, int offset, in FrameHeader header, out DataChunk chunk)
    {
        bool begins = offset > 0, starts = begins && header.Opcode != Opcode.Continuation;
        (uint key, ulong left) = begins ? (header.MaskingKey, header.PayloadLength) : (_maskingKey, _frameBytesLeft);
        int length = (int)Math.Min(left, (ulong)(buffer.Length - offset));
        bool ends = left == (ulong)length && header.Fin;
        MessageState message = begins ? ProtocolTable.After(_message, ProtocolTable.EventOf(header.Opcode)).Next : _message;
        ReservedBits reserved = starts ? header.Reserved : _messageReserved;
        Span<byte> payload = buffer.Slice(offset, length);
        bool isAssembled = false;
        if (message == MessageState.Text && reserved == ReservedBits.None)
        {
            if (CheckText(payload, ref key, header.Masked, starts, ends) is { } broken)
            {
                chunk = default;
                return broken;
            }
        }
        else
        {
            isAssembled = header.Masked && reserved == ReservedBits.None && (uint)(length - 1) < (uint)room.Length && !(starts && ends);
            if (header.Masked) key = Masking.Apply(payload, isAssembled ? room : payload, key);
            if (starts && reserved != ReservedBits.None) BeginDecoded();
        }

        chunk = DataChunk.Chunk(offset + length, length, (MessageKind)message, starts, ends, isAssembled);
        if (begins)
        {
            _lastOpcode = header.Opcode;
            _pendingBytes = 0;
            if (starts && ends) return null;
            _header = header;
            _fragments++;
            _messageBytes += (long)header.PayloadLength;
            if (starts) BeginMessage(message, reserved);
        }

        _maskingKey = key;
        _frameBytesLeft = left - (ulong)length;
        if (ends) EndMessage();
        return null;
    }

    // tour: check-text
    // Unmasks, and checks. §8.1, §5.6: the whole message is UTF-8; a fragment may end inside a character. A message that an extension has
    // marked (a compressed one) is not text before the extension has transformed it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Rule? CheckText(Span<byte> text, ref uint key, bool masked, bool starts, bool ends)
    {
        Utf8Validator before = _utf8;
        if (starts) _utf8.Reset();
        Rule? broken = !(masked ? _utf8.AppendMasked(text, ref key) : _utf8.Append(text)) ? FrameRules.TextNotUtf8
            : ends && !_utf8.IsComplete ? FrameRules.TextEndsInsideCharacter : null;
        if (broken is not null) _utf8 = before;
        return broken;
    }
    // tour: end

    // The longest payloads in bytes that the first lines of TryReadData may read, with the short form of the length and with the 16-bit
    // form. -1 while a message is open, and after the end.
    private void UpdateBytesMax()
    {
        bool mayBegin = _message == MessageState.None && ProtocolTable.Parses(_closing);
        _wholeBytesMax = mayBegin ? (int)Math.Min(int.MaxValue, _limits.MessageBytesMax) : -1;
        _smallBytesMax = Math.Min(FrameHeader.Length7Max, _wholeBytesMax);
    }
}

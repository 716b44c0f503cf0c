// The annotations of one frame. FrameReader has read its header, and the protocol has said whether it breaks a rule. This file only names
// the bits, and knows which field shows that a rule is broken.

namespace RawWs.Frame;

/// <summary>The annotations of one frame.</summary>
internal ref struct FrameNotes(ReadOnlySpan<byte> bytes, int index, FrameWalk walk, FrameExplainerOptions options, Rule? rule)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes; // up to the last byte of the frame that is read
    private readonly WalkedFrame _frame = walk.Frames[index];
    private readonly FrameHeader _header = walk.Frames[index].Header;
    private List<FrameAnnotation> _notes = [];

    public void AddTo(List<FrameAnnotation> annotations)
    {
        int first = annotations.Count;
        _notes = annotations;
        AddFirstByte();
        if (Length > 1) AddSecondByte();
        if (Length > 2 && _header.ExtendedLengthBytes > 0) AddExtendedLength();
        int keyAt = 2 + _header.ExtendedLengthBytes;
        if (_header.Masked && Length > keyAt) AddKey(keyAt);
        if (Length > _header.HeaderLength) AddPayload(_header.HeaderLength);

        // An empty frame may end a text inside of a character: then it is broken where its header ends.
        if (rule is not null && !annotations.Skip(first).Any(static note => note.Rule is not null))
            annotations[^1] = Broken(annotations[^1], rule);
    }

    public readonly ExplainedFrame MakeFrame()
    {
        byte[] payload = Unmask(_header.HeaderLength, Math.Max(0, Length - _header.HeaderLength));
        return new ExplainedFrame
        {
            Offset = _frame.Start,
            Length = Length,
            Header = _header,
            IsWhole = rule is null && Length >= 2 && (ulong)Length == (ulong)_header.HeaderLength + _header.PayloadLength,
            Payload = payload,
            Decoded = _frame.Decoded is { } decoded ? new ReadOnlyMemory<byte>([.. decoded]) : (ReadOnlyMemory<byte>?)null,
        };
    }

    private readonly int Length => _bytes.Length - _frame.Start;

    private readonly ReadOnlySpan<byte> At(int offset, int length) => _bytes.Slice(_frame.Start + offset, length);

    // A part of the payload. The key goes on from byte to byte of it, so it is unmasked from its beginning (§5.3).
    private readonly byte[] Unmask(int offset, int length)
    {
        if (length == 0) return [];
        int before = offset - _header.HeaderLength;
        byte[] plain = new byte[before + length];
        Masking.Apply(At(_header.HeaderLength, before + length), plain, _header.MaskingKey);
        return plain[before..];
    }

    private readonly void AddFirstByte()
    {
        const string File = "Frame/FrameHeader.cs";
        Add("FIN", 0, 1, _header.Fin ? "1" : "0", _header.Fin ? "frame.fin.1" : "frame.fin.0", "5.2", File, "Fin");
        AddReserved("RSV1", 1, ReservedBits.Rsv1);
        AddReserved("RSV2", 2, ReservedBits.Rsv2);
        AddReserved("RSV3", 3, ReservedBits.Rsv3);
        (string id, string section) = _header.Opcode switch
        {
            Opcode.Continuation => ("continuation", "5.4"),
            Opcode.Text => ("text", "5.6"),
            Opcode.Binary => ("binary", "5.6"),
            Opcode.Close => ("close", "5.5.1"),
            Opcode.Ping => ("ping", "5.5.2"),
            Opcode.Pong => ("pong", "5.5.3"),
            _ => ("reserved", "5.2"),
        };
        Add("opcode", 4, 4, $"{(int)_header.Opcode} ({id})", $"frame.opcode.{id}", section, File, "Opcode");
    }

    private readonly void AddReserved(string field, int bit, ReservedBits which)
    {
        bool isSet = (_header.Reserved & which) != 0, isMark = isSet && which == ReservedBits.Rsv1 && (options.Permitted & which) != 0;
        string name = which == ReservedBits.Rsv1 ? "rsv1" : "rsv";
        string id = isMark ? "frame.rsv1.marked" : isSet ? $"frame.{name}.1" : $"frame.{name}.0";
        Add(field, bit, 1, isSet ? "1" : "0", id, isMark ? "RFC 7692 §6" : "5.2", "Frame/FrameHeader.cs", "Reserved");
    }

    private readonly void AddSecondByte()
    {
        Add("MASK", 8, 1, _header.Masked ? "1" : "0", _header.Masked ? "frame.mask.1" : "frame.mask.0", "5.1",
            "Frame/FrameHeader.cs", "Masked");
        int length7 = _header.Second & FrameHeader.LengthMask;
        string id = _header.ExtendedLengthBytes switch { 0 => "frame.length.7", 2 => "frame.length.16", _ => "frame.length.64" };
        Add("payload length", 9, 7, FieldValue.Number((ulong)length7), id, "5.2", "Frame/FrameReader.cs", "IsWhole");
    }

    private readonly void AddExtendedLength()
    {
        int there = Math.Min(_header.ExtendedLengthBytes, Length - 2);
        string id = there < _header.ExtendedLengthBytes && rule is null ? "frame.cut"
            : _header.ExtendedLengthBytes == 2 ? "frame.length16" : "frame.length64";
        string value = there < _header.ExtendedLengthBytes ? FieldValue.Hex(At(2, there)) : FieldValue.Number(_header.PayloadLength);
        Add("extended payload length", 16, there * 8, value, id, "5.2", "Frame/FrameReader.cs", "IsWhole");
    }

    private readonly void AddKey(int at)
    {
        int there = Math.Min(4, Length - at);
        Add("masking key", at * 8, there * 8, FieldValue.Hex(At(at, there)), there < 4 ? "frame.cut" : "frame.key", "5.3",
            "Frame/FrameReader.cs", "IsWhole");
    }

    private readonly void AddPayload(int at)
    {
        int length = Length - at;
        if (_header.Opcode == Opcode.Close)
        {
            int codeBytes = Math.Min(2, length);
            byte[] code = Unmask(at, codeBytes);
            Add("close code", at * 8, codeBytes * 8, codeBytes < 2 ? FieldValue.Hex(code) : FieldValue.Code(code),
                codeBytes < 2 ? "frame.cut" : "frame.close.code", "7.4", "Frame/ClosePayload.cs", "Read");
            at += codeBytes;
            length -= codeBytes;
        }

        // The byte that proves a wrong payload stands alone.
        bool breaks = length > 0 && rule is not null && (walk.FailedDecoded || FieldOf(rule) == "payload");
        int good = breaks ? length - 1 : length;
        if (good > 0) AddPart(at, good);
        if (!breaks) return;
        (string file, string member) = SourceOf(rule!);
        string value = FieldValue.Hex(Unmask(at, length).AsSpan(good));
        Note((at + good) * 8, 8, "payload", value, "frame.broken", rule!.Section, file, member, rule);
    }

    private readonly void AddPart(int at, int length)
    {
        byte[] plain = Unmask(at, length);
        string text = FieldValue.Text(plain), hex = FieldValue.Hex(plain);
        const string Control = "Frame/WebSocketProtocol.Control.cs", Data = "Frame/WebSocketProtocol.Data.cs";
        (string id, string section, string value, string file, string member) = _header.Opcode switch
        {
            Opcode.Close => ("frame.close.reason", "5.5.1", text, "Frame/ClosePayload.cs", "Read"),
            Opcode.Ping => ("frame.payload.ping", "5.5.2", hex, Control, "ReadControlFrame"),
            Opcode.Pong => ("frame.payload.pong", "5.5.3", hex, Control, "ReadControlFrame"),
            _ when _frame.IsMarked => ("frame.payload.marked", "RFC 7692 §6", hex, "Frame/WebSocketProtocol.Decoded.cs", "CheckDecoded"),
            _ when IsText => ("frame.payload.text", "5.6", text, Data, "CheckText"),
            _ => ("frame.payload.binary", "5.6", hex, Data, "ReadPayload"),
        };
        Note(at * 8, length * 8L, _header.Opcode == Opcode.Close ? "close reason" : "payload", value, id, section, file, member, null);
    }

    // Of a frame whose first payload byte breaks the rule no event has told the kind. Then its payload is that byte alone.
    private readonly bool IsText => _frame.Kind == MessageKind.Text || (_frame.Kind is null && _header.Opcode == Opcode.Text);

    // A field of the header or the code of a Close.
    private readonly void Add(string field, int bit, int bits, string value, string id, string section, string file, string member)
    {
        Rule? broken = rule is not null && !walk.FailedDecoded && FieldOf(rule) == field ? rule : null;
        if (broken is not null) (section, (file, member)) = (broken.Section, SourceOf(broken));
        Note(bit, bits, field, value, id, section, file, member, broken);
    }

    private readonly void Note(
        int bit, long bits, string field, string value, string id, string section, string file, string member, Rule? broken) =>
        _notes.Add(new FrameAnnotation
        {
            Frame = index,
            Offset = _frame.Start + (bit / 8),
            FirstBit = bit % 8,
            BitCount = bits,
            Field = field,
            Value = value,
            TextId = id,
            Rule = broken,
            Section = FieldValue.Section(section),
            SourceFile = file,
            SourceMember = member,
        });

    private static FrameAnnotation Broken(FrameAnnotation note, Rule rule)
    {
        (string file, string member) = SourceOf(rule);
        return new FrameAnnotation
        {
            Frame = note.Frame,
            Offset = note.Offset,
            FirstBit = note.FirstBit,
            BitCount = note.BitCount,
            Field = note.Field,
            Value = note.Value,
            TextId = note.TextId,
            Rule = rule,
            Section = FieldValue.Section(rule.Section),
            SourceFile = file,
            SourceMember = member,
        };
    }

    // Which field shows that a rule is broken. Whether one is, the protocol has said.
    private readonly string FieldOf(Rule broken)
    {
        if (broken == FrameRules.ReservedBitsNotNegotiated) return FirstBit(_header.Reserved & ~options.Permitted);
        if (broken == FrameRules.ReservedBitsMisplaced) return FirstBit(_header.Reserved);
        if (broken == FrameRules.FragmentedControlFrame) return "FIN";
        if (broken == FrameRules.ReservedOpcode || broken == FrameRules.ContinuationWithoutMessage
            || broken == FrameRules.DataFrameInsideMessage || broken == FrameRules.TooManyFragments) return "opcode";
        if (broken == FrameRules.UnmaskedClientFrame || broken == FrameRules.MaskedServerFrame) return "MASK";
        if (broken == FrameRules.ControlFrameTooLong || broken == FrameRules.ClosePayloadOneByte) return "payload length";
        if (broken == FrameRules.LengthTopBitSet || broken == FrameRules.NonMinimalLength) return "extended payload length";
        if (broken == FrameRules.MessageTooBig) return Length > 2 ? "extended payload length" : "payload length";
        return broken == FrameRules.CloseCodeInvalid ? "close code" : "payload";
    }

    private static string FirstBit(ReservedBits bits) =>
        (bits & ReservedBits.Rsv1) != 0 ? "RSV1" : (bits & ReservedBits.Rsv2) != 0 ? "RSV2" : "RSV3";

    private static (string File, string Member) SourceOf(Rule broken)
    {
        if (broken == FrameRules.UnmaskedClientFrame || broken == FrameRules.MaskedServerFrame
            || broken == FrameRules.ControlFrameTooLong || broken == FrameRules.ClosePayloadOneByte)
            return ("Frame/FrameCheck.cs", "CheckSecondByte");
        if (broken == FrameRules.LengthTopBitSet || broken == FrameRules.NonMinimalLength || broken == FrameRules.MessageTooBig)
            return ("Frame/FrameCheck.cs", "CheckLength");
        if (broken == FrameRules.CloseCodeInvalid || broken == FrameRules.CloseReasonNotUtf8) return ("Frame/ClosePayload.cs", "Read");
        if (broken == FrameRules.TextNotUtf8 || broken == FrameRules.TextEndsInsideCharacter)
            return ("Frame/WebSocketProtocol.Data.cs", "CheckText");
        return broken == FrameRules.CompressedDataMalformed
            ? ("Server/Compression/Inflater.cs", "Inflate")
            : ("Frame/FrameCheck.cs", "CheckFirstByte");
    }
}

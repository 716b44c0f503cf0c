// Says of every bit of one direction's bytes what it is. FrameWalk runs the real protocol over them and finds the frames and the verdict;
// this file only names the bits. Where a rule is broken it is told at the field that breaks it, and nothing behind the byte that proves it
// is read, as on a connection. Not for the hot path: it allocates for each field.

using System.Buffers.Binary;
using System.Globalization;

namespace RawWs.Frame;

/// <summary>Explains frames bit by bit (§5.2), with the verdict of <see cref="WebSocketProtocol"/>.</summary>
public static class FrameExplainer
{
    /// <summary>The ids of all sentences that annotations refer to.</summary>
    public static IReadOnlyList<string> TextIds { get; } =
    [
        "frame.fin.1", "frame.fin.0", "frame.rsv.0", "frame.rsv.1", "frame.rsv.marked", "frame.opcode.continuation", "frame.opcode.text",
        "frame.opcode.binary", "frame.opcode.close", "frame.opcode.ping", "frame.opcode.pong", "frame.opcode.reserved", "frame.mask.1",
        "frame.mask.0", "frame.length.7", "frame.length.16", "frame.length.64", "frame.length16", "frame.length64", "frame.key",
        "frame.payload.text", "frame.payload.binary", "frame.payload.ping", "frame.payload.pong", "frame.payload.marked",
        "frame.close.code", "frame.close.reason", "frame.cut", "frame.broken", "frame.rest.close", "frame.rest.broken",
    ];

    /// <summary>Explains the bytes that one end has sent after the handshake.</summary>
    /// <param name="bytes">The bytes, from a frame's first on. They stay the caller's, and are not changed.</param>
    /// <param name="options">What they are read with.</param>
    /// <returns>The annotations, the frames, and the rule that is broken, if one is.</returns>
    public static FrameExplanation Explain(ReadOnlySpan<byte> bytes, FrameExplainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        FrameWalk walk = FrameWalk.Of(bytes, options);
        List<FrameAnnotation> annotations = [];
        List<ExplainedFrame> frames = [];
        for (int i = 0; i < walk.Frames.Count; i++)
        {
            bool isLast = i == walk.Frames.Count - 1;
            int end = isLast ? walk.End : walk.Frames[i + 1].Start;
            FrameNotes notes = new(bytes[..end], i, walk, options, isLast ? walk.Rule : null);
            notes.AddTo(annotations);
            frames.Add(notes.MakeFrame());
        }

        if (walk.End < bytes.Length) annotations.Add(Rest(bytes[walk.End..], walk));
        return new FrameExplanation
        {
            Annotations = annotations,
            Frames = frames,
            Rule = walk.Rule,
            FailedAt = walk.Rule is null ? 0 : walk.End,
        };
    }

    // §1.4, §7.1.7: after a Close and after a failure bytes are discarded.
    private static FrameAnnotation Rest(ReadOnlySpan<byte> rest, FrameWalk walk) => new()
    {
        Frame = -1,
        Offset = walk.End,
        FirstBit = 0,
        BitCount = rest.Length * 8L,
        Field = "not read",
        Value = FieldValue.Hex(rest),
        TextId = walk.Rule is null ? "frame.rest.close" : "frame.rest.broken",
        Section = walk.Rule is null ? "RFC 6455 §1.4" : "RFC 6455 §7.1.7",
        SourceFile = "Frame/ProtocolTable.cs",
        SourceMember = "Parses",
    };
}

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

    private readonly byte[] Unmask(int offset, int length)
    {
        byte[] plain = new byte[length];
        if (length > 0) Masking.Apply(At(offset, length), plain, _header.MaskingKey);
        return plain;
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
        string id = isMark ? "frame.rsv.marked" : isSet ? "frame.rsv.1" : "frame.rsv.0";
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
        Note(at + good, 1, "payload", FieldValue.Hex(Unmask(at, length).AsSpan(good)), "frame.broken", rule!.Section, file, member, rule);
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
        Note(at, length, _header.Opcode == Opcode.Close ? "close reason" : "payload", value, id, section, file, member, null);
    }

    // Of a frame whose first payload byte breaks the rule no event has told the kind. Then its payload is that byte alone.
    private readonly bool IsText => _frame.Kind == MessageKind.Text || (_frame.Kind is null && _header.Opcode == Opcode.Text);

    private readonly void Note(
        int at, int length, string field, string value, string id, string section, string file, string member, Rule? broken) =>
        _notes.Add(new FrameAnnotation
        {
            Frame = index,
            Offset = _frame.Start + at,
            FirstBit = 0,
            BitCount = length * 8L,
            Field = field,
            Value = value,
            TextId = id,
            Rule = broken,
            Section = FieldValue.Section(section),
            SourceFile = file,
            SourceMember = member,
        });

    // A field of the header or the code of a Close.
    private readonly void Add(string field, int bit, int bits, string value, string id, string section, string file, string member)
    {
        FrameAnnotation note = new()
        {
            Frame = index,
            Offset = _frame.Start + (bit / 8),
            FirstBit = bit % 8,
            BitCount = bits,
            Field = field,
            Value = value,
            TextId = id,
            Section = FieldValue.Section(section),
            SourceFile = file,
            SourceMember = member,
        };
        bool breaks = rule is not null && !walk.FailedDecoded && FieldOf(rule) == field;
        _notes.Add(breaks ? Broken(note, rule!) : note);
    }

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

/// <summary>Values as people read them; long ones are cut.</summary>
internal static class FieldValue
{
    private const int BytesShown = 32;

    public static string Section(string section) => section.StartsWith("RFC", StringComparison.Ordinal) ? section : $"RFC 6455 §{section}";

    public static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    public static string Code(ReadOnlySpan<byte> bytes)
    {
        ushort code = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return string.Create(CultureInfo.InvariantCulture, $"{code} ({CloseCodes.Name(code)})");
    }

    /// <summary>"48 65 6c", or for more than 32 bytes their beginning and "…".</summary>
    public static string Hex(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> shown = bytes[..Math.Min(bytes.Length, BytesShown)];
        string hex = string.Join(' ', shown.ToArray().Select(static value => value.ToString("x2", CultureInfo.InvariantCulture)));
        return bytes.Length > BytesShown ? hex + " …" : hex;
    }

    /// <summary>UTF-8 in quotes. What a terminal might obey, and what is not UTF-8, is escaped.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        System.Text.StringBuilder text = new("\"");
        int at = 0;
        while (at < bytes.Length && at < BytesShown * 2)
        {
            bool valid = System.Text.Rune.DecodeFromUtf8(bytes[at..], out System.Text.Rune rune, out int used)
                == System.Buffers.OperationStatus.Done;
            if (!valid) text.Append(CultureInfo.InvariantCulture, $"\\x{bytes[at]:x2}");
            else if (rune.Value is '"' or '\\') text.Append('\\').Append((char)rune.Value);
            else if (IsHarmless(rune)) text.Append(rune.ToString());
            else text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            at += valid ? used : 1;
        }

        return text.Append(at < bytes.Length ? "…\"" : "\"").ToString();
    }

    private static bool IsHarmless(System.Text.Rune rune) => System.Text.Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}

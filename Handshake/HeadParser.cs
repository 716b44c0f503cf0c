// One pass over the bytes of a head, line by line. A line is checked when it is whole. Of the last line, which may be unfinished, the
// length and the control characters are checked. A pass may begin at the line where an earlier pass stopped. Such a pass only checks: when
// the head is whole, a second pass over all of it records where each field lies.

using System.Runtime.CompilerServices;

namespace RawWs.Handshake;

internal ref struct HeadParser(ReadOnlySpan<byte> bytes, RequestLimits limits, RequestProgress progress)
{
    private const int InlineFields = 32;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly RequestLimits _limits = limits;
    private readonly int _start = progress.LineStart;
    private readonly bool _checksOnly = progress.LineStart > 0;
    private FieldBuffer _inline;
    private ByteRange[]? _more; // the fields that _inline has no room for: name, value, name, value
    private int _fields = progress.Fields;
    private bool _first = !progress.HasRequestLine;
    private RequestLine _line;

    /// <summary>The head's length in bytes, once it is whole.</summary>
    public int Length { get; private set; }

    /// <summary>How far the head has been checked, when more bytes are needed.</summary>
    public RequestProgress Progress { get; private set; }

    // For HandshakeExplainer: the lines that were parsed. The fields have places only in a pass that began at the head's first byte.
    internal readonly bool HasRequestLine => !_first;

    internal readonly RequestLine Line => _line;

    internal readonly int FieldCount => _fields;

    internal readonly ByteRange RangeAt(int index) => index < InlineFields * 2 ? _inline[index] : _more![index - (InlineFields * 2)];

    public RequestStatus Parse(out HandshakeRule? violation)
    {
        int at = _start;
        // RFC 9112 §2.2: one empty line before the request line is ignored.
        if (at == 0 && _bytes.StartsWith("\r\n"u8)) at = 2;
        while (true)
        {
            ReadOnlySpan<byte> rest = _bytes[at..];
            int feed = rest.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = feed < 0 ? rest : rest[..feed];
            bool endsInReturn = line.Length > 0 && line[^1] == '\r';
            int lineLength = endsInReturn ? line.Length - 1 : line.Length;
            violation = CheckSize(at, lineLength, feed < 0 ? _bytes.Length : at + feed + 1, _first) ?? CheckText(line[..lineLength]);
            if (violation is null && feed < 0)
            {
                Progress = new RequestProgress(at, at + lineLength, _fields, !_first);
                return RequestStatus.NeedMoreData;
            }

            if (violation is null && !endsInReturn) violation = HandshakeRules.LineEndMalformed;
            if (violation is not null) return RequestStatus.Violation;
            if (lineLength == 0 && !_first)
            {
                Length = at + feed + 1;
                return RequestStatus.Done;
            }

            violation = _first ? ParseRequestLine(at, lineLength) : ParseField(at, lineLength);
            if (violation is not null) return RequestStatus.Violation;
            _first = false;
            at += feed + 1;
        }
    }

    /// <summary>Copies the head and its fields into the request, once the head is whole.</summary>
    public readonly void Fill(UpgradeRequest request)
    {
        Span<ByteRange> fields = request.ReserveFields(_fields);
        for (int i = 0; i < fields.Length; i++) fields[i] = RangeAt(i);
        request.Fill(_bytes[..Length], _line, _fields, _limits);
    }

    // A limit is passed at one byte. An error before that byte comes first, and it decides the answer however the bytes arrived.
    private readonly HandshakeRule? CheckSize(int start, int lineLength, int headLength, bool first)
    {
        if (first && lineLength > _limits.RequestLineBytesMax)
            return CheckText(_bytes.Slice(start, _limits.RequestLineBytesMax)) ?? HandshakeRules.RequestLineTooLong;
        if (headLength > _limits.HeadBytesMax)
            return CheckText(_bytes.Slice(start, Math.Clamp(_limits.HeadBytesMax - start, 0, lineLength))) ?? HandshakeRules.HeadTooLarge;

        return null;
    }

    private static HandshakeRule? CheckText(ReadOnlySpan<byte> text)
    {
        int bad = text.IndexOfAny(HttpGrammar.ControlBytes);
        if (bad < 0) return null;
        return text[bad] == '\r' ? HandshakeRules.LineEndMalformed : HandshakeRules.ControlCharacter;
    }

    // RFC 9112 §3: method SP request-target SP HTTP-version, and nothing else.
    private HandshakeRule? ParseRequestLine(int start, int length)
    {
        ReadOnlySpan<byte> line = _bytes.Slice(start, length);
        int firstSpace = line.IndexOf((byte)' '), lastSpace = line.LastIndexOf((byte)' ');
        if (lastSpace > firstSpace + 1)
        {
            ReadOnlySpan<byte> target = line[(firstSpace + 1)..lastSpace], version = line[(lastSpace + 1)..];
            if (HttpGrammar.IsToken(line[..firstSpace]) && !target.ContainsAny((byte)' ', (byte)'\t') && IsVersion(version))
            {
                ByteRange targetRange = new(start + firstSpace + 1, target.Length);
                _line = new RequestLine(new ByteRange(start, firstSpace), targetRange, version[5] - '0', version[7] - '0');
                return null;
            }
        }

        return HandshakeRules.RequestLineMalformed;
    }

    private static bool IsVersion(ReadOnlySpan<byte> version) =>
        version.Length == 8 && version.StartsWith("HTTP/"u8)
        && char.IsAsciiDigit((char)version[5]) && version[6] == '.' && char.IsAsciiDigit((char)version[7]);

    private HandshakeRule? ParseField(int start, int length)
    {
        ReadOnlySpan<byte> line = _bytes.Slice(start, length);
        if (line[0] is (byte)' ' or (byte)'\t') return HandshakeRules.HeaderFolded;
        int colon = line.IndexOf((byte)':');
        if (colon < 1 || !HttpGrammar.IsToken(line[..colon])) return HandshakeRules.HeaderMalformed;
        if (_fields >= _limits.HeadersMax) return HandshakeRules.TooManyHeaders;
        ReadOnlySpan<byte> raw = line[(colon + 1)..];
        ReadOnlySpan<byte> trimmedStart = raw.TrimStart(" \t"u8);
        ReadOnlySpan<byte> value = trimmedStart.TrimEnd(" \t"u8);
        Add(new ByteRange(start, colon), new ByteRange(start + colon + 1 + raw.Length - trimmedStart.Length, value.Length));
        return null;
    }

    private void Add(ByteRange name, ByteRange value)
    {
        int index = _fields++ * 2;
        if (_checksOnly) return;
        if (index < InlineFields * 2)
        {
            _inline[index] = name;
            _inline[index + 1] = value;
            return;
        }

        index -= InlineFields * 2;
        if (_more is null || index >= _more.Length) Array.Resize(ref _more, Math.Max(64, index * 2));
        _more[index] = name;
        _more[index + 1] = value;
    }

    /// <summary>Where the first 32 fields lie, on the stack. Browsers send fewer.</summary>
    [InlineArray(InlineFields * 2)]
    private struct FieldBuffer
    {
        private ByteRange _first;
    }
}

// A request whose head has been parsed. It owns one copy of the head's bytes, and an index of where each field lies in it. Strings and
// lists are made when they are first asked for. Everything stays valid until RequestReader fills the same request again.

using System.Text;

namespace RawWs.Handshake;

/// <summary>One header field. Both members are views of the request's bytes.</summary>
public readonly ref struct HeaderField
{
    internal HeaderField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Name = name;
        Value = value;
    }

    /// <summary>The name as the client wrote it: a token, in ASCII.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The value as the client wrote it, without white space at its ends.</summary>
    public ReadOnlySpan<byte> Value { get; }
}

/// <summary>
/// An HTTP request that may ask for an upgrade (RFC 6455 §4.2.1). A new one is empty; <see cref="RequestReader"/> fills it. Spans that it
/// returns are views of its own bytes, and valid until it is filled again.
/// </summary>
public sealed class UpgradeRequest
{
    private byte[] _head = [];
    private ByteRange[] _fields = []; // name, value, name, value
    private int _fieldCount;
    private ByteRange _method;
    private ByteRange _target;
    private RequestTarget _parts;
    private string? _path;
    private KnownFields _known;
    private ListStatus _subprotocolStatus; // Unread until somebody asks
    private ListStatus _extensionStatus;
    private IReadOnlyList<string> _subprotocols = [];
    private IReadOnlyList<ExtensionOffer> _extensions = [];

    internal void Fill(ReadOnlySpan<byte> head, RequestLine line, int fields, RequestLimits limits)
    {
        Limits = limits;
        if (_head.Length < head.Length) _head = new byte[Math.Max(512, head.Length)];
        head.CopyTo(_head);
        _fieldCount = fields;
        _method = line.Method;
        _target = line.Target;
        MajorVersion = line.MajorVersion;
        MinorVersion = line.MinorVersion;
        TargetIsValid = RequestTarget.TryParse(Target, out _parts, out _path);
        _known = default;
        for (int i = 0; i < fields; i++) _known.Add(NameAt(i), i);
        _subprotocolStatus = _extensionStatus = ListStatus.Unread;
        (_subprotocols, _extensions) = ([], []);
    }

    internal Span<ByteRange> ReserveFields(int fields)
    {
        if (_fields.Length < fields * 2) _fields = new ByteRange[Math.Max(32, fields * 2)];
        return _fields.AsSpan(0, fields * 2);
    }

    /// <summary>The method, as the client wrote it.</summary>
    public ReadOnlySpan<byte> Method => At(_method);

    /// <summary>The first number of the HTTP version: 1 in HTTP/1.0 and HTTP/1.1.</summary>
    public int MajorVersion { get; private set; }

    /// <summary>The second number of the HTTP version: 1 in HTTP/1.1.</summary>
    public int MinorVersion { get; private set; }

    /// <summary>The request target, as the client wrote it (RFC 9112 §3.2).</summary>
    public ReadOnlySpan<byte> Target => At(_target);

    /// <summary>The target's path, percent-decoded; "/" if it has none, and empty if the target is malformed.</summary>
    public string Path => _path ?? "";

    /// <summary>The target's query without its question mark, not decoded; empty if it has none.</summary>
    public ReadOnlySpan<byte> Query => Target.Slice(_parts.QueryStart, _parts.QueryLength);

    /// <summary>
    /// The host and port that the request asks for: the authority of an absolute target, otherwise the Host field's value (RFC 9112
    /// §3.2.2).
    /// </summary>
    public ReadOnlySpan<byte> Host
    {
        get
        {
            if (_parts.AuthorityLength > 0) return Target.Slice(_parts.AuthorityStart, _parts.AuthorityLength);
            return TryGetHeader(KnownField.Host, out ReadOnlySpan<byte> value) ? value : default;
        }
    }

    /// <summary>The value of the Origin field, which browsers send (RFC 6455 §10.2); null if there is none.</summary>
    public string? Origin => TryGetHeader(KnownField.Origin, out ReadOnlySpan<byte> value) ? Encoding.Latin1.GetString(value) : null;

    /// <summary>
    /// The subprotocols that the client offers, its preferred one first; empty if the field is missing, malformed or past its limit.
    /// </summary>
    public IReadOnlyList<string> Subprotocols
    {
        get
        {
            _ = ReadSubprotocols();
            return _subprotocols;
        }
    }

    /// <summary>The extensions that the client offers, in order; empty if the field is missing, malformed or past its limit.</summary>
    public IReadOnlyList<ExtensionOffer> Extensions
    {
        get
        {
            _ = ReadExtensions();
            return _extensions;
        }
    }

    /// <summary>The header fields, in the client's order.</summary>
    public HeaderEnumerator Headers => new(this);

    internal bool TargetIsValid { get; private set; }

    /// <summary>The limits under which the request was read.</summary>
    internal RequestLimits Limits { get; private set; } = RequestLimits.Default;

    /// <summary>Finds the first header field of a name.</summary>
    /// <param name="name">The name, in upper or lower case.</param>
    /// <param name="value">The field's value; empty if there is no such field.</param>
    /// <returns>Whether there is such a field.</returns>
    public bool TryGetHeader(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        foreach (HeaderField field in Headers)
        {
            if (!Ascii.EqualsIgnoreCase(field.Name, name)) continue;
            value = field.Value;
            return true;
        }

        value = default;
        return false;
    }

    internal ReadOnlySpan<byte> NameAt(int index) => At(_fields[index * 2]);

    internal ReadOnlySpan<byte> ValueAt(int index) => At(_fields[(index * 2) + 1]);

    internal int CountHeader(KnownField field) => _known.CountOf(field);

    internal bool TryGetHeader(KnownField field, out ReadOnlySpan<byte> value)
    {
        bool found = _known.CountOf(field) > 0;
        value = found ? ValueAt(_known.FirstOf(field)) : default;
        return found;
    }

    /// <summary>The values of all fields of this name.</summary>
    internal KnownFieldEnumerator ValuesOf(KnownField field) => new(this, field, _known.FirstOf(field), _known.CountOf(field));

    internal ListStatus ReadSubprotocols()
    {
        if (_subprotocolStatus != ListStatus.Unread) return _subprotocolStatus;
        _subprotocolStatus = ListStatus.Done;
        if (CountHeader(KnownField.Subprotocols) == 0) return ListStatus.Done; // like most requests: no list is made
        _subprotocolStatus = SubprotocolHeader.Parse(this, out List<string> offers);
        if (_subprotocolStatus == ListStatus.Done && offers.Count > 0) _subprotocols = offers.AsReadOnly();
        return _subprotocolStatus;
    }

    internal ListStatus ReadExtensions()
    {
        if (_extensionStatus != ListStatus.Unread) return _extensionStatus;
        _extensionStatus = ListStatus.Done;
        if (CountHeader(KnownField.Extensions) == 0) return ListStatus.Done; // likewise
        _extensionStatus = ExtensionHeader.Parse(this, out List<ExtensionOffer> offers);
        if (_extensionStatus == ListStatus.Done && offers.Count > 0) _extensions = offers.AsReadOnly();
        return _extensionStatus;
    }

    /// <summary>Counts the header fields of a name.</summary>
    /// <param name="name">The name, in upper or lower case.</param>
    /// <returns>How many there are.</returns>
    public int CountHeader(ReadOnlySpan<byte> name)
    {
        int count = 0;
        foreach (HeaderField field in Headers)
            if (Ascii.EqualsIgnoreCase(field.Name, name)) count++;
        return count;
    }

    /// <summary>
    /// Finds a parameter of the query. The query is form-encoded (application/x-www-form-urlencoded): in names and values a plus is a
    /// space, and %XX is a byte.
    /// </summary>
    /// <param name="name">The parameter's name, not encoded.</param>
    /// <param name="value">The decoded value of the first such parameter, a new array; empty if it has none or a malformed one.</param>
    /// <param name="count">How many parameters of this name the query has.</param>
    /// <returns>Whether there is such a parameter.</returns>
    public bool TryGetQuery(ReadOnlySpan<byte> name, out byte[] value, out int count)
    {
        value = [];
        count = 0;
        ReadOnlySpan<byte> rest = Query;
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)'&');
            ReadOnlySpan<byte> pair = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            int equals = pair.IndexOf((byte)'=');
            if (!PercentEncoding.FormEquals(equals < 0 ? pair : pair[..equals], name)) continue;
            ReadOnlySpan<byte> raw = equals < 0 ? default : pair[(equals + 1)..];
            if (count++ == 0) value = PercentEncoding.TryDecode(raw, out byte[] plain, plusIsSpace: true) ? plain : [];
        }

        return count > 0;
    }

    private ReadOnlySpan<byte> At(ByteRange range) => _head.AsSpan(range.Start, range.Length);

    /// <summary>Enumerates the header fields.</summary>
    public ref struct HeaderEnumerator
    {
        private readonly UpgradeRequest _request;
        private int _index;

        internal HeaderEnumerator(UpgradeRequest request)
        {
            _request = request;
            _index = -2;
        }

        /// <summary>The current field.</summary>
        public readonly HeaderField Current => new(_request.At(_request._fields[_index]), _request.At(_request._fields[_index + 1]));

        /// <summary>Returns the enumerator itself, for foreach.</summary>
        public readonly HeaderEnumerator GetEnumerator() => this;

        /// <summary>Moves to the next field. False at the end.</summary>
        public bool MoveNext() => (_index += 2) < _request._fieldCount * 2;
    }
}

/// <summary>A part of the head: its first byte and its length in bytes.</summary>
internal readonly record struct ByteRange(int Start, int Length);

/// <summary>The parts of a request line.</summary>
internal readonly record struct RequestLine(ByteRange Method, ByteRange Target, int MajorVersion, int MinorVersion);

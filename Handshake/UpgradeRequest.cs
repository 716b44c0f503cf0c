// A request whose head has been parsed. It owns one copy of the head's bytes and an index of where each field lies in it; strings
// and lists are made when they are first asked for. It stays valid until its owner has the reader fill it anew.

using System.Text;

namespace RawWs.Handshake;

/// <summary>One header field: views of the request's bytes.</summary>
public readonly ref struct HeaderField
{
    internal HeaderField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        Name = name;
        Value = value;
    }

    /// <summary>The name, a token, as it was written.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>The value, without white space at its ends.</summary>
    public ReadOnlySpan<byte> Value { get; }
}

/// <summary>An HTTP request that may ask for an upgrade (RFC 6455 §4.2.1). A new one is empty: <see cref="RequestReader"/> fills it.</summary>
public sealed class UpgradeRequest
{
    private byte[] _head = [];
    private Place[] _fields = []; // name and value alternately
    private int _fieldCount;
    private Place _method;
    private Place _target;
    private RequestTarget _parts;
    private string? _path;
    private KnownFields _known;
    private ListStatus _subprotocolStatus; // Unread until they are first asked for
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

    internal Span<Place> RoomForFields(int fields)
    {
        if (_fields.Length < fields * 2) _fields = new Place[Math.Max(32, fields * 2)];
        return _fields.AsSpan(0, fields * 2);
    }

    /// <summary>The method, as it was written.</summary>
    public ReadOnlySpan<byte> Method => At(_method);

    /// <summary>The digit before the point in HTTP/1.1.</summary>
    public int MajorVersion { get; private set; }

    /// <summary>The digit behind the point.</summary>
    public int MinorVersion { get; private set; }

    /// <summary>The request target, as it was written.</summary>
    public ReadOnlySpan<byte> Target => At(_target);

    /// <summary>The target's path, percent-decoded; "/" if it has none.</summary>
    public string Path => _path ?? "";

    /// <summary>The target's query, raw and without its question mark.</summary>
    public ReadOnlySpan<byte> Query => Target.Slice(_parts.QueryStart, _parts.QueryLength);

    /// <summary>
    /// The host and port that were asked for: an absolute target's authority, and only else the Host field's value (RFC 9112 §3.2.2).
    /// </summary>
    public ReadOnlySpan<byte> Host
    {
        get
        {
            if (_parts.AuthorityLength > 0) return Target.Slice(_parts.AuthorityStart, _parts.AuthorityLength);
            return TryGetHeader(KnownField.Host, out ReadOnlySpan<byte> value) ? value : default;
        }
    }

    /// <summary>The origin that a browser names, or null.</summary>
    public string? Origin => TryGetHeader(KnownField.Origin, out ReadOnlySpan<byte> value) ? Encoding.Latin1.GetString(value) : null;

    /// <summary>
    /// The subprotocols that the client offers, its preferred first; empty if the field is missing, malformed or past its limit.
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

    /// <summary>The header fields, in order.</summary>
    public HeaderEnumerator Headers => new(this);

    internal bool TargetIsValid { get; private set; }

    /// <summary>Under which it was read.</summary>
    internal RequestLimits Limits { get; private set; } = RequestLimits.Default;

    /// <summary>The first field of this name, in any case.</summary>
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
        _subprotocolStatus = SubprotocolHeader.Parse(this, out List<string> offers);
        if (_subprotocolStatus == ListStatus.Done && offers.Count > 0) _subprotocols = offers.AsReadOnly();
        return _subprotocolStatus;
    }

    internal ListStatus ReadExtensions()
    {
        if (_extensionStatus != ListStatus.Unread) return _extensionStatus;
        _extensionStatus = ExtensionHeader.Parse(this, out List<ExtensionOffer> offers);
        if (_extensionStatus == ListStatus.Done && offers.Count > 0) _extensions = offers.AsReadOnly();
        return _extensionStatus;
    }

    /// <summary>How many fields there are of this name, in any case.</summary>
    public int CountHeader(ReadOnlySpan<byte> name)
    {
        int count = 0;
        foreach (HeaderField field in Headers)
            if (Ascii.EqualsIgnoreCase(field.Name, name)) count++;
        return count;
    }

    /// <summary>
    /// A parameter of the query, which is form-encoded (application/x-www-form-urlencoded): in names and values a plus is a space, and %XX
    /// a byte.
    /// </summary>
    /// <param name="name">Its name, in plain bytes.</param>
    /// <param name="value">The first one's value; empty when it has none.</param>
    /// <param name="count">How often the name stands in the query.</param>
    /// <returns>Whether it is there at all. A value with a malformed escape counts as there, and comes empty.</returns>
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

    private ReadOnlySpan<byte> At(Place place) => _head.AsSpan(place.Start, place.Length);

    /// <summary>Goes through the header fields.</summary>
    public ref struct HeaderEnumerator
    {
        private readonly UpgradeRequest _request;
        private int _index;

        internal HeaderEnumerator(UpgradeRequest request)
        {
            _request = request;
            _index = -2;
        }

        /// <summary>The field it stands at.</summary>
        public readonly HeaderField Current => new(_request.At(_request._fields[_index]), _request.At(_request._fields[_index + 1]));

        /// <summary>Itself, for foreach.</summary>
        public readonly HeaderEnumerator GetEnumerator() => this;

        /// <summary>Goes on to the next field. False at the end.</summary>
        public bool MoveNext() => (_index += 2) < _request._fieldCount * 2;
    }
}

/// <summary>Where something lies in the head, in bytes.</summary>
internal readonly record struct Place(int Start, int Length);

/// <summary>The parts of a request line.</summary>
internal readonly record struct RequestLine(Place Method, Place Target, int MajorVersion, int MinorVersion);

// The annotations of one head, in the order of its bytes. HeadParser has found where each line and field lies; this file names them, and
// knows which field shows that a rule is broken. Whether one is, RequestReader and UpgradeRules have said.

using System.Globalization;
using System.Text;

namespace RawWs.Handshake;

/// <summary>Makes annotations.</summary>
/// <param name="bytes">The whole input.</param>
/// <param name="shift">What is added to a place in the head that was read, to have it in the input.</param>
/// <param name="before">The annotations before the head, or null.</param>
internal sealed class HeadNotes(byte[] bytes, int shift, List<HandshakeAnnotation>? before = null)
{
    private const int TextShown = 120;
    private const string Parser = "Handshake/HeadParser.cs", Rules = "Handshake/UpgradeRules.cs", Answer = "Handshake/UpgradeResponse.cs";

    /// <summary>The fields that have a sentence of their own.</summary>
    public static readonly IReadOnlyList<string> KnownNames =
    [
        "Host", "Origin", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept",
    ];

    public List<HandshakeAnnotation> All { get; } = before ?? [];

    /// <summary>What Sec-WebSocket-Accept must be; null when that is not known.</summary>
    public string? Accept { get; init; }

    public static string IdOf(string name) => KnownNames.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase))
        is { } field ? "field." + field.ToLowerInvariant() : "field.other";

    /// <summary>Adds what the parser finds in the bytes of a head that have decided it.</summary>
    public void AddHead(ReadOnlySpan<byte> head, RequestLimits limits, RequestStatus status, HandshakeRule? rule)
    {
        HeadParser parser = new(head, limits, default);
        parser.Parse(out _);
        int at = 0;
        if (head.StartsWith("\r\n"u8))
        {
            Add(0, 2, "empty line", "request.ignored", "RFC 9112 §2.2", Parser, "Parse");
            at = 2;
        }

        if (parser.HasRequestLine)
        {
            int end = LineEnd(head, at);
            if (before is null) AddRequestLine(head, at, parser.Line, end);
            at = end;
        }

        for (int i = 0; i < parser.FieldCount; i++)
        {
            int end = LineEnd(head, at);
            AddField(parser.RangeAt(i * 2), parser.RangeAt((i * 2) + 1), end);
            at = end;
        }

        if (at == head.Length) return;
        if (status == RequestStatus.Done) Add(at, head.Length - at, "end of the head", "head.end", "RFC 9112 §2.1", Parser, "Parse");
        else if (rule is null) Add(at, head.Length - at, "unfinished line", "head.unfinished", "RFC 9112 §2.1", Parser, "Parse");
        else Add(at, head.Length - at, "line", "head.broken", rule.Section, Parser, SyntaxMember(rule), rule);
    }

    /// <summary>Adds what stands behind the bytes that were read.</summary>
    public void AddRest(int at, string id) => All.Add(Note(
        at, bytes.Length - at, "not read", id, "RFC 6455 §4.2.2", "Handshake/RequestReader.cs", "TryRead", null));

    /// <summary>Adds a response's first line.</summary>
    /// <param name="length">How long it is, or what is there of it.</param>
    /// <param name="isWhole">Whether its end is there.</param>
    /// <param name="wrongAt">The byte for which it is no first line; -1 if there is none.</param>
    /// <returns>The status; null if the line is not whole, or is none.</returns>
    public int? AddStatusLine(int length, bool isWhole, out int wrongAt)
    {
        const string Section = "RFC 9112 §4";
        ReadOnlySpan<byte> line = bytes.AsSpan(0, length);
        wrongAt = FindWrong(line, isWhole);
        if (wrongAt < 0 && !isWhole && length < bytes.Length) wrongAt = length; // longer than any
        int good = wrongAt >= 0 ? wrongAt : isWhole ? length - 2 : length, at = 0;
        bool switches = good >= 12 && line[9..12].SequenceEqual("101"u8);
        string writer = switches ? "WriteSwitchingProtocols" : "WriteRefusal";
        Part(8, "version", "response.version", Section);
        Part(9, "space", "response.space", Section);
        Part(12, "status", switches ? "response.status" : "response.status.other", switches ? "RFC 6455 §4.2.2" : "RFC 9110 §15");
        if (good > 12 && line[12] == ' ') Part(13, "space", "response.space", Section);
        if (wrongAt < 0 && isWhole)
        {
            if (good > at) Part(good, "reason", "response.reason", Section);
            Add(good, 2, "line end", "head.line", Section, Answer, writer);
            return int.Parse(line[9..12], CultureInfo.InvariantCulture);
        }

        Add(at, good - at, "line", wrongAt < 0 ? "head.unfinished" : "response.begun", Section, Answer, "Write");
        if (wrongAt >= 0) Add(wrongAt, bytes.Length - wrongAt, "line", "response.malformed", Section, Answer, "Write");
        return null;

        // As far as it is there.
        void Part(int end, string field, string id, string section)
        {
            if (end > good) return;
            Add(at, end - at, field, id, section, Answer, writer);
            at = end;
        }
    }

    // "HTTP/1.1 101 Switching Protocols\r\n". Some leave out the space when there is no reason.
    private static int FindWrong(ReadOnlySpan<byte> line, bool isWhole)
    {
        ReadOnlySpan<byte> version = "HTTP/1."u8;
        for (int at = 0; at < line.Length; at++)
        {
            byte value = line[at];
            bool isRight = at < version.Length ? value == version[at]
                : at is 7 or 9 or 10 or 11 ? char.IsAsciiDigit((char)value)
                : at == 8 ? value == ' '
                : at == 12 ? value is (byte)' ' or (byte)'\r'
                : at == 13 && line[12] == '\r' ? value == '\n'
                : !isWhole || at < line.Length - 1 || line[at - 1] == '\r';
            if (!isRight) return at;
        }

        return -1;
    }

    /// <summary>Puts a rule of the meaning where it shows.</summary>
    public void Mark(HandshakeRule rule)
    {
        int place = All.FindLastIndex(note => Shows(rule, note.Field));
        // A field without a value shows it by its name; what is missing is missed where the head ends.
        if (place < 0 && FieldOf(rule) is { } name)
            place = All.FindLastIndex(
                note => note.Field == "name" && note.Value.Trim('"').Equals(name, StringComparison.OrdinalIgnoreCase));
        if (place < 0) place = All.FindLastIndex(static note => note.TextId == "head.end");
        HandshakeAnnotation shown = All[place];
        (string file, string member) = MeaningSource(rule);
        All[place] = Note(shown.Offset, shown.Length, shown.Field, shown.TextId, rule.Section, file, member, rule);
    }

    private static int LineEnd(ReadOnlySpan<byte> head, int at) => at + head[at..].IndexOf((byte)'\n') + 1;

    private void AddRequestLine(ReadOnlySpan<byte> head, int start, RequestLine line, int end)
    {
        const string Section = "RFC 9112 §3", Member = "ParseRequestLine";
        Add(start, line.Method.Length, "method", "request.method", "RFC 6455 §4.1", Parser, Member);
        Add(start + line.Method.Length, 1, "space", "request.space", Section, Parser, Member);
        int question = head.Slice(line.Target.Start, line.Target.Length).IndexOf((byte)'?');
        int targetLength = question < 0 ? line.Target.Length : question;
        Add(line.Target.Start, targetLength, "target", "request.target", "RFC 9112 §3.2", "Handshake/RequestTarget.cs", "TryParse");
        Add(line.Target.Start + targetLength, line.Target.Length - targetLength, "query", "request.query", "RFC 6455 §3",
            "Handshake/RequestTarget.cs", "TryParse");
        int versionAt = line.Target.Start + line.Target.Length + 1;
        Add(versionAt - 1, 1, "space", "request.space", Section, Parser, Member);
        Add(versionAt, end - 2 - versionAt, "version", "request.version", "RFC 6455 §4.1", Parser, "IsVersion");
        Add(end - 2, 2, "line end", "head.line", "RFC 9112 §2.2", Parser, "Parse");
    }

    private void AddField(ByteRange name, ByteRange value, int end)
    {
        const string Section = "RFC 9112 §5", Member = "ParseField";
        string written = Encoding.Latin1.GetString(bytes, name.Start + shift, name.Length), id = IdOf(written);
        string known = KnownNames.FirstOrDefault(field => IdOf(field) == id) ?? written;
        int nameEnd = name.Start + name.Length, valueEnd = value.Start + value.Length;
        Add(name.Start, name.Length, "name", "head.name", Section, Parser, Member);
        Add(nameEnd, 1, "colon", "head.colon", Section, Parser, Member);
        Add(nameEnd + 1, value.Start - nameEnd - 1, "white space", "head.white", Section, Parser, Member);
        (string section, string file, string member) = SourceOf(id);
        bool differs = id == "field.sec-websocket-accept" && Accept is not null
            && Encoding.Latin1.GetString(bytes, value.Start + shift, value.Length) != Accept;
        Add(value.Start, value.Length, "value of " + known, differs ? "field.accept.differs" : id, section, file, member);
        Add(valueEnd, end - 2 - valueEnd, "white space", "head.white", Section, Parser, Member);
        Add(end - 2, 2, "line end", "head.line", "RFC 9112 §2.2", Parser, "Parse");
    }

    private static (string Section, string File, string Member) SourceOf(string id) => id switch
    {
        "field.host" => ("RFC 9112 §3.2", "Handshake/Authority.cs", "TryParse"),
        "field.origin" => ("RFC 6455 §10.2", "Handshake/OriginRule.cs", "Allows"),
        "field.upgrade" => ("RFC 6455 §4.2.1", Rules, "AsksForUpgrade"),
        "field.connection" => ("RFC 6455 §4.2.1", Rules, "CheckUpgrade"),
        "field.content-length" or "field.transfer-encoding" => ("RFC 6455 §4.1", Rules, "HasBody"),
        "field.sec-websocket-key" => ("RFC 6455 §4.2.1", "Handshake/AcceptKey.cs", "IsValid"),
        "field.sec-websocket-version" => ("RFC 6455 §4.2.1", Rules, "CheckUpgrade"),
        "field.sec-websocket-protocol" => ("RFC 6455 §11.3.4", "Handshake/SubprotocolHeader.cs", "Parse"),
        "field.sec-websocket-extensions" => ("RFC 6455 §9.1", "Handshake/ExtensionHeader.cs", "TryParseValue"),
        "field.sec-websocket-accept" => ("RFC 6455 §4.2.2", "Handshake/AcceptKey.cs", "Write"),
        _ => ("RFC 9110 §5.5", Parser, "ParseField"),
    };

    // The field whose value shows that a rule is broken; null for a part of the request line.
    private static string? FieldOf(HandshakeRule rule)
    {
        if (rule == HandshakeRules.HostDoubled || rule == HandshakeRules.HostMalformed) return "Host";
        if (rule == HandshakeRules.UpgradeLost || rule == HandshakeRules.UpgradeNotAsked) return "Upgrade";
        if (rule == HandshakeRules.ConnectionWithoutUpgrade) return "Connection";
        if (rule == HandshakeRules.ProtocolVersionNot13) return "Sec-WebSocket-Version";
        if (rule == HandshakeRules.KeyDoubled || rule == HandshakeRules.KeyMalformed) return "Sec-WebSocket-Key";
        if (rule == HandshakeRules.SubprotocolsTooMany || rule == HandshakeRules.SubprotocolsMalformed) return "Sec-WebSocket-Protocol";
        if (rule == HandshakeRules.ExtensionsTooMany || rule == HandshakeRules.ExtensionsMalformed) return "Sec-WebSocket-Extensions";
        return rule == HandshakeRules.OriginDoubled || rule == HandshakeRules.OriginNotAllowed ? "Origin" : null;
    }

    private static bool Shows(HandshakeRule rule, string field)
    {
        if (rule == HandshakeRules.MethodNotAllowed) return field == "method";
        if (rule == HandshakeRules.MajorVersionNotSupported) return field == "version";
        if (rule == HandshakeRules.TargetMalformed || rule == HandshakeRules.PathUnknown) return field == "target";
        if (rule == HandshakeRules.QueryParametersTooMany) return field == "query";
        if (rule == HandshakeRules.TokensTooMany) return field is "value of Upgrade" or "value of Connection";
        if (rule == HandshakeRules.BodyNotAllowed) return field is "value of Content-Length" or "value of Transfer-Encoding";
        return FieldOf(rule) is { } name && field == "value of " + name;
    }

    private static string SyntaxMember(HandshakeRule rule)
    {
        if (rule == HandshakeRules.RequestLineTooLong || rule == HandshakeRules.HeadTooLarge) return "CheckSize";
        if (rule == HandshakeRules.ControlCharacter) return "CheckText";
        if (rule == HandshakeRules.RequestLineMalformed) return "ParseRequestLine";
        return rule == HandshakeRules.LineEndMalformed ? "Parse" : "ParseField";
    }

    private static (string File, string Member) MeaningSource(HandshakeRule rule)
    {
        if (rule == HandshakeRules.OriginNotAllowed) return ("Handshake/OriginRule.cs", "Allows");
        bool isOfCheck = rule == HandshakeRules.UpgradeLost || rule == HandshakeRules.UpgradeNotAsked || rule == HandshakeRules.PathUnknown;
        bool isOfRequest = rule == HandshakeRules.MethodNotAllowed || rule == HandshakeRules.MajorVersionNotSupported
            || rule == HandshakeRules.TargetMalformed || rule == HandshakeRules.QueryParametersTooMany || rule == HandshakeRules.HostMissing
            || rule == HandshakeRules.HostDoubled || rule == HandshakeRules.HostMalformed || rule == HandshakeRules.TokensTooMany;
        return (Rules, isOfCheck ? "Check" : isOfRequest ? "CheckRequest" : "CheckUpgrade");
    }

    private void Add(
        int at, int length, string field, string id, string section, string file, string member, HandshakeRule? rule = null)
    {
        if (length > 0) All.Add(Note(at + shift, length, field, id, section, file, member, rule));
    }

    private HandshakeAnnotation Note(
        int at, int length, string field, string id, string section, string file, string member, HandshakeRule? rule) => new()
        {
            Offset = at,
            Length = length,
            Field = field,
            Value = Show(bytes.AsSpan(at, length)),
            TextId = id,
            Rule = rule,
            Section = section,
            SourceFile = file,
            SourceMember = member,
        };

    private static string Show(ReadOnlySpan<byte> text)
    {
        StringBuilder shown = new("\"");
        foreach (byte value in text[..Math.Min(text.Length, TextShown)])
        {
            if (value == '\r') shown.Append("\\r");
            else if (value == '\n') shown.Append("\\n");
            else if (value is (byte)'"' or (byte)'\\') shown.Append('\\').Append((char)value);
            else if (value is >= (byte)' ' and < 0x7F) shown.Append((char)value);
            else shown.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
        }

        return shown.Append(text.Length > TextShown ? "…\"" : "\"").ToString();
    }
}

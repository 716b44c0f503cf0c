// A reader of a request's head that takes one byte at a time and knows RFC 9112 by regular expressions over whole lines. It says what
// RequestReader has to say, and at which byte.

using System.Text;
using System.Text.RegularExpressions;
using RawWs.Handshake;

namespace RawWs.Fuzz;

internal sealed partial class RequestOracle(RequestLimits limits)
{
    private readonly StringBuilder _line = new();
    private int _bytesTaken;
    private bool _emptyLineForgiven;
    private bool _requestLineRead;

    public RequestStatus Status { get; private set; } = RequestStatus.NeedMoreData;

    public HandshakeRule? Rule { get; private set; }

    /// <summary>How many bytes decided: the head's length, or up to the byte that breaks the rule.</summary>
    public int DecidedAt { get; private set; } = int.MaxValue;

    public string Method { get; private set; } = "";

    public string Target { get; private set; } = "";

    public string Version { get; private set; } = "";

    public List<(string Name, string Value)> Fields { get; } = [];

    public void Take(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (Status != RequestStatus.NeedMoreData) return;
            _bytesTaken++;
            if (Judge((char)value) is { } broken) (Status, Rule, DecidedAt) = (RequestStatus.Violation, broken, _bytesTaken);
        }
    }

    private HandshakeRule? Judge(char value)
    {
        bool isRequestLine = !_requestLineRead;
        bool afterReturn = _line.Length > 0 && _line[^1] == '\r';
        if (afterReturn && value != '\n')
        {
            // The CR would have been the end of the longest line that is allowed: now the line is longer than that.
            return isRequestLine && _line.Length > limits.RequestLineBytesMax
                ? HandshakeRules.RequestLineTooLong
                : HandshakeRules.LineEndMalformed;
        }

        bool headTooLarge = _bytesTaken > limits.HeadBytesMax;
        if (value == '\n')
        {
            if (headTooLarge) return HandshakeRules.HeadTooLarge;
            if (!afterReturn) return HandshakeRules.LineEndMalformed;
            string line = _line.ToString(0, _line.Length - 1);
            _line.Clear();
            return TakeLine(line);
        }

        _line.Append(value);
        if (isRequestLine && value != '\r' && _line.Length > limits.RequestLineBytesMax) return HandshakeRules.RequestLineTooLong;
        if (headTooLarge) return HandshakeRules.HeadTooLarge;
        return value is '\r' or '\t' or (>= ' ' and not '\x7F') ? null : HandshakeRules.ControlCharacter;
    }

    private HandshakeRule? TakeLine(string line)
    {
        if (!_requestLineRead)
        {
            if (line.Length == 0 && !_emptyLineForgiven)
            {
                _emptyLineForgiven = true;
                return null;
            }

            Match match = RequestLine().Match(line);
            if (!match.Success) return HandshakeRules.RequestLineMalformed;
            (Method, Target, Version) = (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value);
            _requestLineRead = true;
            return null;
        }

        if (line.Length == 0)
        {
            (Status, DecidedAt) = (RequestStatus.Done, _bytesTaken);
            return null;
        }

        if (line[0] is ' ' or '\t') return HandshakeRules.HeaderFolded;
        Match field = Field().Match(line);
        if (!field.Success) return HandshakeRules.HeaderMalformed;
        if (Fields.Count == limits.HeadersMax) return HandshakeRules.TooManyHeaders;
        Fields.Add((field.Groups[1].Value, field.Groups[2].Value.Trim(' ', '\t')));
        return null;
    }

    [GeneratedRegex(@"\A([-!#$%&'*+.^_`|~0-9A-Za-z]+) ([^ \t]+) HTTP/([0-9]\.[0-9])\z", RegexOptions.CultureInvariant)]
    private static partial Regex RequestLine();

    [GeneratedRegex(@"\A([-!#$%&'*+.^_`|~0-9A-Za-z]+):(.*)\z", RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Field();
}

// Parses Sec-WebSocket-Extensions (RFC 6455 §9.1): extensions with parameters. A parameter's value is a token, or a quoted string that is a
// token once its backslashes are removed. Several fields of this name are one list.
//
//   extension-list  = 1#extension
//   extension       = token *( ";" token [ "=" ( token | quoted-string ) ] )

using System.Text;

namespace RawWs.Handshake;

/// <summary>A parameter of an extension.</summary>
/// <param name="Name">The parameter's name, as the client wrote it.</param>
/// <param name="Value">Its value without quotes, or null when it has none.</param>
public readonly record struct ExtensionParameter(string Name, string? Value);

/// <summary>An extension that a client offers (RFC 6455 §9.1).</summary>
/// <param name="Name">The extension's name, as the client wrote it.</param>
/// <param name="Parameters">Its parameters, in the client's order.</param>
public sealed record ExtensionOffer(string Name, IReadOnlyList<ExtensionParameter> Parameters);

/// <summary>Parses the extensions that a client offers.</summary>
public static class ExtensionHeader
{
    /// <summary>Parses every Sec-WebSocket-Extensions field of a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="offers">A new list of the offers, in order; empty when the request has no such field.</param>
    /// <returns>False when a field is malformed, or has more than the limits under which the request was read allow.</returns>
    public static bool TryParse(UpgradeRequest request, out List<ExtensionOffer> offers) => Parse(request, out offers) == ListStatus.Done;

    /// <summary>Parses one field's value and adds its offers to a list.</summary>
    /// <param name="value">The value.</param>
    /// <param name="offers">The caller's list. When the result is false it may have offers that stood before the error.</param>
    /// <returns>
    /// False when the value is malformed, or has more offers or parameters than <see cref="RequestLimits.Default"/> allows.
    /// </returns>
    public static bool TryParse(ReadOnlySpan<byte> value, List<ExtensionOffer> offers)
    {
        ArgumentNullException.ThrowIfNull(offers);
        RequestLimits limits = RequestLimits.Default;
        return value.Count((byte)',') < limits.ExtensionsMax && !HasMoreParameters(value, limits.ExtensionParametersMax)
            && TryParseValue(value, offers);
    }

    internal static ListStatus Parse(UpgradeRequest request, out List<ExtensionOffer> offers)
    {
        ArgumentNullException.ThrowIfNull(request);
        offers = [];
        if (request.CountHeader(KnownField.Extensions) == 0) return ListStatus.Done;
        // They are counted before any string is made. Every comma and semicolon is a separator, because a quoted string can only be a
        // token.
        bool tooMany = HttpGrammar.HasMoreElements(request, KnownField.Extensions, request.Limits.ExtensionsMax);
        foreach (ReadOnlySpan<byte> value in request.ValuesOf(KnownField.Extensions))
            tooMany = tooMany || HasMoreParameters(value, request.Limits.ExtensionParametersMax);
        if (tooMany) return ListStatus.TooMany;
        foreach (ReadOnlySpan<byte> value in request.ValuesOf(KnownField.Extensions))
            if (!TryParseValue(value, offers)) return ListStatus.Malformed;
        return offers.Count > 0 ? ListStatus.Done : ListStatus.Malformed;
    }

    private static bool HasMoreParameters(ReadOnlySpan<byte> value, int parametersMax)
    {
        foreach (Range element in value.Split((byte)','))
            if (value[element].Count((byte)';') > parametersMax) return true;
        return false;
    }

    private static bool TryParseValue(ReadOnlySpan<byte> value, List<ExtensionOffer> offers)
    {
        Scanner scanner = new(value);
        while (true)
        {
            if (scanner.TryReadSeparator((byte)',')) continue; // an empty element (RFC 9110 §5.6.1.2)
            if (scanner.AtEnd) return true;
            if (!scanner.TryReadToken(out string name)) return false;
            if (!TryParseParameters(ref scanner, out List<ExtensionParameter> parameters)) return false;
            offers.Add(new ExtensionOffer(name, parameters));
            if (!scanner.AtEnd && !scanner.TryReadSeparator((byte)',')) return false;
        }
    }

    private static bool TryParseParameters(ref Scanner scanner, out List<ExtensionParameter> parameters)
    {
        parameters = [];
        while (scanner.TryReadSeparator((byte)';'))
        {
            if (!scanner.TryReadToken(out string name)) return false;
            string? value = null;
            if (scanner.TryReadSeparator((byte)'=') && !scanner.TryReadToken(out value) && !scanner.TryReadQuoted(out value)) return false;
            parameters.Add(new ExtensionParameter(name, value));
        }

        return true;
    }

    /// <summary>Reads tokens and separators from the front, and skips the white space before each.</summary>
    private ref struct Scanner(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public bool AtEnd
        {
            get
            {
                _rest = _rest.TrimStart(" \t"u8);
                return _rest.IsEmpty;
            }
        }

        public bool TryReadSeparator(byte separator)
        {
            if (AtEnd || _rest[0] != separator) return false;
            _rest = _rest[1..];
            return true;
        }

        public bool TryReadToken(out string token)
        {
            token = "";
            if (AtEnd) return false;
            int length = _rest.IndexOfAnyExcept(HttpGrammar.TokenBytes);
            if (length < 0) length = _rest.Length;
            if (length == 0) return false;
            token = Encoding.Latin1.GetString(_rest[..length]);
            _rest = _rest[length..];
            return true;
        }

        // §9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
        public bool TryReadQuoted(out string value)
        {
            value = "";
            if (!TryReadSeparator((byte)'"')) return false;
            StringBuilder unquoted = new();
            for (int i = 0; i < _rest.Length; i++)
            {
                byte b = _rest[i];
                if (b == '"')
                {
                    value = unquoted.ToString();
                    _rest = _rest[(i + 1)..];
                    return value.Length > 0;
                }

                if (b == '\\')
                {
                    if (++i == _rest.Length) return false;
                    b = _rest[i];
                }

                if (!HttpGrammar.TokenBytes.Contains(b)) return false;
                unquoted.Append((char)b);
            }

            return false;
        }
    }
}

// Target "extensions": ExtensionHeader over one field's value, and over the same list spread over two fields of a request.
//
//   byte 0       where the value is cut in two, of 256 parts
//   the rest     the value
//
// Properties: result and offers are those of an oracle, and past the limits there are none; names and values are tokens; the offers
// written anew, plain or with every character quoted, read the same; two fields mean what their values joined by a comma mean.

using System.Buffers;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Fuzz;

internal static class ExtensionsTarget
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return;
        string value = Encoding.Latin1.GetString(input[1..]);
        // Counted first: what is past the limits is not read.
        List<ExtensionOffer>? expected = IsPastLimits(value) ? null : ExtensionOracle.Parse(value);
        List<ExtensionOffer>? offers = Read(value);
        Property.Same(Show(offers), Show(expected));
        if (offers is not null)
        {
            Property.Same(Show(Read(ExtensionOracle.Write(offers, quoted: false))), Show(offers));
            Property.Same(Show(Read(ExtensionOracle.Write(offers, quoted: true))), Show(offers));
        }

        int cut = value.Length * input[0] / 256;
        CheckFields(value[..cut], value[cut..]);
    }

    private static bool IsPastLimits(string value)
    {
        string[] elements = value.Split(',');
        return elements.Length > RequestLimits.Default.ExtensionsMax
            || elements.Any(static element => element.Split(';').Length - 1 > RequestLimits.Default.ExtensionParametersMax);
    }

    private static List<ExtensionOffer>? Read(string value)
    {
        List<ExtensionOffer> offers = [];
        return ExtensionHeader.TryParse(Encoding.Latin1.GetBytes(value), offers) ? offers : null;
    }

    private static void CheckFields(string first, string second)
    {
        // What cannot stand in a field is RequestReader's to refuse.
        if ((first + second).Any(static c => c is (< ' ' and not '\t') or '\x7F')) return;
        ReadOnlySequence<byte> bytes = new(Encoding.Latin1.GetBytes(
            $"GET / HTTP/1.1\r\nSec-WebSocket-Extensions: {first}\r\nHost: a\r\nsec-websocket-extensions: {second}\r\n\r\n"));
        Property.Same(RequestReader.TryRead(ref bytes, new RequestLimits(), out UpgradeRequest? request, out _), RequestStatus.Done);
        bool parsed = ExtensionHeader.TryParse(request!, out List<ExtensionOffer> offers);
        List<ExtensionOffer>? one = ExtensionOracle.Parse(first), other = ExtensionOracle.Parse(second);
        // §9.1: the list has one element at least.
        bool isList = one is not null && other is not null && one.Count + other.Count > 0 && !IsPastLimits($"{first},{second}");
        Property.Same(parsed, isList);
        if (!isList) return;
        Property.Same(Show(offers), Show([.. one!, .. other!]));
        Property.Same(Show(Read($"{first},{second}")), Show(offers));
        Property.Same(Show([.. request!.Extensions]), Show(offers));
    }

    // Lists are compared as text; "none" stands for a malformed field. A colon is no part of a token, so that nothing can be mistaken.
    private static string Show(List<ExtensionOffer>? offers) => offers is null ? "none" : string.Concat(offers.Select(static offer =>
        $":{offer.Name}:{string.Concat(offer.Parameters.Select(static parameter => $";{parameter.Name}={parameter.Value ?? ":"}"))}"));
}

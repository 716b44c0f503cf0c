// Headers of the PROXY protocol, and what each means: the client's address, "" for none, or the rule that is broken. In a vector's bytes
// \r, \n and \xHH are what they are in C. Written from the protocol's text (the PROXY protocol, versions 1 and 2, 2020).

using System.Globalization;

namespace RawWs.Tests.Proxies;

/// <summary>A vector.</summary>
/// <param name="Text">The bytes.</param>
/// <param name="Client">The client; "" if the header tells none; null if it is broken.</param>
/// <param name="Rule">The broken rule; null for none.</param>
public sealed record ProxyVector(string Text, string? Client, string? Rule = null)
{
    private const string Signature = @"\r\n\r\n\x00\r\nQUIT\n", V4 = @"\xC0\x00\x02\x01\xC6\x33\x64\x02\xC3\xCB\x01\xBB";

    private const string V6 = @"\x20\x01\x0D\xB8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
        + @"\x20\x01\x0D\xB8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\xC3\xCB\x01\xBB";

    public static IReadOnlyList<ProxyVector> All { get; } =
    [
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 50123 443\r\n", "192.0.2.1:50123"),
        new(@"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
        new(@"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"),
        new(@"PROXY TCP6 2001:db8::1 2001:db8::2 50123 443\r\n", "[2001:db8::1]:50123"),
        new(@"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
        new(@"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1"),
        new(@"PROXY UNKNOWN\r\n", ""),
        new(@"PROXY UNKNOWN ffff:f...f:ffff 1 2\r\n", ""),
        new(@"PROXY UNKNOWN\n", null, "ProxyLineEnd"),
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 50123 443\rX", null, "ProxyLineEnd"),
        new(@"PROXY UNKNOWN " + new string('x', 92) + @"\r\n", null, "ProxyLineTooLong"), // 108 bytes, of which 107 do not end it
        new(@"PROXY UNKNOWN " + new string('x', 91) + @"\r\n", ""), // 107 bytes
        new(@"PROXY UNKNOWN " + new string('x', 93), null, "ProxyLineTooLong"),
        new(@"PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", null, "ProxyProtocol"),
        new(@"PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n", null, "ProxyProtocol"),
        new(@"PROXY \r\n", null, "ProxyProtocol"),
        new(@"PROXY TCP4\r\n", null, "ProxyFields"),
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n", null, "ProxyFields"),
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n", null, "ProxyFields"),
        new(@"PROXY TCP4  192.0.2.1 198.51.100.2 1\r\n", null, "ProxyFields"),
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 1 \r\n", null, "ProxyFields"),
        new(@"PROXY TCP4 2001:db8::1 198.51.100.2 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP4 192.0.2.1 ::1 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP6 192.0.2.1 ::1 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP6 [::1] ::1 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP6 fe80::1%1 ::1 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP4 010.0.0.1 198.51.100.2 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP4 0xc0.0.2.1 198.51.100.2 1 2\r\n", null, "ProxyAddress"),
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n", null, "ProxyPort"),
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 1 -2\r\n", null, "ProxyPort"),
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n", null, "ProxyPort"),
        new(@"PROXY TCP4 192.0.2.1 198.51.100.2 1 2x\r\n", null, "ProxyPort"),
        new(@"G", null, "ProxyNoHeader"),
        new(@"PROXX", null, "ProxyNoHeader"),
        new(@"proxy", null, "ProxyNoHeader"),
        new(@"\r\n\r\n\x00\r\nQUIX", null, "ProxyNoHeader"),
        new(@"\x16\x03\x01", null, "ProxyNoHeader"), // a handshake of TLS without a header before it
        new(Signature + @"\x21\x11\x00\x0C" + V4, "192.0.2.1:50123"),
        new(Signature + @"\x21\x21\x00\x24" + V6, "[2001:db8::1]:50123"),
        new(Signature + @"\x21\x11\x00\x13" + V4 + @"\x01\x00\x04h2h3", "192.0.2.1:50123"), // with a value that is skipped
        new(Signature + @"\x21\x11\x00\x0D" + V4 + @"\xFF", "192.0.2.1:50123"), // with a value that is none
        new(Signature + @"\x21\x11\x0F\xF0" + V4 + Zeros(4068), "192.0.2.1:50123"), // 4096 bytes
        new(Signature + @"\x21\x11\x0F\xF1", null, "ProxyTooLong"),
        new(Signature + @"\x20\x00\x00\x00", ""), // LOCAL
        new(Signature + @"\x20\x11\x00\x0C" + V4, ""),
        new(Signature + @"\x20\xFF\x00\x03abc", ""), // its family is to be ignored
        new(Signature + @"\x21\x00\x00\x00", ""), // of no family
        new(Signature + @"\x21\x00\x00\x02ab", ""),
        new(Signature + @"\x21\x12\x00\x0C" + V4, ""), // datagrams
        new(Signature + @"\x21\x22\x00\x24" + V6, ""),
        new(Signature + @"\x21\x31\x00\xD8" + Zeros(216), ""), // unix
        new(Signature + @"\x21\x32\x00\xD8" + Zeros(216), ""),
        new(Signature + @"\x11", null, "ProxyVersion"),
        new(Signature + @"\x31", null, "ProxyVersion"),
        new(Signature + @"\x22", null, "ProxyCommand"),
        new(Signature + @"\x2F", null, "ProxyCommand"),
        new(Signature + @"\x21\x41", null, "ProxyFamily"),
        new(Signature + @"\x21\x13", null, "ProxyFamily"),
        new(Signature + @"\x21\x01", null, "ProxyFamily"),
        new(Signature + @"\x21\x10", null, "ProxyFamily"),
        new(Signature + @"\x21\x11\x00\x0B", null, "ProxyTooShort"),
        new(Signature + @"\x21\x21\x00\x23", null, "ProxyTooShort"),
        new(Signature + @"\x21\x31\x00\xD7", null, "ProxyTooShort"),
    ];

    public byte[] Bytes()
    {
        List<byte> bytes = [];
        for (int i = 0; i < Text.Length; i++)
        {
            if (Text[i] != '\\')
            {
                bytes.Add((byte)Text[i]);
                continue;
            }

            char kind = Text[++i];
            bytes.Add(kind switch
            {
                'r' => (byte)'\r',
                'n' => (byte)'\n',
                _ => byte.Parse(Text.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            });
            if (kind == 'x') i += 2;
        }

        return [.. bytes];
    }

    public override string ToString() => Text.Length > 60 ? Text[..60] + "…" : Text;

    private static string Zeros(int count) => string.Concat(Enumerable.Repeat(@"\x00", count));
}

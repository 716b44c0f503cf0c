// The PROXY header: every vector whole, with bytes behind it, and at every cut; every rule has a vector; and random headers mean what they
// mean to a reader that was written another way.

using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using RawWs.Server.Proxies;

namespace RawWs.Tests.Proxies;

public sealed partial class ProxyHeaderTests
{
    private static IReadOnlyList<ProxyVector> All => ProxyVector.All;

    [TestCaseSource(nameof(All))]
    public void AVector_MeansWhatItSays_WhateverFollows(ProxyVector vector)
    {
        byte[] bytes = vector.Bytes();
        Assert.That(Shown(bytes), Is.EqualTo(Expected(vector, bytes.Length)));
        if (vector.Rule is null) Assert.That(Shown([.. bytes, .. "GET /"u8]), Is.EqualTo(Expected(vector, bytes.Length)));
    }

    // What is good is whole with its last byte and not before. What is broken stays undecided until a byte breaks it, and is broken then.
    [TestCaseSource(nameof(All))]
    public void AVector_AtEveryCut_IsUndecidedBefore(ProxyVector vector)
    {
        byte[] bytes = vector.Bytes();
        for (int length = 0; length < bytes.Length; length++)
            Assert.That(Shown(bytes[..length]), Is.EqualTo("more").Or.EqualTo(vector.Rule), $"{length} bytes");
    }

    [Test]
    public void EveryRuleOfAHeader_HasAVector() => Assert.That(
        All.Select(static vector => vector.Rule).OfType<string>().Distinct(),
        Is.EquivalentTo(ProxyRules.All.Except([ProxyRules.Untrusted, ProxyRules.Cut]).Select(static rule => rule.Name)));

    [Test]
    public void EveryRule_IsInTheDocs() => Assert.That(RawWs.Tests.Support.Repository.Read("docs/ops/proxies.md"),
        Does.EndWith(string.Concat(ProxyRules.All.Select(static rule => $"| `{rule.Name}` | {rule.Text} |\n"))));

    [Test]
    public void RandomHeaders_MeanTheSame_ToAnotherReader()
    {
        Random random = new(17);
        for (int i = 0; i < 30_000; i++)
        {
            byte[] bytes = Change(All[random.Next(All.Count)].Bytes(), random);
            ProxyHeader header = ProxyHeader.Read(bytes);
            string expected = bytes.AsSpan().StartsWith("PROXY "u8) ? OracleOfLines(bytes) : OracleOfBinary(bytes);
            string found = header.Rule is not null ? "broken" : header.IsWhole ? $"{header.Length} {header.Client}" : "more";
            Assert.That(found, Is.EqualTo(expected), Convert.ToHexString(bytes));
        }
    }

    private static string Shown(byte[] bytes)
    {
        ProxyHeader header = ProxyHeader.Read(bytes);
        return header.Rule?.Name ?? (header.IsWhole ? $"{header.Length} {header.Client}" : "more");
    }

    private static string Expected(ProxyVector vector, int length) => vector.Rule ?? $"{length} {vector.Client}";

    private static byte[] Change(byte[] bytes, Random random)
    {
        List<byte> changed = [.. bytes];
        for (int changes = random.Next(4); changes > 0 && changed.Count > 0; changes--)
        {
            int at = random.Next(Math.Min(changed.Count, 60));
            byte value = "0123456789.: \r\nTCP46\0\x01\x11\x21\xFF"u8[random.Next(25)];
            switch (random.Next(4))
            {
                case 0: changed.RemoveAt(at); break;
                case 1: changed.Insert(at, value); break;
                case 2: changed[at] = value; break;
                default: changed.RemoveRange(at, changed.Count - at); break;
            }
        }

        return [.. changed];
    }

    private static string OracleOfLines(byte[] bytes)
    {
        string text = Encoding.Latin1.GetString(bytes);
        string line = text.Length > 107 ? text[..107] : text;
        if (!line.Contains("\r\n", StringComparison.Ordinal))
        {
            bool mayGoOn = text.Length < 107 && !line.Contains('\n') && line.IndexOf('\r') is var at && (at < 0 || at == line.Length - 1);
            return mayGoOn ? "more" : "broken";
        }

        Match match = GoodLine().Match(line);
        if (!match.Success) return "broken";
        if (!match.Groups["source"].Success) return $"{match.Length} ";
        bool isV4 = match.Groups["kind"].Value == "4";
        foreach (string name in (string[])["source", "target"])
        {
            string address = match.Groups[name].Value;
            if (!IPAddress.TryParse(address, out IPAddress? parsed) || address.Contains(':') == isV4) return "broken";
            if (isV4 && parsed.ToString() != address) return "broken";
            if (address.Contains(':') && address.Contains('.') && !V4AtEnd().IsMatch(address)) return "broken";
        }

        IPAddress source = IPAddress.Parse(match.Groups["source"].Value);
        if (source.IsIPv4MappedToIPv6) source = source.MapToIPv4();
        int port = Number("port");
        return port > 65535 || Number("other") > 65535 ? "broken" : $"{match.Length} {new IPEndPoint(source, port)}";

        int Number(string name) => int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);
    }

    // Byte for byte, as long as the bytes so far could be right.
    private static string OracleOfBinary(byte[] bytes)
    {
        byte[] signature = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];
        byte[] line = [.. "PROXY "u8];
        if (!signature.Take(bytes.Length).SequenceEqual(bytes.Take(12)) && !line.Take(bytes.Length).SequenceEqual(bytes)) return "broken";
        if (bytes.Length < 13) return "more";
        if (bytes[12] is not (0x20 or 0x21)) return "broken";
        if (bytes.Length < 14) return "more";
        bool isLocal = bytes[12] == 0x20;
        int[] known = [0x00, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32], sizes = [0, 12, 12, 36, 36, 216, 216];
        int index = Array.IndexOf(known, bytes[13]);
        if (!isLocal && index < 0) return "broken";
        if (bytes.Length < 16) return "more";
        int length = (bytes[14] * 256) + bytes[15];
        if ((!isLocal && length < sizes[index]) || length + 16 > 4096) return "broken";
        if (bytes.Length < length + 16) return "more";
        if (isLocal || bytes[13] is not (0x11 or 0x21)) return $"{length + 16} ";
        int size = bytes[13] == 0x11 ? 4 : 16;
        IPAddress address = new(bytes[16..(16 + size)]);
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return $"{length + 16} {new IPEndPoint(address, (bytes[16 + (2 * size)] * 256) + bytes[17 + (2 * size)])}";
    }

    [GeneratedRegex(@"\APROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP(?<kind>[46]) (?<source>[0-9a-fA-F:.]+) (?<target>[0-9a-fA-F:.]+) "
        + @"(?<port>0|[1-9][0-9]{0,8}) (?<other>0|[1-9][0-9]{0,8}))\r\n")]
    private static partial Regex GoodLine();

    [GeneratedRegex(@":(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})\z")]
    private static partial Regex V4AtEnd();
}

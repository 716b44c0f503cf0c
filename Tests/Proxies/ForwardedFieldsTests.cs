// Who the client is by X-Forwarded-For and by Forwarded: a table, and random fields that mean what they mean to a reader that goes through
// them from the right. And which proxies are trusted.

using System.Buffers;
using System.Net;
using System.Text;
using RawWs.Handshake;
using RawWs.Server;
using RawWs.Server.Native;
using RawWs.Server.Proxies;

namespace RawWs.Tests.Proxies;

public sealed class ForwardedFieldsTests
{
    private static readonly ProxyTrust Trust = new(["10.0.0.0/8", "fd00::/8", "192.0.2.7"]);

    [TestCase("203.0.113.1", "203.0.113.1:0")]
    [TestCase("203.0.113.1, 10.0.0.2", "203.0.113.1:0")]
    [TestCase("198.51.100.1, 203.0.113.1, 10.0.0.2, 192.0.2.7", "203.0.113.1:0")]
    [TestCase("10.0.0.3, 10.0.0.2", "10.0.0.3:0")] // all are trusted: the left-most
    [TestCase("", null)]
    [TestCase(" , ,", null)]
    [TestCase("unknown", null)]
    [TestCase("203.0.113.1, unknown", null)] // who said "unknown" is the client, as far as anybody knows
    [TestCase("203.0.113.1, unknown, 10.0.0.2", "10.0.0.2:0")]
    [TestCase("203.0.113.1:4711", "203.0.113.1:4711")]
    [TestCase("203.0.113.1:", null)]
    [TestCase("203.0.113.1:x", null)]
    [TestCase("2001:db8::1", "[2001:db8::1]:0")]
    [TestCase("[2001:db8::1]", "[2001:db8::1]:0")]
    [TestCase("[2001:db8::1]:4711, fd00::5", "[2001:db8::1]:4711")]
    [TestCase("[203.0.113.1]", null)]
    [TestCase("::ffff:203.0.113.1", "203.0.113.1:0")]
    [TestCase("203.0.113.1, ::ffff:10.0.0.2", "203.0.113.1:0")]
    [TestCase("203.0.113.01", null)]
    [TestCase("203.0.113", null)]
    [TestCase("evil, 203.0.113.1", "203.0.113.1:0")]
    [TestCase("203.0.113.1\n10.0.0.2", "203.0.113.1:0")] // two fields
    [TestCase("198.51.100.1\n203.0.113.1", "203.0.113.1:0")]
    public void XForwardedFor_NamesTheRightMostThatIsNotTrusted(string values, string? client) =>
        Assert.That(Find("X-Forwarded-For", values, ForwardedField.XForwardedFor), Is.EqualTo(client));

    [TestCase("for=203.0.113.1", "203.0.113.1:0")]
    [TestCase("For=\"[2001:db8:cafe::17]:4711\"", "[2001:db8:cafe::17]:4711")]
    [TestCase("for=203.0.113.1;proto=http;by=10.0.0.1", "203.0.113.1:0")]
    [TestCase("proto=http ; for=203.0.113.1 , for=10.0.0.2", "203.0.113.1:0")]
    [TestCase("for=198.51.100.1, for=203.0.113.1;by=\"a,b;c\", for=10.0.0.2", "203.0.113.1:0")]
    [TestCase("for=\"203.0.113.1:_hidden\"", "203.0.113.1:0")]
    [TestCase("for=\"2\\03.0.113.1\"", "203.0.113.1:0")]
    [TestCase("for=203.0.113.1, for=_hidden", null)]
    [TestCase("for=203.0.113.1, for=unknown, for=10.0.0.2", "10.0.0.2:0")]
    [TestCase("for=203.0.113.1, proto=http", null)]
    [TestCase("for=203.0.113.1;for=198.51.100.1", null)]
    [TestCase("for=\", for=203.0.113.1", null)] // a quote that never ends takes what follows with it
    [TestCase("for=\"\nfor=203.0.113.1", "203.0.113.1:0")] // but not the next field
    [TestCase("for=203.0.113.1 x, for=203.0.113.2", null)]
    [TestCase("for =203.0.113.1", null)]
    [TestCase("=203.0.113.1", null)]
    [TestCase("for=", null)]
    [TestCase("203.0.113.1", null)]
    [TestCase(",, ;, for=203.0.113.1 ,;", "203.0.113.1:0")]
    [TestCase("", null)]
    public void Forwarded_NamesTheRightMostThatIsNotTrusted(string values, string? client) =>
        Assert.That(Find("Forwarded", values, ForwardedField.Forwarded), Is.EqualTo(client));

    [Test]
    public void TheOtherField_IsNotRead()
    {
        Assert.That(Find("Forwarded", "for=203.0.113.1", ForwardedField.XForwardedFor), Is.Null);
        Assert.That(Find("X-Forwarded-For", "203.0.113.1", ForwardedField.Forwarded), Is.Null);
    }

    [Test]
    public void RandomFields_MeanTheSame_FromTheRight()
    {
        string[] nodes =
            ["203.0.113.1", "198.51.100.9:80", "10.1.2.3", "fd00::1", "2001:db8::2", "unknown", "_x", "192.0.2.7", "x.y", "1.2.3"];
        Random random = new(7239);
        for (int i = 0; i < 20_000; i++)
        {
            string[][] fields = [.. Enumerable.Range(0, random.Next(3)).Select(_ =>
                Enumerable.Range(0, random.Next(4)).Select(_ => nodes[random.Next(nodes.Length)]).ToArray())];
            string? expected = Oracle([.. fields.SelectMany(static field => field)]);
            string list = string.Join('\n', fields.Select(static field => string.Join(", ", field)));
            Assert.That(Find("X-Forwarded-For", list, ForwardedField.XForwardedFor), Is.EqualTo(expected), list);
            string pairs = string.Join(
                '\n', fields.Select(static field => string.Join(",", field.Select(static node => $"for=\"{node}\""))));
            Assert.That(Find("Forwarded", pairs, ForwardedField.Forwarded), Is.EqualTo(expected), pairs);
        }
    }

    [TestCase("10.0.0.0/8", "10.255.0.1", true)]
    [TestCase("10.0.0.0/8", "11.0.0.1", false)]
    [TestCase("10.0.0.0/8", "::ffff:10.0.0.1", true)]
    [TestCase("0.0.0.0/0", "203.0.113.1", true)]
    [TestCase("0.0.0.0/0", "2001:db8::1", false)]
    [TestCase("192.0.2.1", "192.0.2.1", true)]
    [TestCase("192.0.2.1", "192.0.2.2", false)]
    [TestCase("2001:db8::/32", "2001:db8:1::1", true)]
    [TestCase("::1", "::1", true)]
    [TestCase("unix", "127.0.0.1", false)]
    public void ANetwork_HasItsAddresses(string network, string address, bool trusted)
    {
        Assert.That(ProxyTrust.FindError(network), Is.Null);
        ProxyTrust trust = new([network]);
        Assert.That(trust.Trusts(new PeerAddress(new IPEndPoint(IPAddress.Parse(address), 1))), Is.EqualTo(trusted));
        Assert.That(trust.Trusts(PeerAddress.OfSocketFile("unix:/run/a.sock")), Is.EqualTo(network == "unix"));
    }

    [TestCase("10.0.0.1/8", "bits behind its prefix")]
    [TestCase("10.0.0.0/33", "prefix from 0 to 32")]
    [TestCase("10.0.0.0/", "prefix")]
    [TestCase("10.0.0.0/-1", "prefix")]
    [TestCase("fd00::/129", "prefix from 0 to 128")]
    [TestCase("10/8", "no network")]
    [TestCase("10.0.0.0 /8", "no network")]
    [TestCase("proxy.example", "no network")]
    [TestCase("::ffff:10.0.0.0/104", "IPv4")]
    [TestCase("", "no network")]
    public void WhatIsNoNetwork_IsASentence(string text, string problem)
    {
        Assert.That(ProxyTrust.FindError(text), Does.Contain(problem));
        Assert.That(new ServerOptions { TrustedProxies = [text] }.FindError(), Does.StartWith($"TrustedProxies: \"{text}\""));
    }

    private static string? Oracle(string[] nodes)
    {
        string? client = null;
        foreach (string node in nodes.Reverse())
        {
            string plain = node.EndsWith(":80", StringComparison.Ordinal) ? node[..^3] : node;
            if (plain.Count(static c => c is '.' or ':') < 2 || !IPAddress.TryParse(plain, out IPAddress? address) || plain == "1.2.3")
                return client;
            client = new IPEndPoint(address, node == plain ? 0 : 80).ToString();
            string[] trusted = ["10.1.2.3", "fd00::1", "192.0.2.7"];
            if (!trusted.Contains(plain)) return client;
        }

        return client;
    }

    // The values, each in a field of its own.
    private static string? Find(string name, string values, ForwardedField field)
    {
        string fields = string.Concat(values.Split('\n').Select(value => $"{name}: {value}\r\n"));
        ReadOnlySequence<byte> bytes = new(Encoding.Latin1.GetBytes($"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        UpgradeRequest request = new();
        RequestProgress progress = default;
        Assert.That(RequestReader.TryRead(ref bytes, new RequestLimits(), request, ref progress, out _), Is.EqualTo(RequestStatus.Done));
        return ForwardedFields.FindClient(request, field, Trust) is { } client ? new PeerAddress(client).ToString() : null;
    }
}

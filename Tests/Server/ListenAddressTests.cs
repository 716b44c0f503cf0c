// The text of an address to listen on, and what the options and the settings say about addresses and proxies.

using System.Net;
using RawWs.Server;
using RawWs.Server.Console.Settings;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class ListenAddressTests
{
    [TestCase("127.0.0.1:2000", "127.0.0.1:2000")]
    [TestCase("2000,proxy", "127.0.0.1:2000,proxy")]
    [TestCase("wss://[::]:443,proxy", "wss://[::]:443,proxy")]
    [TestCase("WS://*:80", "0.0.0.0:80")]
    [TestCase("unix:/run/a.sock", "unix:/run/a.sock")]
    [TestCase("unix:/run/a,b.sock,mode=660", "unix:/run/a,b.sock")]
    [TestCase("unix:/run/a.sock,proxy,mode=660", "unix:/run/a.sock,proxy")]
    [TestCase("wss://unix:/run/a.sock,mode=006,proxy", "wss://unix:/run/a.sock,proxy")]
    public void AnAddress_IsRead_AndWritten(string text, string shown)
    {
        Assert.That(ListenAddress.TryParse(text, out ListenAddress? address));
        Assert.That(address!.ToString(), Is.EqualTo(shown));
        int mode = text.Contains("660", StringComparison.Ordinal) ? 0b110_110_000
            : text.Contains("006", StringComparison.Ordinal) ? 0b110 : 0b110_000_000;
        Assert.That(address.SocketMode, Is.EqualTo((UnixFileMode)mode));
    }

    [TestCase("")]
    [TestCase(",proxy")]
    [TestCase("127.0.0.1:2000,mode=660")] // an address has no mode
    [TestCase("127.0.0.1:2000,proxy,proxy")]
    [TestCase("unix:/a,mode=660,mode=600")]
    [TestCase("unix:/a,mode=66")]
    [TestCase("unix:/a,mode=0660")]
    [TestCase("unix:/a,mode=668")]
    [TestCase("http://127.0.0.1:80")]
    [TestCase("127.0.0.1")]
    public void WhatIsNoAddress_IsNotRead(string text) => Assert.That(ListenAddress.TryParse(text, out _), Is.False);

    [Test]
    public void Options_NameWhatIsWrongWithAddressesAndProxies()
    {
        IPEndPoint loopback = new(IPAddress.Loopback, 0);
        AssertError("Listeners: unix:run/a.sock is no absolute path", new ListenAddress("run/a.sock"));
        AssertError("Listeners: unix:/run/ is no absolute path", new ListenAddress("/run/"));
        AssertError("has 108 bytes; the path of a socket has 107 at most", new ListenAddress("/" + new string('x', 107)));
        AssertError("has a control character", new ListenAddress("/a\n"));
        AssertError("Listeners: 127.0.0.1:0,proxy takes PROXY headers from TrustedProxies, of which there are none",
            new ListenAddress(loopback) { HasProxyHeader = true });
        AssertError("Certificates: ", new ListenAddress(loopback) { IsTls = true });
        ServerOptions options = new() { Listeners = [new ListenAddress("/a") { HasProxyHeader = true }], TrustedProxies = ["10.0.0.0/8"] };
        Assert.That(options.FindError(), Does.Contain("\"unix\" is not among TrustedProxies"));
        Assert.That((options with { TrustedProxies = ["unix"] }).FindError(), Is.Null);
        Assert.That(new ServerOptions { ForwardedField = (ForwardedField)9 }.FindError(), Does.StartWith("ForwardedField: "));
    }

    // Who listens on a socket file, or trusts a proxy, has the world outside.
    [Test]
    public void ASocketFileOrAProxy_MeansTheWorldOutside()
    {
        Assert.That(new ServerOptions().IsForThisMachineOnly);
        Assert.That(new ServerOptions { Listeners = [new ListenAddress("/a")] }.IsForThisMachineOnly, Is.False);
        Assert.That(new ServerOptions { TrustedProxies = ["127.0.0.1"] }.IsForThisMachineOnly, Is.False);
    }

    [Test]
    public void TheSetting_TakesEveryKind_AlsoWithCommasInAVariable()
    {
        const string Value = "127.0.0.1:0, unix:/run/a.sock,mode=660,proxy, [::1]:0,proxy";
        RunSettings settings = Read([], ("LISTEN", Value), ("TRUSTED_PROXY", "10.0.0.0/8, unix"))!;
        Assert.That(settings.Server.ListenEndPoints.Single().ToString(), Is.EqualTo("127.0.0.1:0"));
        Assert.That(string.Join(' ', settings.Server.Listeners), Is.EqualTo("unix:/run/a.sock,proxy [::1]:0,proxy"));
        Assert.That(settings.Server.Listeners[0].SocketMode, Is.EqualTo((UnixFileMode)0b110_110_000));
        Assert.That(settings.Server.TrustedProxies, Is.EqualTo(["10.0.0.0/8", "unix"]));
        Assert.That(Read(["--listen", "2000,proxy"]), Is.Null, "it needs --trusted-proxy");
    }

    private static void AssertError(string words, ListenAddress address) =>
        Assert.That(new ServerOptions { Listeners = [address] }.FindError(), Does.Contain(words));

    private static RunSettings? Read(string[] arguments, params (string Name, string Value)[] variables) =>
        CommandRun.Of(arguments, variables: variables).Result.Settings;
}

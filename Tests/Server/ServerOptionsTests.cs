// The options as an embedding program sees them: they can be set until a server is made, the server keeps a copy, and a wrong value is
// named.

using System.Net;
using System.Reflection;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class ServerOptionsTests
{
    private static readonly PropertyInfo[] Settable =
        [.. typeof(ServerOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(static property => property.CanWrite)];

    [Test]
    public void EveryOption_CanBeSet_LikeServicesConfigureDoesIt()
    {
        Assert.That(Settable.Where(static property => property.SetMethod!.ReturnParameter.GetRequiredCustomModifiers().Length > 0),
            Is.Empty, "init only");
        Assert.That(Settable, Has.Length.GreaterThan(20));
        ServerOptions options = new();
        Action<ServerOptions> configure = static options => options.MessageBytesMax = 5;
        configure(options);
        Assert.That(options.MessageBytesMax, Is.EqualTo(5));
    }

    [Test]
    public async Task WhatIsChangedAfterwards_HasNoEffectOnTheServer([ValueSource(typeof(Setup), nameof(Setup.All))] Setup setup)
    {
        List<IPEndPoint> endPoints = [new IPEndPoint(IPAddress.Loopback, 0)];
        List<string> subprotocols = ["chat"], endpoints = ["/chat"];
        ServerOptions options = new()
        {
            ListenEndPoints = endPoints,
            Subprotocols = subprotocols,
            Endpoints = endpoints,
            Transport = setup.Transport,
            Loops = setup.Loops,
        };
        await using WebSocketServer server = new(options, new EchoApplication());
        options.MessageBytesMax = 1;
        endPoints[0].Address = IPAddress.Parse("192.0.2.1"); // an address that this machine does not have
        endPoints.Clear();
        subprotocols[0] = "other";
        endpoints[0] = "/other";
        await server.StartAsync();

        Assert.That(server.EndPoints.Select(static endPoint => endPoint.Address), Is.EqualTo([IPAddress.Loopback]));
        using RawClient client = RawClient.Connect(server.EndPoints[0].Port);
        client.Send($"GET /chat HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Protocol: chat\r\n\r\n");
        string head = client.ReadHead();
        Assert.That(head, Does.StartWith("HTTP/1.1 101 ").And.Contain("Sec-WebSocket-Protocol: chat\r\n"));
        client.SendText("longer than one byte");
        Assert.That(client.ReadText(), Is.EqualTo("longer than one byte"));
    }

    [Test]
    public async Task TheServersOwnOptions_CannotBeChanged_AndACopyOfThemCan()
    {
        await using WebSocketServer server =
            new(new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)], Loops = 1 }, new EchoApplication());
        foreach (PropertyInfo property in Settable)
        {
            TargetInvocationException? thrown = Assert.Throws<TargetInvocationException>(
                () => property.SetValue(server.Options, property.GetValue(server.Options)), property.Name);
            Assert.That(thrown!.InnerException, Is.InstanceOf<InvalidOperationException>(), property.Name);
        }

        ServerOptions copy = server.Options with { Loops = 3 };
        copy.MessageBytesMax = 7;
        Assert.That((copy.Loops, copy.MessageBytesMax, server.Options.Loops), Is.EqualTo((3, 7, 1)));
        Assert.That(server.Options == copy, Is.False);
        Assert.That(() => copy.GetHashCode(), Throws.Nothing);
    }

    [Test]
    public void Null_IsRefused_WhereItIsNoValue()
    {
        ServerOptions options = new();
        Assert.That(() => options.AllowedOrigins = null!, Throws.ArgumentNullException);
        Assert.That(() => options.ListenEndPoints = null!, Throws.ArgumentNullException);
        Assert.That(() => options.LoggerFactory = null!, Throws.ArgumentNullException);
        Assert.That(() => options.TimeProvider = null!, Throws.ArgumentNullException);
        options.Endpoints = null;
    }

    [TestCaseSource(nameof(Wrong))]
    public void AWrongValue_IsNamed(ServerOptions options, string error)
    {
        Assert.That(options.FindError(), Is.EqualTo(error));
        Assert.That(() => new WebSocketServer(options, new EchoApplication()), Throws.ArgumentException.With.Message.Contains(error));
    }

    private static IEnumerable<TestCaseData> Wrong()
    {
        yield return Case(new() { ListenEndPoints = [] }, "ListenEndPoints: at least one address is needed.");
        yield return Case(new() { ListenEndPoints = [null!] }, "ListenEndPoints: one of them is null.");
        yield return Case(new() { AllowedHosts = ["a.example", null!] }, "AllowedHosts: one of them is null.");
        yield return Case(new() { Transport = (TransportKind)9 }, "Transport: there is no such transport as 9.");
        yield return Case(new() { Loops = 0 }, "Loops: 1 to 1024, not 0.");
        yield return Case(new() { MessageTimeout = TimeSpan.Zero }, "MessageTimeout: 0.001 to 86400 seconds, not 0.");
        yield return Case(new() { Heartbeat = TimeSpan.FromSeconds(-1) }, "Heartbeat: 0.001 to 86400 seconds, not -1.");
        yield return Case(new() { DrainCloseCode = 1000 }, "DrainCloseCode: 1001 or 1012, not 1000.");
        yield return Case(new() { DrainSpread = TimeSpan.FromSeconds(-1) }, "DrainSpread: 0 to 86400 seconds, not -1.");
        yield return Case(new() { Subprotocols = ["a b"] },
            "Subprotocols: \"a b\" is no token of HTTP, which the name of a subprotocol must be.");
        yield return Case(new() { Endpoints = [] }, "Endpoints: at least one path is needed, or null for every path.");
        yield return Case(new() { Endpoints = ["chat"] }, "Endpoints: \"chat\" is no path: it must begin with a slash.");
        yield return Case(new() { Pages = [new(null!, default, "")] }, "Pages: a page has no path.");
        yield return Case(new() { Pages = [new("/", default, null!)] },
            "Pages: the content security policy of \"/\" must be printable ASCII.");
        yield return Case(new() { PingText = "\ud800" }, "PingText: it has half of a surrogate pair, which cannot be UTF-8.");
        yield return Case(new() { Pages = [new("", default, "")] }, "Pages: \"\" is no path: it must begin with a slash.");
        yield return Case(new() { Pages = [new("/a", new byte[1], ""), new("/a", new byte[2], "")] },
            "Pages: there are two of the path \"/a\".");
        yield return Case(new() { Pages = [new("/", default, "x\r\nSet-Cookie: y")] },
            "Pages: the content security policy of \"/\" must be printable ASCII.");

        static TestCaseData Case(ServerOptions options, string error) => new TestCaseData(options, error).SetArgDisplayNames(error);
    }

    [Test]
    public async Task PagesAndEndpoints_AreTheApplications([ValueSource(typeof(Setup), nameof(Setup.All))] Setup setup)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication(), static options => options with
        {
            Endpoints = ["/", "/rooms/"],
            Pages =
                [new HttpPage("/help", "<p>help"u8.ToArray(), "default-src 'none'"), new HttpPage("/rooms/", "<p>rooms"u8.ToArray(), "")],
        });
        Assert.That(Upgrade("/"), Does.StartWith("HTTP/1.1 101 "));
        Assert.That(Upgrade("/rooms/1"), Does.StartWith("HTTP/1.1 101 "));
        Assert.That(Upgrade("/rooms/"), Does.StartWith("HTTP/1.1 101 "));
        Assert.That(Upgrade("/room"), Does.StartWith("HTTP/1.1 404 "));
        Assert.That(Upgrade("/help"), Does.StartWith("HTTP/1.1 404 "));
        Assert.That(Get("/help"), Does.StartWith("HTTP/1.1 200 ").And.Contain(
            "Content-Security-Policy: default-src 'none'\r\n").And.EndsWith("\r\n\r\n<p>help"));
        Assert.That(Get("/rooms/"), Does.StartWith("HTTP/1.1 200 ").And.EndsWith("<p>rooms"));
        Assert.That(Get("/rooms/1"), Does.StartWith("HTTP/1.1 426 "));
        Assert.That(Get("/"), Does.StartWith("HTTP/1.1 426 "));
        Assert.That(Get("/other"), Does.StartWith("HTTP/1.1 404 "));

        string Upgrade(string path)
        {
            using RawClient client = RawClient.Connect(server.Port);
            client.Send($"GET {path} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            return client.ReadHead();
        }

        string Get(string path)
        {
            using RawClient client = RawClient.Connect(server.Port);
            client.Send($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            return client.ReadToEnd();
        }
    }
}

// Listening on a socket file, over both transports: who connects, what is seen of him, the file's mode, and what becomes of files that are
// there before.

using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using RawWs.Server;
using RawWs.Server.Listening;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture(TransportKind.Epoll)]
[TestFixture(TransportKind.Socket)]
[Platform("Linux")]
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class SocketFileTests(TransportKind transport)
{
    private string _folder = "";

    private string Path => System.IO.Path.Combine(_folder, "a.sock");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task ASocketFile_IsListenedOn_AndRemovedAtTheStop()
    {
        using RecordedLog log = new(LogLevel.Information);
        ReportedEcho echo = new();
        await using WebSocketServer server = Make(echo, log, new ListenAddress(Path) { SocketMode = (UnixFileMode)0b110_110_000 });
        await server.StartAsync();
        Assert.That((server.Addresses.Single().ToString(), server.EndPoints.Count), Is.EqualTo(("unix:" + Path, 0)));
        Assert.That(File.GetUnixFileMode(Path), Is.EqualTo((UnixFileMode)0b110_110_000));
        using (RawClient client = RawClient.Connect(Path))
        {
            client.Open();
            client.SendText(new string('x', 300_000)); // more than a socket takes at once
            Assert.That(client.ReadText(), Has.Length.EqualTo(300_000));
            Assert.That((await echo.Opened()).RemoteEndPoint, Is.EqualTo(new IPEndPoint(IPAddress.Any, 0)));
            client.Send(RawWs.Frame.Opcode.Close, []);
            Assert.That(client.ReadClose().Code, Is.Null);
        }

        log.WaitFor($"from unix:{Path} ended: closed by peer: PeerClosed", "clean");
        await server.StopAsync(TimeSpan.Zero);
        Assert.That(File.Exists(Path), Is.False);
    }

    [Test]
    public async Task ByDefault_OnlyTheOwnerMayConnect()
    {
        await using WebSocketServer server = Make(new ReportedEcho(), null, new ListenAddress(Path));
        await server.StartAsync();
        Assert.That(File.GetUnixFileMode(Path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Test]
    public async Task AFileThatAKilledServerHasLeft_IsReplaced_AndOneThatIsListenedOnIsNot()
    {
        using (Socket left = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(Path));
            left.Listen();
            File.Move(Path, Path + "2"); // so that it is there when its listener is gone
        }

        File.Move(Path + "2", Path);
        await using WebSocketServer server = Make(new ReportedEcho(), null, new ListenAddress(Path));
        await server.StartAsync();
        using RawClient client = RawClient.Connect(Path);
        client.Open();

        Assert.That(await WhyNot(Path), Is.EqualTo($"cannot listen on unix:{Path}: another program listens on it"));
        using RawClient further = RawClient.Connect(Path);
        further.Open(); // it has done no harm
    }

    [Test]
    public async Task WhatCannotBeListenedOn_IsASentence()
    {
        await File.WriteAllTextAsync(Path, "a letter");
        Assert.That(await WhyNot(Path), Is.EqualTo($"cannot listen on unix:{Path}: a file is there that is no socket"));
        Assert.That(await File.ReadAllTextAsync(Path), Is.EqualTo("a letter"));
        string lost = System.IO.Path.Combine(_folder, "none", "a.sock");
        Assert.That(await WhyNot(lost), Is.EqualTo($"cannot listen on unix:{lost}: there is no such directory"));
    }

    [Test]
    public async Task AProxyBehindASocketFile_TellsItsClient_IfSocketFilesAreTrusted()
    {
        ReportedEcho echo = new();
        await using WebSocketServer server = new(
            new ServerOptions
            {
                ListenEndPoints = [],
                Listeners = [new ListenAddress(Path) { HasProxyHeader = true }, new ListenAddress(Path + "2")],
                TrustedProxies = ["unix"],
                Transport = transport,
                Loops = 1,
            },
            echo);
        await server.StartAsync();
        using RawClient byHeader = RawClient.Connect(Path);
        byHeader.Send("PROXY TCP6 2001:db8::1 ::1 1 2\r\n");
        byHeader.Open();
        Assert.That((await echo.Opened()).RemoteEndPoint.ToString(), Is.EqualTo("[2001:db8::1]:1"));
        using RawClient byField = RawClient.Connect(Path + "2");
        byField.Open(fields: "X-Forwarded-For: 203.0.113.1, unix:\r\nX-Forwarded-For: 203.0.113.2\r\n");
        Assert.That((await echo.Opened()).RemoteEndPoint.ToString(), Is.EqualTo("203.0.113.2:0"));
    }

    private WebSocketServer Make(ReportedEcho echo, RecordedLog? log, ListenAddress address)
    {
        ServerOptions options = new() { ListenEndPoints = [], Listeners = [address], Transport = transport, Loops = 1 };
        return new WebSocketServer(log is null ? options : options with { LoggerFactory = log }, echo);
    }

    private async Task<string> WhyNot(string path)
    {
        await using WebSocketServer server = Make(new ReportedEcho(), null, new ListenAddress(path));
        ListenException? failure = null;
        try
        {
            await server.StartAsync();
        }
        catch (ListenException exception)
        {
            failure = exception;
        }

        Assert.That(failure?.Address.SocketPath, Is.EqualTo(path));
        return failure!.Message;
    }
}

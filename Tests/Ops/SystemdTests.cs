// The program under a service manager, which the tests play: what it tells, what it does when a loop hangs, and the sockets that it is
// handed. And the units in docs/ops, by systemd's own tools.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Applications;
using RawWs.Server.Console.Systemd;
using RawWs.Tests.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Ops;

[Platform("Linux")]
public sealed class SystemdTests
{
    private string _folder = "";

    private string[] Certificate => ["--tls-cert", Path.Combine(_folder, "tls.crt"), "--tls-key", Path.Combine(_folder, "tls.key")];

    [SetUp]
    public void MakeCertificate()
    {
        _folder = Directory.CreateTempSubdirectory("rawws-systemd").FullName;
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        TestCertificate.Write(certificate, _folder);
    }

    [TearDown]
    public void RemoveCertificate() => Directory.Delete(_folder, recursive: true);

    // While nobody accepts, clients wait in the sockets. Who was accepted a moment before the stop is upgraded, and told to come back.
    [TestCase("epoll")]
    [TestCase("socket")]
    public void ARestartUnderConnectLoad_RefusesNobody(string transport)
    {
        using ServiceManager manager = new();
        int plain = manager.Listen(), tls = manager.Listen();
        string[] arguments = ["--listen", $"127.0.0.1:{plain}", "--listen", $"wss://127.0.0.1:{tls}", "--app", "echo",
            "--transport", transport, .. Certificate];
        using ConnectLoad load = new(plain, tls);
        using RunningProgram first = manager.Start(":", arguments);
        load.WaitForMore(200);
        first.Stop();
        int servedByFirst = load.Served;
        using RunningProgram second = manager.Start(":", arguments);
        load.WaitForMore(200);
        int refused = load.Stop();
        second.Stop();
        TestContext.Out.WriteLine($"{servedByFirst} and {load.Served - servedByFirst} served, {refused} refused");
        Assert.That((refused, load.Broken), Is.EqualTo((0, (string?)null)));
        Assert.That((first.ExitCode, second.ExitCode), Is.EqualTo((0, 0)), first.Errors + second.Errors);
        Assert.That(first.Output, Does.Contain(
            $"127.0.0.1:{tls} is listened on already by the service manager's socket \"socket1\""));
    }

    [TestCaseSource(typeof(Setup), nameof(Setup.All))]
    public async Task WhoIsInHisHandshakeAtTheStop_IsUpgraded_AndToldToComeBack(Setup setup)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await using TestServer server = await TestServer.Start(setup, new EchoApplication(), options => options with
        {
            ListenEndPoints = [(IPEndPoint)listener.LocalEndPoint!],
            ListeningSockets = [listener],
        });
        using RawClient client = RawClient.Connect(server.Port);
        client.Send("GET / HTTP/1.1\r\n");
        TestServer.Eventually(() => server.Server.Count == 1, "it is accepted");
        Task stopped = server.Server.StopAsync(TimeSpan.FromSeconds(30));
        client.Send($"{RawClient.Upgrade}\r\n");
        Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1001));
        client.Dispose();
        await stopped.WaitAsync(TestServer.Patience);
    }

    [TestCase(false)]
    [TestCase(true)]
    public void TheManager_IsToldOfTheStart_OfReloads_OfLife_AndOfTheStop(bool isAbstract)
    {
        using ServiceManager manager = new(isAbstract);
        using RunningProgram program =
            manager.Start("export WATCHDOG_USEC=200000 WATCHDOG_PID=$$", ["--listen", "wss://127.0.0.1:0", .. Certificate]);
        Assert.That(manager.ReadNotice(), Is.EqualTo("READY=1\nSTATUS=serving"));
        WaitFor("WATCHDOG=1");
        long before = Microseconds();
        program.Signal(1);
        string reloading = WaitFor("RELOADING=1\nMONOTONIC_USEC=");
        Assert.That(long.Parse(reloading.Split('=')[2], CultureInfo.InvariantCulture), Is.InRange(before, Microseconds()));
        WaitFor("READY=1");
        program.Signal(15);
        WaitFor("STOPPING=1");
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.Zero, program.Errors);

        // The signs of life come between the others.
        string WaitFor(string beginning)
        {
            long since = Stopwatch.GetTimestamp();
            string notice = manager.ReadNotice();
            while (notice == "WATCHDOG=1" && beginning != notice && Stopwatch.GetElapsedTime(since) < TestServer.Patience)
                notice = manager.ReadNotice();
            Assert.That(notice, Does.StartWith(beginning));
            return notice;
        }

        static long Microseconds() => (long)(Stopwatch.GetTimestamp() * (1e6 / Stopwatch.Frequency));
    }

    [TestCaseSource(typeof(Setup), nameof(Setup.All))]
    public async Task ALoopThatHangs_DoesNotCountAsLife(Setup setup)
    {
        using ServiceManager manager = new();
        FakeTimeProvider time = new();
        using ManualResetEventSlim hangs = new(), goesOn = new();
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler((_, _, _) =>
        {
            hangs.Set();
            goesOn.Wait(TestServer.Patience);
            return ValueTask.CompletedTask;
        }));
        using ServiceNotices notices = new(manager.NoticesAddress, time, NullLogger.Instance);
        using Watchdog watchdog = new(server.Server, TimeSpan.FromSeconds(30), time, notices);
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.That(manager.ReadNotice(), Is.EqualTo("WATCHDOG=1"));
        using (RawClient client = RawClient.Open(server.Port))
        {
            client.SendText("hang");
            Assert.That(hangs.Wait(TestServer.Patience), "the message has come");
            for (int i = 0; i < 4; i++) time.Advance(TimeSpan.FromSeconds(15));
            Assert.That(manager.Notices.Available, Is.Zero);
            goesOn.Set();
        }

        Assert.That(manager.ReadNotice(), Is.EqualTo("WATCHDOG=1"));
    }

    [TestCase("epoll")]
    [TestCase("socket")]
    public void ASocketFile_IsHandedOverToo_AndStaysAfterTheProgram(string transport)
    {
        using ServiceManager manager = new();
        string path = manager.ListenOnFile();
        using RunningProgram program = manager.Start(":", "--listen", $"unix:{path}", "--transport", transport);
        using (RawClient client = RawClient.Connect(path)) client.Open();
        program.Stop();
        Assert.That((program.ExitCode, File.Exists(path)), Is.EqualTo((0, true)), program.Errors);
    }

    [Test]
    public void WhatWasHandedOver_AndCannotBeUsed_IsAnError()
    {
        using ServiceManager manager = new();
        int port = manager.Listen();
        AssertFails(manager.Start(":", "--listen", "127.0.0.1:0"),
            $"cannot start: a socket that was handed over listens on 127.0.0.1:{port}, which is none of the addresses");
        AssertFails(manager.Start("exec 3</dev/null", "--listen", $"127.0.0.1:{port}"),
            "cannot start: descriptor 3 (\"socket0\") from the service manager is no socket that listens for TCP or on a socket file");
        AssertFails(manager.Start("export LISTEN_FDS=two"), "cannot start: LISTEN_FDS is no number");

        static void AssertFails(RunningProgram program, string problem)
        {
            program.WaitForExit();
            Assert.That((program.ExitCode, program.Errors), Is.EqualTo((1, $"rawws: {problem}\n")));
            program.Dispose();
        }
    }

    [Test]
    public void WhatIsMeantForAnotherProcess_IsLeftAlone()
    {
        using ServiceManager manager = new();
        manager.Listen();
        using RunningProgram program = manager.Start(
            "export LISTEN_PID=1 NOTIFY_SOCKET=/nowhere/at/all WATCHDOG_USEC=1 WATCHDOG_PID=1", "--listen", "127.0.0.1:0", "--app", "echo");
        RawClient.Open(program.WaitForPort()).Dispose();
        program.Stop();
        Assert.That(program.ExitCode, Is.Zero, program.Errors);
        Assert.That(program.CountLines("the service manager cannot be told of anything"), Is.EqualTo(1), program.Output);
    }

    // The exposure is from 0 to 100; what a network server needs leaves some.
    [Test]
    public void TheUnits_AreRight_AndExposeLittle()
    {
        string tool = Tools.Require("systemd-analyze");
        foreach (string name in (string[])["rawws.service", "rawws.socket"])
            File.WriteAllText(Path.Combine(_folder, name),
                Repository.Read("docs", "ops", name).Replace("/opt/rawws/rawws ", "/bin/true ", StringComparison.Ordinal));
        string service = Path.Combine(_folder, "rawws.service");
        Assert.That(Run(tool, "verify", service, Path.Combine(_folder, "rawws.socket")), Is.EqualTo((0, "")));
        (int exitCode, string said) = Run(tool, "security", "--offline=true", "--threshold=15", service);
        Assert.That(exitCode, Is.Zero, said);

        static (int ExitCode, string Said) Run(string tool, params string[] arguments)
        {
            (int exitCode, string output, string errors) = Tools.Run(tool, arguments);
            return (exitCode, output + errors);
        }
    }
}

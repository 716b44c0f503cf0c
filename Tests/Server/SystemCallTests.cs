// Every system call of the server's fails, from its start or later: docs/system-calls.md is the table of what it does then. The program is
// the built one; the kernel refuses it the call by a filter (Tests/Denials). What is looked at: it says what has failed, or ends with a
// sentence and exit code 1; it serves whom it can; it does not go round and round; and SIGTERM ends it.

using System.Text;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture]
[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
public sealed partial class SystemCallTests
{
    private const int Eperm = 1, Eintr = 4, Eio = 5, Ebadf = 9, Enomem = 12, Eacces = 13, Ebusy = 16, Einval = 22, Enfile = 23, Emfile = 24,
        Enospc = 28, Epipe = 32,
        Enosys = 38, Ebadr = 53, Eproto = 71, Eopnotsupp = 95, Enetdown = 100, Enetunreach = 101, Econnaborted = 103, Econnreset =
            104, Enobufs = 105,
        Enotconn = 107, Etimedout = 110;

    [OneTimeSetUp]
    public void Setup()
    {
        using RunningProgram program = RunningProgram.StartDenied("", "--version");
        program.WaitForExit();
        if (program.ExitCode != 0) Tools.Missing("seccomp");
    }

    [TestCase("epoll", Eperm, "EPERM")]
    [TestCase("epoll", Emfile, "EMFILE")]
    [TestCase("epoll", Enfile, "ENFILE")]
    [TestCase("epoll", Enobufs, "ENOBUFS")]
    [TestCase("epoll", Enomem, "ENOMEM")]
    [TestCase("epoll", Einval, "EINVAL")]
    [TestCase("epoll", 200, "errno 200")]
    [TestCase("epoll", Econnaborted, "ECONNABORTED")] // of the connection's own: but not for ever
    [TestCase("epoll", Eproto, "EPROTO")]
    [TestCase("epoll", Enetdown, "ENETDOWN")]
    [TestCase("epoll", Enetunreach, "ENETUNREACH")]
    [TestCase("epoll", Eopnotsupp, "EOPNOTSUPP")]
    [TestCase("epoll", Eintr, "EINTR")]
    [TestCase("socket", Eperm, "AccessDenied")]
    [TestCase("socket", Emfile, "TooManyOpenSockets")]
    [TestCase("socket", Enobufs, "NoBufferSpaceAvailable")]
    [TestCase("socket", Enetdown, "NetworkDown")]
    [TestCase("socket", Eproto, "SocketError")]
    [TestCase("socket", 200, "SocketError")]
    public void Accept4_BacksOff_AndOthersAreServed(string transport, int error, string named)
    {
        using RunningProgram program = Start(transport);
        using RawClient other = RawClient.Open(program.WaitForPort());
        program.Deny($"accept4:{error}");
        using RawClient waiting = RawClient.Connect(program.WaitForPort());
        TestServer.Eventually(() => program.CountLines("accept backs off for 1000 ms") > 0, "it waits, longer and longer");
        Assert.That(program.Output, Does.Contain($"{(transport == "epoll" ? "accept4" : "accept")} failed with {named}"));
        Assert.That(program.CountLines("accept backs off"), Is.LessThan(10), "said once a second");
        ServesAndEnds(program, other);
    }

    // The probe before it accepts again.
    [Test]
    public void Eventfd_WhileAcceptBacksOff_IsSaid()
    {
        using RunningProgram program = Start("epoll");
        program.WaitForPort();
        program.Deny($"accept4:{Eperm} eventfd2:{Enfile}");
        using RawClient waiting = RawClient.Connect(program.WaitForPort());
        TestServer.Eventually(() => program.CountLines("eventfd failed with ENFILE") > 0, "it is said");
        ProcessView.Rests(program.Id);
        Ends(program);
    }

    [TestCase("epoll_ctl:28:1=1", "epoll_ctl failed with ENOSPC")]
    [TestCase("epoll_ctl:12:1=1", "epoll_ctl failed with ENOMEM")]
    public void EpollCtlAdd_EndsTheConnection_AndOthersAreServed(string denials, string said)
    {
        using RunningProgram program = Start("epoll");
        using RawClient other = RawClient.Open(program.WaitForPort());
        program.Deny(denials);
        using RawClient late = RawClient.Connect(program.WaitForPort());
        Assert.That(IsOver(late));
        TestServer.Eventually(() => program.CountLines(said) == 1, "the connection's line says why");
        ServesAndEnds(program, other);
    }

    // Its answers fill the kernel: it would have to wait for room.
    [Test]
    public void EpollCtlMod_EndsTheConnection_AndOthersAreServed()
    {
        using RunningProgram program = Start("epoll");
        using RawClient other = RawClient.Open(program.WaitForPort());
        using Flooder flooder = new(program.WaitForPort(), "/", RawClient.Frame(Opcode.Binary, new byte[60_000]));
        program.Deny($"epoll_ctl:{Enomem}:1=3");
        TestServer.Eventually(
            () =>
            {
                flooder.Push();
                return program.CountLines("epoll_ctl failed with ENOMEM") == 1;
            },
            "the connection's line says why");
        ServesAndEnds(program, other);
    }

    // Its gate is closed and it is reset: what nobody reads would be told for ever.
    [Test]
    public void EpollCtlDel_EndsTheConnection_AndOthersAreServed()
    {
        using RunningProgram program = Start("epoll");
        using RawClient other = RawClient.Open(program.WaitForPort());
        program.Deny($"epoll_ctl:{Eperm}:1=2");
        using (Flooder flooder = new(program.WaitForPort(), "/", RawClient.Frame(Opcode.Binary, new byte[60_000])))
        {
            for (int i = 0; i < 100; i++) flooder.Push();
        }

        TestServer.Eventually(() => program.CountLines(" ended: ") == 1, "it has ended");
        ServesAndEnds(program, other);
    }

    [TestCase(Ebadf, "EBADF")]
    [TestCase(Einval, "EINVAL")]
    [TestCase(Eperm, "EPERM")]
    public void EpollWait_IsSaidOnceASecond_AndSigtermEnds(int error, string named)
    {
        using RunningProgram program = Start("epoll");
        using RawClient client = RawClient.Open(program.WaitForPort());
        Echoes(client);
        program.Deny($"epoll_wait:{error} epoll_pwait:{error}");
        client.SendText("wakes it");
        TestServer.Eventually(() => program.CountLines($"epoll_wait failed with {named}") > 2, "it is said, and said again");
        ProcessView.Rests(program.Id);
        Ends(program);
    }

    [TestCase("recvfrom", Econnreset, "")]
    [TestCase("recvfrom", Etimedout, "")]
    [TestCase("recvfrom", Eperm, "recv failed with EPERM")]
    [TestCase("recvfrom", Enomem, "recv failed with ENOMEM")]
    [TestCase("recvfrom", Enobufs, "recv failed with ENOBUFS")]
    [TestCase("recvfrom", Ebadf, "recv failed with EBADF")]
    [TestCase("sendto", Epipe, "")]
    [TestCase("sendto", Eperm, "send failed with EPERM")]
    [TestCase("sendto", Enobufs, "send failed with ENOBUFS")]
    [TestCase("sendto", Enomem, "send failed with ENOMEM")]
    public void ACallOnOneConnection_EndsThatOne_AndOthersAreServed(string call, int error, string said)
    {
        FailOne("epoll", descriptor => $"{call}:{error}:0={descriptor}", "fails", $", reason \"{said}\"");
    }

    [TestCase(Epipe, "")]
    [TestCase(Enobufs, "send failed with ENOBUFS")]
    public void SendmsgOfALargeEcho_EndsThatConnection_AndOthersAreServed(int error, string said)
    {
        FailOne("epoll", descriptor => $"sendmsg:{error}:0={descriptor}", new string('x', 20_000), $", reason \"{said}\"");
    }

    // Over System.Net.Sockets.
    [TestCase("recv", Econnreset)]
    [TestCase("recv", Eperm)]
    [TestCase("recv", Enobufs)]
    [TestCase("recv", Enomem)]
    [TestCase("send", Epipe)]
    [TestCase("send", Eperm)]
    [TestCase("send", Enobufs)]
    [TestCase("send", Enomem)]
    public void ACallOnOneConnection_OverSockets_EndsThatOne_AndOthersAreServed(string call, int error)
    {
        string second = call == "recv" ? "recvmsg" : "sendmsg";
        string first = call == "recv" ? "recvfrom" : "sendto";
        FailOne("socket", descriptor => $"{first}:{error}:0={descriptor} {second}:{error}:0={descriptor}", "fails", said: " ended: ");
    }

    // The last acts of a connection: nothing can be done about them but to go on, and not to hear of its descriptor again.
    [TestCase("epoll", "shutdown", Enotconn)]
    [TestCase("epoll", "shutdown", Eperm)]
    [TestCase("epoll", "close", Eintr)]
    [TestCase("epoll", "close", Eio)]
    [TestCase("epoll", "close", Eperm)]
    [TestCase("socket", "shutdown", Eperm)]
    [TestCase("socket", "close", Eio)]
    public void TheLastActs_AreGoneWithout(string transport, string call, int error)
    {
        using RunningProgram program = Start(transport);
        using RawClient victim = RawClient.Open(program.WaitForPort()), other = RawClient.Open(program.WaitForPort());
        Echoes(victim);
        program.Deny($"{call}:{error}:0={ProcessView.DescriptorOf(program.Id, victim.Socket)}");
        victim.Send(Opcode.Close, [0x03, 0xE8]);
        Assert.That(victim.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Close));
        victim.Dispose();
        TestServer.Eventually(() => program.CountLines(" ended: closed by peer") == 1, "it has ended");
        ServesAndEnds(program, other);
    }

    // A reset asks for it; and a connection that is set up. It ends, and begins, without.
    [TestCase("epoll")]
    [TestCase("socket")]
    public void Setsockopt_IsGoneWithout(string transport)
    {
        using RunningProgram program = Start(transport, "", "--message-timeout", "0.2");
        program.WaitForPort();
        program.Deny($"setsockopt:{Eperm}");
        using RawClient client = RawClient.Open(program.WaitForPort());
        Echoes(client);
        ProcessView.Rests(program.Id);
        Ends(program);
    }

    // The loop that is to be told sleeps in the kernel.
    [Test]
    public void WriteToTheEventfd_IsGoneWithout_ALoopIsWokenAnotherWay(
        [Values("write:1:2=8", "write:1:2=8 epoll_ctl:1:1=3")] string denials)
    {
        using RunningProgram program = Start("epoll", "", "--loops", "2");
        using RawClient one = RawClient.Open(program.WaitForPort()), two = RawClient.Open(program.WaitForPort());
        Echoes(one);
        Echoes(two);
        ProcessView.Rests(program.Id);
        program.Deny(denials);
        Ends(program);
    }

    [TestCase(Eperm, "EPERM")]
    [TestCase(Ebusy, "EBUSY")]
    [TestCase(Ebadr, "EBADR")]
    [TestCase(Enosys, "ENOSYS")]
    public void IoUringEnter_EachSendIsACallFromThereOn(int error, string named)
    {
        using RunningProgram program = Start("epoll", "", "--loops", "1");
        int port = program.WaitForPort();
        if (!program.Output.Contains("io_uring", StringComparison.Ordinal)) Tools.Missing("io_uring");
        using RawClient first = RawClient.Open(port), second = RawClient.Open(port);
        program.Deny($"io_uring_enter:{error}");
        string said = $"io_uring_enter failed with {named}: each send is a call of its own from here on";
        TestServer.Eventually(
            () =>
            {
                first.SendText("together");
                second.SendText("together");
                Assert.That((first.ReadText(), second.ReadText()), Is.EqualTo(("together", "together")));
                return program.CountLines(said) == 1;
            },
            "two were of one turn");
        ProcessView.Rests(program.Id);
        Ends(program);
    }

    private static RunningProgram Start(string transport, string denials = "", params string[] arguments)
    {
        RunningProgram program = RunningProgram.StartDenied(
            denials,
                ["--listen", "127.0.0.1:0", "--app", "echo", "--heartbeat", "0", "--transport", transport, "--drain", "0.5", .. arguments]);
        program.WaitForPort();
        return program;
    }

    // The calls fail for one of two connections, with the next that it sends.
    private static void FailOne(string transport, Func<int, string> denials, string sent, string said)
    {
        using RunningProgram program = Start(transport);
        using RawClient victim = RawClient.Open(program.WaitForPort()), other = RawClient.Open(program.WaitForPort());
        Echoes(victim);
        program.Deny(denials(ProcessView.DescriptorOf(program.Id, victim.Socket)));
        victim.SendText(sent);
        Assert.That(IsOver(victim));
        TestServer.Eventually(() => program.CountLines(" ended: ") == 1, "it has ended");
        Assert.That(program.Output, Does.Contain(said));
        ServesAndEnds(program, other);
    }

    private static void Echoes(RawClient client)
    {
        client.SendText("still here?");
        Assert.That(client.ReadText(), Is.EqualTo("still here?"));
    }

    // It does not go round and round, others are served, and SIGTERM ends it.
    private static void ServesAndEnds(RunningProgram program, RawClient other)
    {
        ProcessView.Rests(program.Id);
        Echoes(other);
        Ends(program);
    }

    private static bool IsOver(RawClient client)
    {
        try
        {
            return !Encoding.ASCII.GetString([.. client.ReadToEnd().Select(static c => (byte)c)])
                .Contains("fails", StringComparison.Ordinal);
        }
        catch (System.Net.Sockets.SocketException exception)
        {
            return exception.SocketErrorCode == System.Net.Sockets.SocketError.ConnectionReset;
        }
    }

    private static void Ends(RunningProgram program)
    {
        program.Stop();
        Assert.That((program.ExitCode, program.Errors), Is.EqualTo((0, "")));
    }
}

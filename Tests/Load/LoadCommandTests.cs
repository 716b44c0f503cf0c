// What the load command says when it cannot do what it is told: one line, and an exit code.

using System.Net;
using System.Net.Sockets;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Load;

[Platform("Linux")]
public sealed class LoadCommandTests
{
    [TestCase("one URL is needed", new string[0])]
    [TestCase("one URL is needed", new[] { "ws://127.0.0.1:1/", "ws://127.0.0.1:2/" })]
    [TestCase("http://127.0.0.1/ is no URL", new[] { "http://127.0.0.1/" })]
    [TestCase("wss://127.0.0.1/ is no URL", new[] { "wss://127.0.0.1/" })]
    [TestCase("nonsense is no URL", new[] { "nonsense" })]
    [TestCase("--conn is no option", new[] { "ws://127.0.0.1:1/", "--conn", "5" })]
    [TestCase("--conns needs a value", new[] { "ws://127.0.0.1:1/", "--conns" })]
    [TestCase("--conns 0: allowed: a whole number from 1 to 19500", new[] { "ws://127.0.0.1:1/", "--conns", "0" })]
    [TestCase("--conns 19501: allowed", new[] { "ws://127.0.0.1:1/", "--conns", "19501" })]
    [TestCase("--conns: at most 19500", new[] { "ws://127.0.0.1:1/", "--conns", "19500", "--mode", "broadcast" })]
    [TestCase("--mode loud: allowed: echo, broadcast, idle, connect", new[] { "ws://127.0.0.1:1/", "--mode", "loud" })]
    [TestCase("--mode 1: allowed", new[] { "ws://127.0.0.1:1/", "--mode=1" })]
    [TestCase("--json takes no value", new[] { "ws://127.0.0.1:1/", "--json=yes" })]
    [TestCase("--rate -1: allowed", new[] { "ws://127.0.0.1:1/", "--rate", "-1" })]
    [TestCase("--seconds NaN: allowed", new[] { "ws://127.0.0.1:1/", "--seconds", "NaN" })]
    [TestCase("--rate: only with --mode echo or broadcast", new[] { "ws://127.0.0.1:1/", "--mode", "idle", "--rate", "5" })]
    [TestCase("--pairs: only with", new[] { "ws://127.0.0.1:1/", "--conns", "3", "--pairs" })]
    [TestCase("--prefix: with 5 bytes it does not fit", new[] { "ws://127.0.0.1:1/", "--prefix", "%d::::", "--size", "4", "--conns", "2" })]
    [TestCase("--pid 4194305: there is no such process", new[] { "ws://127.0.0.1:1/", "--pid", "4194305" })]
    [TestCase("compare: --cells: there is no echo", new[] { "compare", "--cells", "echo" })]
    [TestCase("compare: --only: there is no apache", new[] { "compare", "--only", "apache" })]
    [TestCase("compare: --reference: apache is not among the servers", new[] { "compare", "--reference", "apache" })]
    [TestCase("compare: --server x: allowed: NAME=COMMAND with {port} in it", new[] { "compare", "--server", "x" })]
    [TestCase("compare: --server: there are two of the name rawws", new[] { "compare", "--server", "rawws=true {port}" })]
    [TestCase("compare: --rounds 0: allowed", new[] { "compare", "--rounds", "0" })]
    [TestCase("compare: ws://127.0.0.1:1/ is no option", new[] { "compare", "ws://127.0.0.1:1/" })]
    [TestCase("attack: the name of an attack is needed", new[] { "attack" })]
    [TestCase("attack: there is no burst; --list has them", new[] { "attack", "burst" })]
    [TestCase("attack: there is no burst; --list has them", new[] { "attack", "burst-all", "burst" })]
    [TestCase("attack: there is no all; --list has them", new[] { "attack", "all", "relay" })]
    [TestCase("attack: --conns is no option", new[] { "attack", "relay", "--conns", "5" })]
    [TestCase("attack: --readers 9001: allowed: a whole number from 0 to 9000", new[] { "attack", "relay", "--readers", "9001" })]
    [TestCase("attack: --attackers 0: allowed", new[] { "attack", "relay", "--attackers", "0" })]
    [TestCase("attack: --rounds needs a value", new[] { "attack", "relay", "--rounds" })]
    [TestCase("attack: --transport kqueue: allowed: auto, epoll, socket", new[] { "attack", "relay", "--transport", "kqueue" })]
    [TestCase("attack: --server true: allowed: a command with {port} in it", new[] { "attack", "relay", "--server", "true" })]
    [TestCase("attack: --seconds 301: allowed: seconds from 0 to 300", new[] { "attack", "relay", "--seconds", "301" })]
    public void WrongArguments_AreNamedInOneLine(string says, string[] arguments)
    {
        LoadOutcome outcome = LoadOutcome.Of(arguments);
        Assert.That(outcome.ExitCode, Is.EqualTo(2), outcome.Output);
        Assert.That(outcome.Error, Does.StartWith("load ").Or.StartWith("load: ").And.Contains(says));
        Assert.That(outcome.Error.Count(static c => c == '\n'), Is.EqualTo(1));
    }

    [TestCase("--conns N", new[] { "--help" })]
    [TestCase("--server NAME=CMD", new[] { "compare", "--help" })]
    [TestCase("--attackers N", new[] { "attack", "--help" })]
    public void Help_ListsTheOptions(string option, string[] arguments)
    {
        LoadOutcome outcome = LoadOutcome.Of(arguments);
        Assert.That((outcome.ExitCode, outcome.Error), Is.EqualTo((0, "")));
        Assert.That(outcome.Output, Does.Contain(option));
    }

    [Test]
    public void APortThatNobodyListensOn_IsToldInOneLine()
    {
        using Socket taken = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        string address = taken.LocalEndPoint!.ToString()!;
        Assert.That(LoadOutcome.Of($"ws://{address}/"), Is.EqualTo(
            new LoadOutcome(1, "", $"load: cannot connect to {address} (1 of 100): Connection refused.{Environment.NewLine}")));
    }

    [Test]
    public async Task AnAnswerOtherThan101_IsToldInOneLine()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new RouterApplication(Introduce.Query, DuplicateUid.Share));
        LoadOutcome outcome = LoadOutcome.Of($"ws://127.0.0.1:{server.Port}/?uid=all", "--conns", "1");
        Assert.That(outcome, Is.EqualTo(
            new LoadOutcome(1, "", $"load: 127.0.0.1:{server.Port} answers HTTP/1.1 400 Bad Request, not 101.{Environment.NewLine}")));
    }

    [Test]
    public void ASilentServer_EndsTheRunAtItsDeadline()
    {
        using ManualResetEventSlim end = new();
        using HandmadeServer server = new(_ => HandmadePeer.Wait(end));
        LoadOutcome outcome = LoadOutcome.Of(server.Url, "--conns", "1", "--messages", "1", "--timeout", "0.2");
        end.Set();
        Assert.That(outcome, Is.EqualTo(new LoadOutcome(1, "", $"load: the run is not over after 0.2 s.{Environment.NewLine}")));
    }
}

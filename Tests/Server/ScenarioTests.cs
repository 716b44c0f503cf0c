// The scenarios, with clients that others have written: node's ws, and the framework's own.

using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server.Applications;
using RawWs.Server.Console.Scenarios;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class ScenarioTests
{
    // The code with which node's ws closes where that is not the rule's: 1000 after a message that it has taken for a good one.
    private static readonly Dictionary<Rule, int> OfWs = new()
    {
        [FrameRules.NonMinimalLength] = 1000,
        [FrameRules.TooManyFragments] = 1000,
        [FrameRules.LengthTopBitSet] = 1009,
    };

    // And the handshakes that it takes though it should not.
    private static readonly string[] TakenByWs = ["http-1.0"];

    private readonly RecordedLog _log = new(LogLevel.Debug);
    private readonly FakeTimeProvider _time = new();
    private TestServer _server = null!;

    // Real time, but for what is to be waited for: a scenario's clock stands still there.
    private TestServer _slowServer = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _server = await Start(TimeProvider.System);
        _slowServer = await Start(_time);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _server.DisposeAsync();
        await _slowServer.DisposeAsync();
    }

    [Test]
    public void EveryRule_HasBytesThatBreakIt_OrOnlyAClientCan()
    {
        Assert.That(BadFrames.All.Select(static row => row.Rule), Is.EqualTo(FrameRules.All));
        foreach (BadFrame row in BadFrames.All)
        {
            if (row.Rule == FrameRules.UnmaskedClientFrame)
            {
                Assert.That(row.Bytes.IsEmpty);
                continue;
            }

            // Whoever decompresses judges that one.
            if (row.Rule == FrameRules.CompressedDataMalformed) continue;
            WebSocketProtocol protocol = new(
                Role.Client, new ProtocolLimits(), row.NeedsDeflate ? ReservedBits.Rsv1 : ReservedBits.None);
            Assert.That(ProtocolRun.Of(protocol, row.Bytes.ToArray(), []).Rule, Is.EqualTo(row.Rule));
        }
    }

    [Test]
    public void NodeWs_SeesEachScenario()
    {
        string[] paths =
        [
            "/close/1000", "/close/4123?reason=caf%C3%A9", "/close/none", "/close/1005", "/fragment?n=40", "/ping?every=0.01",
            "/slow?bytes-per-second=2000", "/burst?n=500&size=70", "/drop", "/drop?how=fin", "/plain",
        ];
        Dictionary<string, JsonNode> seen = RunWs(paths);
        Assert.Multiple(() =>
        {
            Assert.That(Code("/close/1000"), Is.EqualTo(1000));
            Assert.That(Code("/close/4123?reason=caf%C3%A9"), Is.EqualTo(4123));
            Assert.That(Code("/close/none"), Is.EqualTo(1005));
            Assert.That(Code("/close/1005"), Is.EqualTo(1006).Or.EqualTo(1002), "a code that may not be sent");
            Assert.That(Texts("/fragment?n=40"), Is.EqualTo(new[] { "one message, cut into pieces: é 中 😀", "hello" }));
            Assert.That((int)seen["/ping?every=0.01"]["pings"]!, Is.GreaterThanOrEqualTo(3));
            Assert.That(Texts("/slow?bytes-per-second=2000"), Is.EqualTo(new[] { "a few bytes at a time", "hello" }));
            Assert.That(Texts("/burst?n=500&size=70")[..2], Is.EqualTo(new[] { "0" + new string('.', 69), "1" + new string('.', 69) }));
            Assert.That((int)seen["/burst?n=500&size=70"]["count"]!, Is.EqualTo(500));
            Assert.That(Code("/burst?n=500&size=70"), Is.EqualTo(1000));
            Assert.That((Code("/drop"), Code("/drop?how=fin")), Is.EqualTo((1006, 1006)));
            Assert.That(Texts("/plain"), Is.EqualTo(new[] { "hello" }), "the program's own");
            foreach (string path in paths) Assert.That((bool)seen[path]["open"]!, path);
        });
        _log.WaitFor("scenario /close/4123: the client closed with 4123");

        int Code(string path) => (int)seen[path]["code"]!;
        string[] Texts(string path) => [.. seen[path]["texts"]!.AsArray().Select(static text => (string)text!)];
    }

    // To its own program ws says 1006 whenever it fails a connection. To the server it says why.
    [Test]
    public void NodeWs_JudgesEachBadFrame()
    {
        Rule[] rules = [.. BadFrames.All.Where(static row => !row.Bytes.IsEmpty).Select(static row => row.Rule)];
        RunWs([.. rules.Select(static rule => "/badframe/" + rule.Name)]);
        foreach (Rule rule in rules)
            _log.WaitFor($"/badframe/{rule.Name}: the client closed with {OfWs.GetValueOrDefault(rule, rule.CloseCode)}");
    }

    [Test]
    public void NodeWs_TakesNoFaultyHandshake_AndBearsTheOthers()
    {
        Dictionary<string, JsonNode> seen = RunWs([.. HandshakeFaults.All.Select(static fault => "/handshake/" + fault.Name)]);
        Assert.Multiple(() =>
        {
            foreach (HandshakeFault fault in HandshakeFaults.All)
                Assert.That((bool)seen["/handshake/" + fault.Name]["open"]!,
                    Is.EqualTo(fault.What.StartsWith("no fault", StringComparison.Ordinal) || TakenByWs.Contains(fault.Name)), fault.Name);
            Assert.That(seen["/handshake/early-message"]["texts"]!.ToJsonString(), Is.EqualTo("""["early","hello"]"""));
        });
    }

    // The framework's client checks other things than ws does.
    [TestCase("/handshake/wrong-accept")]
    [TestCase("/handshake/unasked-subprotocol")]
    [TestCase("/handshake/status-200")]
    public void TheFrameworksClient_TakesNoneOfThem(string path)
    {
        using ClientWebSocket client = new();
        Assert.That(() => Connect(client, path), Throws.InstanceOf<WebSocketException>());
    }

    [Test]
    public async Task TheFrameworksClient_SeesACloseWithItsReason_AndADrop()
    {
        using ClientWebSocket closed = new(), dropped = new();
        await Connect(closed, "/close/4001?reason=later");
        WebSocketReceiveResult result = await closed.ReceiveAsync(new byte[100], CancellationToken.None);
        Assert.That(((int?)result.CloseStatus, result.CloseStatusDescription), Is.EqualTo((4001, "later")));
        await Connect(dropped, "/drop?after=0.01");
        Assert.That(() => dropped.ReceiveAsync(new byte[100], CancellationToken.None), Throws.InstanceOf<WebSocketException>());
    }

    // The clock is the test's: so silence is what comes before the end of its time, and not what does not come for a while.
    [Test]
    public void Silence_AnswersNothing_NotEvenAClose_UntilItsTimeIsOver()
    {
        using RawClient client = RawClient.Open(_slowServer.Port, "/silence");
        client.SendText("hello");
        client.Send(Opcode.Ping, "are you there?"u8);
        client.Send(Opcode.Close, [0x03, 0xE8]);
        _slowServer.Pass(_time, ScenarioConnection.ResetAfter.TotalSeconds + 1);
        Assert.That(() => client.ReadFrame(), Throws.InstanceOf<System.Net.Sockets.SocketException>());
    }

    [Test]
    public void AScenarioThatGoesOn_IsOverAfterItsTime()
    {
        using RawClient client = RawClient.Open(_slowServer.Port, "/fragment?n=1");
        Assert.That(client.ReadText(), Does.StartWith("one message"));
        _slowServer.Pass(_time, ScenarioConnection.TimeMax.TotalSeconds + 1);
        Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)1000, "the scenario is over")));
    }

    [TestCase("/close/65536", "a whole number from 0 to 65535, or none")]
    [TestCase("/close/none?reason=x", "A reason needs a code")]
    [TestCase("/close/1000?reason=%FF", "reason must be at most 123 bytes of UTF-8")]
    [TestCase("/fragment?n=0", "n must be a whole number from 1 to 1000")]
    [TestCase("/fragment?n=2&n=3", "n is there 2 times")]
    [TestCase("/fragment?m=2", "It has: n.")]
    [TestCase("/silence?n=2", "This scenario has no parameters")]
    [TestCase("/ping?every=", "every must be seconds from 0.01 to 60")]
    [TestCase("/ping?every=1e1", "every must be seconds")]
    [TestCase("/slow?bytes-per-second=-1", "bytes-per-second must be a whole number from 1 to 1000000")]
    [TestCase("/drop?how=slowly", "how must be one of: rst, fin")]
    [TestCase("/burst?n=100000&size=1048576", "n times size must be at most 67108864")]
    [TestCase("/badframe/Nonsense", "There is no such rule")]
    [TestCase("/badframe/UnmaskedClientFrame", "a rule that only a client can break")]
    [TestCase("/badframe/ReservedBitsMisplaced", "needs a client that offers permessage-deflate")]
    [TestCase("/handshake/nonsense", "There is no such fault")]
    public void AWrongParameter_Is400_WithASentence(string path, string sentence)
    {
        using RawClient client = RawClient.Connect(_server.Port);
        client.Send($"GET {path} HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        string answer = client.ReadToEnd();
        Assert.That(answer, Does.StartWith("HTTP/1.1 400 ").And.Contain(sentence));
    }

    [Test]
    public async Task TheirNumber_IsBounded()
    {
        await using TestServer server = await Start(_time);
        List<RawClient> clients = [];
        for (int i = 0; i < ScenarioApplication.ConnectionsMax; i++) clients.Add(RawClient.Open(server.Port, "/silence"));
        using (RawClient one = RawClient.Connect(server.Port))
        {
            one.Send($"GET /burst HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            Assert.That(one.ReadToEnd(), Does.StartWith("HTTP/1.1 503 "));
        }

        foreach (RawClient client in clients) client.Reset();
        server.HoldsNothing(connections: 0);
        using RawClient another = RawClient.Open(server.Port, "/silence");
    }

    [Test]
    public void ThePage_ListsAllOfIt_WithoutAScript()
    {
        using RawClient client = RawClient.Connect(_server.Port);
        client.Send("GET /scenarios HTTP/1.1\r\nHost: localhost\r\n\r\n");
        string answer = client.ReadToEnd();
        Assert.That(answer, Does.StartWith("HTTP/1.1 200 ").And.Contain("default-src 'none'; style-src 'sha256-"));
        Assert.That(answer, Does.Not.Contain("<script"));
        foreach (string name in (IEnumerable<string>)[
            .. ScenarioTable.All.Select(static scenario => scenario.Path), ScenarioApplication.BurstPath,
            .. FrameRules.All.Select(static rule => rule.Name), .. HandshakeFaults.All.Select(static fault => fault.Name)])
            Assert.That(answer, Does.Contain($"<code>{name}"));
    }

    // The server breaks no rule: to its log these are answered requests.
    [Test]
    public void TheLog_HasNoVerdictOfOurs()
    {
        using (RawClient client = RawClient.Open(_server.Port, "/badframe/" + nameof(FrameRules.ReservedOpcode)))
        {
            client.Send(Opcode.Close, [0x03, 0xEB]);
            client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            client.ReadToEnd();
        }

        _log.WaitFor("/badframe/ReservedOpcode: the client closed with 1003");
        TestServer.Eventually(() => _server.Server.Count == 0, "all have gone");
        Assert.That(_log.All.Select(static line => line.Text), Has.Some.Contains("answered 101").And.None.Contains("ProtocolViolation"));
    }

    private Task<TestServer> Start(TimeProvider time) => TestServer.Start(
        Setup.All[0], new ScenarioApplication(new EchoApplication(), _log.CreateLogger("test")), options => options with
        {
            Pages = [ScenarioPage.Make()],
            LoggerFactory = _log,
            TimeProvider = time,
        });

    private async Task Connect(ClientWebSocket client, string path) =>
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{_server.Port}{path}"), CancellationToken.None).WaitAsync(TestServer.Patience);

    private Dictionary<string, JsonNode> RunWs(string[] paths)
    {
        Tools.RequireWs("Tests", "Node");
        (_, string output, string errors) = Tools.Run(
            Tools.Require("node"), [Repository.At("Tests", "Node", "scenarios.mjs"), $"ws://127.0.0.1:{_server.Port}", .. paths]);
        Dictionary<string, JsonNode> seen = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonNode.Parse(line)!).ToDictionary(static line => (string)line["path"]!);
        Assert.That(seen.Keys, Is.EquivalentTo(paths), errors);
        return seen;
    }
}

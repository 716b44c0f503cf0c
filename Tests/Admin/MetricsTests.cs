// The metrics against what clients did: totals that fit to the byte, ends by cause and code, refusals, samples, as
// Prometheus reads them. How the instruments are read is in InstrumentsTests.

using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using RawWs.Benchmarks.Load;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class MetricsTests
{
    private static readonly Uri Path = new("/metrics", UriKind.Relative);

    [Test]
    public async Task Traffic_IsWhatTheReportsSay_AndNeverGoesBack()
    {
        Reports application = new();
        await using AdminRoom room = await AdminRoom.Open(application: application);
        double before = 0;
        for (int i = 0; i < 40; i++)
        {
            RawClient client = room.Enter();
            for (int j = 0; j <= i % 5; j++) client.SendText("hello");
            for (int j = 0; j <= i % 5; j++) client.ReadText();
            double now = await Value(room, "rawws_server_messages_total", "network_io_direction=\"receive\"");
            Assert.That(now, Is.GreaterThanOrEqualTo(before));
            before = now;
            if (i % 2 == 0) client.Send(Opcode.Close, [3, 232]);
            if (i % 2 == 0) client.ReadClose();
            client.Dispose();
        }

        TestServer.Eventually(() => room.Server.Count == 0, "all have ended");
        await Eventually(room, "rawws_server_messages_total", application.Sum(static report => report.MessagesIn), "=\"receive\"");
        await Eventually(room, "rawws_server_messages_total", application.Sum(static report => report.MessagesOut), "=\"transmit\"");
        await Eventually(room, "rawws_server_io_bytes_total", application.Sum(static report => report.BytesIn), "=\"receive\"");
        await Eventually(room, "rawws_server_io_bytes_total", application.Sum(static report => report.BytesOut), "=\"transmit\"");
        await Eventually(room, "rawws_server_closes_total", 20, "cause=\"PeerClosed\"", "code=\"1000\"");
        await Eventually(room, "rawws_server_closes_total", 20, "cause=\"PeerVanished\"", "code=\"none\"");
        await Eventually(room, "rawws_server_connection_duration_seconds_count", 20, "cause=\"PeerClosed\"");
        await Eventually(room, "rawws_server_handshake_duration_seconds_count", 40);
    }

    [Test]
    public async Task ConnectionsUidsAndMemory_AreThoseOfNow()
    {
        await using AdminRoom room = await AdminRoom.Open(static options => options with { ConnectionsMax = 77 });
        room.Enter("alice");
        room.Enter("alice");
        using RawClient silent = RawClient.Connect(room.Server.EndPoints[0].Port);
        TestServer.Eventually(() => room.Server.Count == 3, "all are there");
        await Eventually(room, "rawws_server_active_connections", 2, "phase=\"open\"");
        await Eventually(room, "rawws_server_active_connections", 1, "phase=\"handshake\"");
        await Eventually(room, "rawws_server_connections_limit", 77);
        await Eventually(room, "rawws_server_uids", 1);
        await Eventually(room, "rawws_server_memory_limit_bytes", room.Server.HeldBytesMax);
        await Eventually(room, "rawws_server_memory_usage_bytes", room.Server.HeldBytes);
    }

    [Test]
    public async Task WhatWaits_AndWhoIsSlow()
    {
        // However slow this machine is, no time passes in which a client that takes nothing is given up.
        await using AdminRoom room = await AdminRoom.Open(static options => options with { TimeProvider = new FakeTimeProvider() });
        room.Enter("slow", receiveBuffer: 4096);
        WebSocketConnection slow = room.Server.Directory.Find("slow")[0];
        TestServer.Eventually(
            () => slow.TrySend(MessageKind.Binary, new byte[100_000]) == SendResult.Full && slow.IsStalled, "the kernel takes no more");
        await Eventually(room, "rawws_server_slow_connections", 1, "level=\"full\"");
        await Eventually(room, "rawws_server_queued_bytes", slow.QueuedBytes);
        await Eventually(room, "rawws_server_queued_messages", slow.Queue.Count(slow).Queued);
    }

    // Each number is another, so that none can stand for another.
    [Test]
    public async Task Messages_AreCountedByOpcode()
    {
        await using AdminRoom room = await AdminRoom.Open(application: new EchoApplication());
        RawClient one = room.Enter(), two = room.Enter();
        for (int i = 0; i < 5; i++) one.SendText("text");
        for (int i = 0; i < 3; i++) one.Send(Opcode.Binary, new byte[i * 40_000]);
        for (int i = 0; i < 8; i++) one.ReadFrame();
        for (int i = 0; i < 2; i++) room.Server.TryBroadcast(MessageKind.Binary, [1]);
        room.Server.TryBroadcast(MessageKind.Text, "to all"u8);
        room.Server.TryBroadcast(MessageKind.Binary, new byte[10_000]);
        for (int i = 0; i < 4; i++) (one.ReadFrame(), two.ReadFrame()).ToString();
        await Eventually(room, "rawws_server_messages_total", 5, "=\"receive\"", "opcode=\"text\"");
        await Eventually(room, "rawws_server_messages_total", 3, "=\"receive\"", "opcode=\"binary\"");
        await Eventually(room, "rawws_server_messages_total", 5 + 2, "=\"transmit\"", "opcode=\"text\"");
        await Eventually(room, "rawws_server_messages_total", 3 + 6, "=\"transmit\"", "opcode=\"binary\"");
    }

    // For a client that reads nothing; when it has gone, what waited for it is dropped too.
    [Test]
    public async Task WhatIsDropped_IsMeasured_AndTheSumsAreRight(
        [Values(SlowConsumer.DropOldest, SlowConsumer.DropNewest)] SlowConsumer policy)
    {
        await using AdminRoom room = await AdminRoom.Open(options => options with
        {
            SlowConsumer = policy,
            SendBufferBytesMax = 100_000,
            Loops = 1,
            TimeProvider = new FakeTimeProvider(),
        });
        RawClient client = room.Enter("slow", receiveBuffer: 4096);
        WebSocketConnection slow = room.Server.Directory.Find("slow")[0];
        int sent = 0;
        // The kernel takes some megabytes, and never says how many: it is full when something still waits after turns of the loop.
        for (int full = 0; full < 3; full = slow.QueuedBytes > 0 ? full + 1 : 0)
        {
            for (long most = slow.Life.MessagesDropped + 20; slow.Life.MessagesDropped < most; sent++)
            {
                Assert.That(slow.IsOpen);
                slow.TrySend(MessageKind.Binary, new byte[30_000]);
            }

            for (int turn = 0; turn < 2; turn++) await room.Server.WhenLoopsRespond();
        }

        await Eventually(room, "rawws_server_messages_total", sent, "=\"transmit\"");
        await Eventually(room, "rawws_server_drops_total", slow.Life.MessagesDropped, "reason=\"slow\"");
        JsonElement report = (await room.Get($"/v1/connections/{slow.Id}")).GetProperty("report");
        Assert.That((report.GetProperty("messagesOut").GetInt64(), report.GetProperty("messagesDropped").GetInt64()),
            Is.EqualTo((sent, slow.Life.MessagesDropped)));
        client.Reset();
        TestServer.Eventually(() => room.Server.Count == 0, "it has ended");
        Assert.That(await Value(room, "rawws_server_queued_messages"), Is.Zero);
        await Eventually(room, "rawws_server_drops_total", static dropped => dropped > 0, "reason=\"ended\"");
        Assert.That(await Value(room, "rawws_server_drops_total"), Is.LessThan(sent));
    }

    // By reason; and of no reason is an address.
    [Test]
    public async Task WhoeverIsStoppedByALimit_IsMeasuredByReason()
    {
        await using AdminRoom room = await AdminRoom.Open(
            static options => options with { ConnectionsPerAddressMax = 2, MessageRate = new(1, 1) });
        RawClient client = room.Enter("alice");
        room.Enter("bob");
        client.SendText("bob:1");
        await Eventually(room, "rawws_server_delays_total", 1, "reason=\"messages\"");
        int port = room.Server.EndPoints[0].Port;
        RawClient[] further = [.. Enumerable.Range(0, 7).Select(_ => RawClient.Connect(port))];
        await Eventually(room, "rawws_server_turned_away_total", 3, "reason=\"address_connections\"");
        await Eventually(room, "rawws_server_turned_away_total", 3);
        further[0].Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        await Eventually(room, "rawws_server_refusals_total", 1, "reason=\"TooManyFromAddress\"", "=\"429\"");
        foreach (RawClient one in further) one.Dispose();
        Assert.That(await room.Http.GetStringAsync(Path), Does.Not.Contain("127.0.0."));
    }

    [Test]
    public async Task Refusals_HaveTheirRule_AndCodesThatPeersChooseShareASeries()
    {
        await using AdminRoom room = await AdminRoom.Open();
        using (RawClient client = RawClient.Connect(room.Server.EndPoints[0].Port))
        {
            client.Send("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 12\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
            client.ReadToEnd();
        }

        foreach (ushort code in (ushort[])[3456, 3457, 4999])
        {
            RawClient client = room.Enter();
            client.Send(Opcode.Close, [(byte)(code >> 8), (byte)code]);
            client.ReadClose();
            client.Dispose();
        }

        await Eventually(room, "rawws_server_refusals_total", 1, "http_response_status_code=\"426\"");
        await Eventually(room, "rawws_server_closes_total", 2, "code=\"3xxx\"");
        await Eventually(room, "rawws_server_closes_total", 1, "code=\"4xxx\"");
        Assert.That(await room.Http.GetStringAsync(Path), Does.Not.Contain("\"3456\"").And.Not.Contain("127.0.0.1"));
    }

    [Test]
    public async Task Samples_AreTakenOnceASecond()
    {
        FakeTimeProvider time = new();
        await using AdminRoom room = await AdminRoom.Open(options => options with { TimeProvider = time, Loops = 1 });
        room.Enter();
        for (int i = 1; i <= 3; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Eventually(room, "rawws_server_loop_lag_seconds_count", i);
            if (OperatingSystem.IsLinux()) await Eventually(room, "rawws_server_round_trip_seconds_count", i);
        }

        if (OperatingSystem.IsLinux())
            Assert.That(await Value(room, "rawws_server_loop_processor_time_seconds_total", "loop=\"0\""), Is.GreaterThan(0));
    }

    [Test]
    public async Task SendsOfTheAdminPort_AreMeasured()
    {
        await using AdminRoom room = await AdminRoom.Open();
        room.Enter("alice");
        await room.Post("/v1/send", """{"uids":["alice","bob"],"text":"hi"}""");
        await Eventually(room, "rawws_admin_send_fan_out_count", 1);
        await Eventually(room, "rawws_admin_send_fan_out_sum", 1);
        await Eventually(room, "rawws_admin_send_offline_total", 1);
    }

    // What never was a connection is no end of one.
    [Test]
    public async Task WhatEndsBeforeItIsOpen_IsAHandshakeThatFailed_AndNoClose()
    {
        await using AdminRoom room = await AdminRoom.Open(static options => options with
        {
            TlsEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Certificates = TestCertificate.ForLocalhost,
        });
        int plain = room.Server.Addresses.First(static address => !address.IsTls).EndPoint!.Port;
        int tls = room.Server.Addresses.First(static address => address.IsTls).EndPoint!.Port;
        using (RawClient client = RawClient.Connect(tls))
        {
            client.Send("GET / HTTP/1.1\r\n\r\n");
            client.ReadToEnd();
        }

        for (int i = 0; i < 2; i++) RawClient.Connect(plain).Dispose();
        RawClient open = room.Enter();
        open.Send(Opcode.Close, [3, 232]);
        open.ReadClose();
        await Eventually(room, "rawws_server_handshake_failures_total", 1, "cause=\"TlsFailed\"");
        await Eventually(room, "rawws_server_handshake_failures_total", 2, "cause=\"PeerVanished\"");
        await Eventually(room, "rawws_server_closes_total", 1, "cause=\"PeerClosed\"");
        Assert.That(await Value(room, "rawws_server_closes_total"), Is.EqualTo(1));
        Assert.That(await Value(room, "rawws_server_handshake_failures_total"), Is.EqualTo(3));
    }

    private static Task Eventually(AdminRoom room, string name, double expected, params string[] labels) =>
        Eventually(room, name, found => found == expected, labels);

    private static async Task Eventually(AdminRoom room, string name, Func<double, bool> isRight, params string[] labels)
    {
        using CancellationTokenSource patience = new(TestServer.Patience);
        double found;
        while (!isRight(found = await Value(room, name, labels)))
            Assert.That(patience.IsCancellationRequested, Is.False, $"{name} is {found}");
    }

    // The sum of the samples with this name and all these labels.
    private static async Task<double> Value(AdminRoom room, string name, params string[] labels)
    {
        string text = await room.Http.GetStringAsync(Path);
        return MetricsText.Read(text).Where(sample => sample.Name == name && labels.All(sample.Labels.Contains))
            .Sum(static sample => sample.Value);
    }

    /// <summary>Echoes, and keeps the reports.</summary>
    private sealed class Reports : IWebSocketApplication
    {
        private readonly List<CloseReport> _reports = [];

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
        {
            connection.TrySend(message);
            return ValueTask.CompletedTask;
        }

        public void OnClose(WebSocketConnection connection, CloseReport report)
        {
            lock (_reports) _reports.Add(report);
        }

        public long Sum(Func<CloseReport, long> value)
        {
            lock (_reports) return _reports.Sum(value);
        }
    }
}

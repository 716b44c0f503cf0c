// The observer over memory, where every cut is met: whatever the kernel takes and when, whatever is dropped or replaced on the way, what
// was told is what went over the wire. And what else is told: phases, timers, the level of the send queue.

using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture]
public sealed class ObservationOverMemoryTests
{
    [Test]
    public async Task WhateverHappens_EveryByteIsTold([Range(1, 60)] int seed)
    {
        Random random = new(seed);
        await using MemoryConnection memory = new(new EchoApplication(), options => options with { SendBufferBytesMax = 20_000 });
        using Observation observation = Observe(memory);
        List<byte> arrived = [];
        Dictionary<long, ObservedStreams> told = [];
        for (int step = 0; step < 60; step++)
        {
            memory.Step(random, mayDrop: step > 50, Arrive);

            Compare($"seed {seed}, step {step}");
        }

        memory.Room = int.MaxValue;
        memory.BecomeWritable();
        Compare($"seed {seed}, the end");
        Assert.That(told[1].Of(ConnectionEventKind.FrameSent).Sum(static one => one.Header.HeaderLength + (long)one.Header.PayloadLength),
            Is.EqualTo(memory.Taken.Length), "the frames are all that was sent");

        void Arrive(byte[] bytes)
        {
            arrived.AddRange(bytes);
            memory.Arrive([.. bytes]);
        }

        void Compare(string when)
        {
            ObservedStreams.Drain(observation, told);
            Assert.That(told[1].Received, Is.EqualTo(arrived), when);
            Assert.That(told[1].Sent, Is.EqualTo(memory.Taken), when);
        }
    }

    // A log is called in the middle of things, and sends. The observer is told in the order of the wire all the same.
    [Test]
    public async Task BesideALogThatSends_EveryByteIsTold()
    {
        ThrowingLog loggers = new(Throwing.Never);
        await using MemoryConnection memory = new(new EchoApplication(), options => options with { LoggerFactory = loggers });
        using Observation observation = Observe(memory);
        int lines = 0;
        loggers.Called = line =>
        {
            if (++lines < 30) memory.Connection.TrySend(MessageKind.Text, "line"u8);
            else if (lines == 30) memory.Connection.Close(4000, "enough");
        };
        List<byte> arrived = [];
        Dictionary<long, ObservedStreams> told = [];
        for (int i = 0; i < 40 && memory.WantsBytes; i++)
        {
            byte[] frames = [.. RawClient.Frame(Opcode.Text, "one"u8), .. RawClient.Frame(Opcode.Ping, "two"u8),
                .. RawClient.Frame(Opcode.Binary, new byte[1500])];
            arrived.AddRange(frames);
            memory.Room = i % 3 == 0 ? 700 : int.MaxValue;
            memory.Arrive([.. frames]);
            memory.Room = int.MaxValue;
            memory.BecomeWritable();
        }

        ObservedStreams.Drain(observation, told);
        Assert.That(lines, Is.GreaterThan(30));
        Assert.That(told[1].Received, Is.EqualTo(arrived));
        Assert.That(told[1].Sent, Is.EqualTo(memory.Taken));
        Assert.That(told[1].Of(ConnectionEventKind.FrameSent)
            .Sum(static one => one.Header.HeaderLength + (long)one.Header.PayloadLength), Is.EqualTo(memory.Taken.Length));
    }

    [Test]
    public async Task TheSendQueue_IsToldWhileTheKernelIsFull()
    {
        await using MemoryConnection memory = new(new EchoApplication());
        using Observation observation = Observe(memory);
        memory.Room = 500;
        foreach (int length in new[] { 1000, 200 })
        {
            memory.Connection.TrySend(MessageKind.Binary, new byte[length]);
            memory.Turn();
        }

        memory.Turn(); // nothing has changed
        memory.Room = 100;
        memory.BecomeWritable();
        memory.Room = int.MaxValue;
        memory.BecomeWritable();
        memory.Connection.TrySend(MessageKind.Binary, new byte[1000]);
        memory.Turn();
        List<long> levels = [];
        while (observation.TryRead(out ConnectionEvent? told))
            if (told.Kind == ConnectionEventKind.Queue) levels.Add(told.QueuedBytes);
        Assert.That(levels, Is.EqualTo([504, 708, 608, 0]));
    }

    [Test]
    public async Task PhasesAndTimers([Values(TransportKind.Auto, TransportKind.Socket)] TransportKind transport)
    {
        FakeTimeProvider time = new();
        await using TestServer server = await TestServer.Start(new Setup(transport, 1), new EchoApplication(),
            options => options with { TimeProvider = time, Heartbeat = TimeSpan.FromSeconds(4) });
        using Observation observation = await server.Server.ObserveAsync();
        using RawClient client = RawClient.Open(server.Port);
        server.Pass(time, 3);
        client.SendText("here");
        Assert.That(client.ReadText(), Is.EqualTo("here"));
        server.Pass(time, 4.5);
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(3008));
        client.Dispose();
        List<string> told = [];
        TestServer.Eventually(() =>
        {
            while (observation.TryRead(out ConnectionEvent? one))
            {
                if (one.Kind is ConnectionEventKind.FrameReceived or ConnectionEventKind.FrameSent or ConnectionEventKind.Queue) continue;
                told.Add(one.Kind switch
                {
                    ConnectionEventKind.PhaseChanged => $"{one.Phase} {one.Cause} {one.Code}".TrimEnd(),
                    ConnectionEventKind.TimerArmed => $"armed {one.Deadline} {Math.Round(one.Due.TotalSeconds)}",
                    ConnectionEventKind.TimerCame => $"came {one.Deadline}",
                    ConnectionEventKind.Request => $"Request {one.Length}",
                    ConnectionEventKind.TcpEnded => $"{one.Tcp}",
                    _ => $"{one.Kind}",
                });
            }

            return told[^1] == "Ended";
        }, "the end is told");
        Assert.That(told, Is.EqualTo(
        [
            "Begun", "armed Handshake 10", $"Request {18 + RawClient.Upgrade.Length}", "Open None", "armed Silence 4", "Opened",
            "came Silence", "armed Silence 3", "came Silence", "Closing Heartbeat 3008", "armed Close 5", "Draining Heartbeat 3008",
            "OwnFin", "PeerFin", "Ended Heartbeat 3008", "Ended",
        ]));
    }

    // Opened before, so its handshake is not told.
    private static Observation Observe(MemoryConnection memory)
    {
        Observation observation = new(new ObservationOptions { Payload = true, WaitingBytesMax = 1 << 30 }, 1, static _ => { });
        memory.Turn(() => memory.Loop.BeginObservation(observation));
        return observation;
    }
}

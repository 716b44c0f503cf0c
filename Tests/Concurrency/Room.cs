// Open connections over memory, each on a loop of its own: the library's own connections, send queues, budget and broadcasts.

using System.Text;
using Microsoft.Coyote.Specifications;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Memory;
using RawWs.Server.Sending;
using RawWs.Tests.Support;

namespace RawWs.Concurrency;

internal sealed class Room : IAsyncDisposable
{
    private const string Request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    private readonly WebSocketServer _server; // never started: it is what the connections report their ends to

    /// <param name="count">How many loops, with one connection each.</param>
    /// <param name="onMessage">What the connections' handler does.</param>
    /// <param name="fullBytes">From so many queued bytes on a send queue is full.</param>
    /// <param name="slowConsumer">What a full queue does.</param>
    public Room(int count, Action<Room, WebSocketConnection, WebSocketMessage>? onMessage = null, int fullBytes = 1024 * 1024,
        SlowConsumer slowConsumer = SlowConsumer.Close)
    {
        SendQueue.DropPooled(); // each schedule begins alike
        ServerOptions options = new()
        {
            Transport = TransportKind.Socket,
            Loops = 1,
            TimeProvider = new NoTime(),
            SendBufferBytesMax = fullBytes,
            SlowConsumer = slowConsumer,
        };
        IWebSocketApplication application = new Application(this, onMessage);
        _server = new WebSocketServer(options, application);
        ServerContext context = new(_server, options, application, _server.Budget);
        for (int i = 0; i < count; i++)
        {
            ModelLoop loop = new(i, options.TimeProvider, _server.Budget);
            ConnectionLoop shared = new(loop, context, options.TimeProvider);
            shared.Begin(options);
            WebSocketConnection member = new(i, shared, peer: default);
            MemoryChannel channel = new();
            member.Begin(channel, overLimit: false);
            loop.Turn(static () => { });
            loop.Turn(() => channel.Arrive(Encoding.ASCII.GetBytes(Request)));
            Specification.Assert(member.IsOpen, "the upgrade is through");
            channel.Taken.Clear();
            Loops.Add(loop);
            Members.Add(member);
            Channels.Add(channel);
            Shared.Add(shared);
        }

        Everybody = new EverybodySender([.. Shared], _server.Budget, extensions: null);
    }

    public List<ModelLoop> Loops { get; } = [];

    public List<ConnectionLoop> Shared { get; } = [];

    public List<WebSocketConnection> Members { get; } = [];

    public List<MemoryChannel> Channels { get; } = [];

    public EverybodySender Everybody { get; }

    public MemoryBudget Budget => _server.Budget;

    /// <summary>Runs the loops, each in a task, beside these; until these are done and nothing is left to do.</summary>
    public async Task RunBeside(params Task[] tasks)
    {
        Task[] running = [.. Loops.Select(static loop => loop.RunAsync())];
        await Task.WhenAll(tasks);
        foreach (ModelLoop loop in Loops) loop.End();
        await Task.WhenAll(running);
    }

    /// <summary>The kernel takes whatever comes, from now on. On the loop's thread, or when no loop runs.</summary>
    public void BecomeWritable(int member)
    {
        Channels[member].Room = int.MaxValue;
        ((ITransportOwner)Members[member]).OnWritable();
    }

    /// <summary>Posts the arrival of a text from a member's peer.</summary>
    public void PostText(int member, string text)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + text.Length];
        int length = FrameWriter.WriteMasked(frame, Opcode.Text, Encoding.ASCII.GetBytes(text), 0x01020304);
        Loops[member].Post(new Work(() => Channels[member].Arrive(frame[..length])));
    }

    /// <summary>Posts that a member's peer is gone.</summary>
    public void PostBreak(int member) => Loops[member].Post(new Work(() => Members[member].Transport.Break()));

    /// <summary>The data that a member's peer has been sent.</summary>
    public List<string> TextsOf(int member)
    {
        List<string> texts = [];
        byte[] taken = [.. Channels[member].Taken];
        for (int at = 0; at < taken.Length;)
        {
            FrameReader.TryRead(taken.AsSpan(at), out FrameHeader header);
            if (!header.IsControl) texts.Add(Encoding.ASCII.GetString(taken, at + header.HeaderLength, (int)header.PayloadLength));
            at += header.HeaderLength + (int)header.PayloadLength;
        }

        return texts;
    }

    /// <summary>
    /// A member has got these words of each sender, once each, and in the order in which he sent them. A word begins with its sender's
    /// letter.
    /// </summary>
    public void Check(int member, params string[] senders)
    {
        List<string> texts = TextsOf(member);
        int expected = senders.Sum(static words => words.Split(' ').Length);
        Specification.Assert(texts.Count == expected, $"member {member} got {string.Join(' ', texts)}");
        foreach (string words in senders)
        {
            string got = string.Join(' ', texts.Where(text => text[0] == words[0]));
            Specification.Assert(got == words, $"member {member} got {string.Join(' ', texts)}, and not {words} in this order");
        }
    }

    /// <summary>The peers are gone, and then nothing is held.</summary>
    public ValueTask DisposeAsync()
    {
        for (int i = 0; i < Loops.Count; i++)
        {
            int member = i;
            Loops[i].Turn(() => Members[member].Transport.Break());
            Loops[i].TurnWhileThereIsWork();
            Specification.Assert(Loops[i].Members.Count == 0, $"member {i} has left its loop");
        }

        Specification.Assert(Budget.HeldBytes == 0, $"{Budget.HeldBytes} bytes are held after the end");
        return default;
    }

    private sealed class Application(Room room, Action<Room, WebSocketConnection, WebSocketMessage>? onMessage) : IWebSocketApplication
    {
        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
        {
            onMessage?.Invoke(room, connection, message);
            return ValueTask.CompletedTask;
        }
    }
}

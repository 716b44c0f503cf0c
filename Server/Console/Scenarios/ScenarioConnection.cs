// One connection of a scenario. The server has given it away, and this is its whole protocol: the client's frames are read by
// WebSocketProtocol, and answered as the scenario says. It plays its part (Play), and then goes on as an echo until its time is over.
// The client's bytes come on the connection's loop; what is played runs on threads of the pool.

using System.Threading.Channels;
using RawWs.Frame;

namespace RawWs.Server.Console.Scenarios;

/// <summary>What one connection does.</summary>
internal sealed record ScenarioPart
{
    /// <summary>The answer to the request.</summary>
    public required ReadOnlyMemory<byte> Answer { get; init; }

    /// <summary>What happens when the answer is sent; null for nothing.</summary>
    public Func<ScenarioConnection, CancellationToken, Task>? Play { get; init; }

    /// <summary>Whether the client is listened to. If not, nothing that it sends is answered, not even a Close.</summary>
    public bool Listens { get; init; } = true;

    /// <summary>Whether permessage-deflate is agreed on, so that the client may mark its messages. None comes back then.</summary>
    public bool Deflates { get; init; }

    /// <summary>In how many frames a message comes back.</summary>
    public int Fragments { get; init; } = 1;

    /// <summary>How fast bytes are sent; 0 for at once.</summary>
    public int BytesPerSecond { get; init; }
}

internal sealed class ScenarioConnection : IRawHandler, IDisposable
{
    /// <summary>How long a scenario goes on at most.</summary>
    public static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(60);

    /// <summary>When the server ends it in any case.</summary>
    public static readonly TimeSpan ResetAfter = TimeMax + TimeSpan.FromSeconds(5);

    /// <summary>The largest message that comes back.</summary>
    public const int MessageBytesMax = 64 * 1024;

    private const int WaitingFramesMax = 64;

    private readonly ScenarioApplication _owner;
    private readonly string _name;
    private readonly ScenarioPart _part;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationToken _end;
    private readonly WebSocketProtocol _protocol;
    private readonly Channel<byte[]>? _slow;
    private readonly List<byte> _message = [];
    private byte[] _rest = [];
    private RawConnection _connection = null!;
    private bool _hasClosed;
    private int? _clientCode; // of its Close; 1005 for one without a code

    /// <param name="owner">Is told of the end.</param>
    /// <param name="name">The scenario's path, for the log.</param>
    /// <param name="part">What it does.</param>
    /// <param name="time">The clock.</param>
    public ScenarioConnection(ScenarioApplication owner, string name, ScenarioPart part, TimeProvider time)
    {
        (_owner, _name, _part, _time, _end) = (owner, name, part, time, _ended.Token);
        _protocol = new WebSocketProtocol(Role.Server, new ProtocolLimits { MessageBytesMax = MessageBytesMax },
            part.Deflates ? ReservedBits.Rsv1 : ReservedBits.None);
        if (part.BytesPerSecond > 0) _slow = Channel.CreateBounded<byte[]>(WaitingFramesMax);
    }

    public void OnBegin(RawConnection connection)
    {
        _connection = connection;
        _owner.Acquire();
        connection.TrySend(_part.Answer.Span);
        if (_slow is not null) _ = Guard(SendSlowlyAsync(_slow.Reader));
        _ = Guard(PlayAsync());
    }

    public void OnBytes(RawConnection connection, ReadOnlySpan<byte> bytes)
    {
        if (!_part.Listens) return;
        byte[] buffer = [.. _rest, .. bytes];
        int at = 0;
        while (true)
        {
            ProtocolEvent found = _protocol.Next(buffer.AsSpan(at), out int consumed);
            at += consumed;
            if (found.Kind == ProtocolEventKind.NeedMoreData) break;
            Handle(found);
            if (found.Kind is ProtocolEventKind.Close or ProtocolEventKind.Fail) return;
        }

        _rest = buffer[at..];
    }

    public void OnEnd(RawConnection connection)
    {
        _ended.Cancel();
        _slow?.Writer.TryComplete();
        _owner.OnEnded(connection, _name, _clientCode);
        Dispose();
    }

    public void Dispose() => _ended.Dispose();

    /// <summary>Sends bytes as they are, at the scenario's speed. Any thread.</summary>
    public void Send(byte[] bytes)
    {
        // A client that sends much and takes nothing is not worth more memory.
        bool isTaken = _slow is null ? _connection.TrySend(bytes) == SendResult.Queued : _slow.Writer.TryWrite(bytes);
        if (!isTaken) _connection.Abort();
    }

    /// <summary>Sends a frame, as a server does. Any thread.</summary>
    public void Send(Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
        Send(frame[..FrameWriter.Write(frame, opcode, payload, fin)]);
    }

    /// <summary>Sends a message in so many frames (§5.4). Any thread.</summary>
    public void SendFragments(Opcode opcode, ReadOnlySpan<byte> payload, int count)
    {
        for (int i = 0; i < count; i++)
        {
            int start = (int)((long)payload.Length * i / count), end = (int)((long)payload.Length * (i + 1) / count);
            Send(i == 0 ? opcode : Opcode.Continuation, payload[start..end], fin: i == count - 1);
        }
    }

    /// <summary>Sends the last bytes: nothing that the client sends is answered any more, and with its Close the connection ends.</summary>
    public void SendLast(byte[] bytes)
    {
        if (!Interlocked.Exchange(ref _hasClosed, true)) Send(bytes);
    }

    /// <summary>Waits.</summary>
    public Task Wait(TimeSpan time, CancellationToken token) => Task.Delay(time, _time, token);

    /// <summary>Ends the stream.</summary>
    public void End() => _connection.End();

    /// <summary>Resets the connection.</summary>
    public void Abort() => _connection.Abort();

    private void Handle(in ProtocolEvent found)
    {
        bool mayAnswer = !Volatile.Read(ref _hasClosed);
        switch (found.Kind)
        {
            case ProtocolEventKind.Ping when mayAnswer:
                Send(Opcode.Pong, found.Payload);
                break;
            case ProtocolEventKind.Message or ProtocolEventKind.MessageChunk:
                _message.AddRange(found.Payload);
                if (found.Kind == ProtocolEventKind.MessageChunk && !found.EndOfMessage) break;
                if (mayAnswer) SendFragments((Opcode)found.MessageKind, [.. _message], _part.Fragments);
                _message.Clear();
                break;
            case ProtocolEventKind.Close:
                _clientCode = found.CloseCode ?? CloseCodes.NoStatusReceived;
                EndWith(found.CloseCode is { } code && CloseCodes.MaySend(Role.Server, code) ? code : null);
                break;
            case ProtocolEventKind.Fail:
                EndWith(found.Rule!.CloseCode);
                break;
        }
    }

    private void EndWith(ushort? code)
    {
        SendLast(CloseFrame(code, []));
        if (_slow is null) _connection.End();
        else _slow.Writer.TryComplete(); // it ends when all is sent
    }

    /// <summary>A Close frame with any code, also one that may not be sent.</summary>
    public static byte[] CloseFrame(int? code, ReadOnlySpan<byte> reason)
    {
        byte[] payload = code is { } number ? [(byte)(number >> 8), (byte)number, .. reason] : [];
        return [0x88, (byte)payload.Length, .. payload];
    }

    private async Task PlayAsync()
    {
        if (_part.Play is not null) await _part.Play(this, _end).ConfigureAwait(false);
        await Wait(TimeMax, _end).ConfigureAwait(false);
        if (_part.Listens) SendLast(CloseFrame(CloseCodes.NormalClosure, "the scenario is over"u8));
    }

    private async Task SendSlowlyAsync(ChannelReader<byte[]> frames)
    {
        int piece = Math.Max(1, _part.BytesPerSecond / 10);
        TimeSpan pause = TimeSpan.FromSeconds((double)piece / _part.BytesPerSecond);
        await foreach (byte[] frame in frames.ReadAllAsync(_end).ConfigureAwait(false))
        {
            for (int at = 0; at < frame.Length; at += piece)
            {
                await Wait(pause, _end).ConfigureAwait(false);
                if (_connection.TrySend(frame.AsSpan(at, Math.Min(piece, frame.Length - at))) == SendResult.Queued) continue;
                _connection.Abort();
                return;
            }
        }

        _connection.End();
    }

    // A client that goes away ends what is played for it.
    private async Task Guard(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // The connection has ended.
        }
    }
}

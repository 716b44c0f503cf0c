// A case that is a dialogue of frames: moves, one after the other, on one connection. The moves are data; what they say about the
// server is put together from their words. Absence is proved by a Ping's answer coming next, wherever a Ping can be sent; only "the
// server fails the connection now" is waited for, and a server that keeps the rule never makes anybody wait.

using System.Globalization;

namespace RawWs.Conformance;

/// <summary>A case of moves.</summary>
internal sealed record Dialogue(string Chapter, string Section, string Name, Kind Kind, params IReadOnlyList<Move> Moves)
    : Case(Chapter, Section, Name, Kind)
{
    public override string Expected =>
        string.Join(", then ", Moves.Select(static move => move.Expected).Where(static words => words.Length > 0).Distinct());

    public override bool IsHeavy => Moves.Any(static move => move is Send { Bytes.Length: > 256 * 1024 });

    public override async Task<string?> PlayAsync(Target target)
    {
        using Connection connection = await Connection.OpenAsync(target).ConfigureAwait(false);
        return await PlayAsync(connection).ConfigureAwait(false);
    }

    /// <summary>Plays the moves on a connection that is open already.</summary>
    internal async Task<string?> PlayAsync(Connection connection)
    {
        string? note = null;
        // A server may stop reading until what it sends is taken, so a large write goes on beside the moves that follow it.
        Task sending = Task.CompletedTask;
        foreach (Move move in Moves)
        {
            if (move is Send { Bytes.Length: > 32 * 1024 } large)
            {
                await sending.ConfigureAwait(false);
                sending = large.PlayAsync(connection);
                continue;
            }

            if (move is Send or FinishSending) await sending.ConfigureAwait(false);
            note = await move.PlayAsync(connection).ConfigureAwait(false) ?? note;
        }

        return note;
    }
}

/// <summary>One step of a dialogue.</summary>
internal abstract record Move
{
    /// <summary>What it asks of the server, in words; empty when nothing.</summary>
    public virtual string Expected => "";

    /// <returns>Something to note, or null.</returns>
    public abstract Task<string?> PlayAsync(Connection connection);

    /// <summary>The next frame that is not the server's own Ping, which it may send at any time (§5.5.2) and which is answered.</summary>
    protected static async Task<Frame?> NextAsync(Connection connection, string awaited)
    {
        while (true)
        {
            Frame? frame = await connection.ReadFrameAsync(awaited).ConfigureAwait(false);
            if (frame is not { Opcode: Wire.Ping }) return frame;
            await connection.SendAsync(Wire.FrameOf(Wire.Pong, frame.Payload)).ConfigureAwait(false);
        }
    }

    protected static string Got(Frame? frame, Connection connection) =>
        frame?.ToString() ?? (connection.End == StreamEnd.Reset ? "a reset" : "the end of the stream");
}

/// <summary>Writes bytes, at once or in pieces.</summary>
internal sealed record Send(byte[] Bytes, int PieceBytes = int.MaxValue) : Move
{
    public override async Task<string?> PlayAsync(Connection connection)
    {
        await (PieceBytes >= Bytes.Length ? connection.SendAsync(Bytes) : connection.SendInPiecesAsync(Bytes, PieceBytes))
            .ConfigureAwait(false);
        return null;
    }
}

/// <summary>Ends our side of the stream.</summary>
internal sealed record FinishSending : Move
{
    public override Task<string?> PlayAsync(Connection connection)
    {
        connection.FinishSending();
        return Task.FromResult<string?>(null);
    }
}

/// <summary>The message comes back, in however many frames (§5.4).</summary>
internal sealed record Echo(int Opcode, byte[] Payload) : Move
{
    public override string Expected => $"{Wire.NameOf(Opcode)} of {Payload.Length} bytes comes back";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        Frame? problem = await ReceiveAsync(connection, Opcode, Payload).ConfigureAwait(false);
        if (problem is not null || connection.End != StreamEnd.None)
            throw new NotAsExpectedException($"not the echo: {Got(problem, connection)}");
        return null;
    }

    /// <summary>Takes the message.</summary>
    /// <returns>The frame that came instead of its next one, or null: it is there, or the stream has ended.</returns>
    internal static async Task<Frame?> ReceiveAsync(Connection connection, int opcode, byte[] payload)
    {
        int received = 0, awaited = opcode;
        while (true)
        {
            Frame? frame = await NextAsync(connection, "the echo").ConfigureAwait(false);
            if (frame is null || frame.Opcode != awaited) return frame;
            if (received + frame.Payload.Length > payload.Length || !payload.AsSpan(received, frame.Payload.Length)
                .SequenceEqual(frame.Payload))
                throw new NotAsExpectedException("the echo differs from the message");
            received += frame.Payload.Length;
            awaited = Wire.Continuation;
            if (!frame.Fin) continue;
            if (received < payload.Length) throw new NotAsExpectedException($"the echo has {received} bytes in place of {payload.Length}");
            return null;
        }
    }
}

/// <summary>The message comes back, or it is too big for the server, which then says 1009.</summary>
internal sealed record EchoOr1009(int Opcode, byte[] Payload) : Move
{
    public override string Expected => $"{Wire.NameOf(Opcode)} of {Payload.Length} bytes comes back, or Close 1009";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        Frame? instead = await Echo.ReceiveAsync(connection, Opcode, Payload).ConfigureAwait(false);
        if (instead is { CloseCode: 1009, Opcode: Wire.Close }) return "Close 1009";
        if (instead is null && connection.End == StreamEnd.None) return "echoed";
        throw new NotAsExpectedException($"neither the echo nor Close 1009: {Got(instead, connection)}");
    }
}

/// <summary>
/// The message is sent in fragments with a Ping behind each, whose Pong is awaited, so that never more than one fragment is under way. It
/// comes back, or it becomes too big for the server, which then says 1009.
/// </summary>
internal sealed record EchoInStepOr1009(int Opcode, byte[] Payload, int FragmentBytes) : Move
{
    public override string Expected => $"{Wire.NameOf(Opcode)} of {Payload.Length} bytes comes back, or Close 1009";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        byte[] mark = "next"u8.ToArray();
        for (int at = 0; at < Payload.Length; at += FragmentBytes)
        {
            int length = Math.Min(FragmentBytes, Payload.Length - at);
            bool fin = at + length == Payload.Length;
            await connection.SendAsync(Wire.FrameOf(at == 0 ? Opcode : Wire.Continuation, Payload.AsSpan(at, length), fin))
                .ConfigureAwait(false);
            if (fin) return await new EchoOr1009(Opcode, Payload).PlayAsync(connection).ConfigureAwait(false);
            await connection.SendAsync(Wire.FrameOf(Wire.Ping, mark)).ConfigureAwait(false);
            Frame? frame = await NextAsync(connection, "the Pong").ConfigureAwait(false);
            if (frame is { Opcode: Wire.Close, CloseCode: 1009 })
                return string.Create(CultureInfo.InvariantCulture, $"Close 1009 after {at + length} bytes");
            if (frame is not { Opcode: Wire.Pong })
                throw new NotAsExpectedException($"neither a Pong nor Close 1009: {Got(frame, connection)}");
        }

        return null;
    }
}

/// <summary>A Pong with this payload comes next.</summary>
internal sealed record Answer(byte[] Payload) : Move
{
    public override string Expected => Payload.Length == 0 ? "an empty Pong" : $"Pong with the Ping's {Payload.Length} bytes";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        Frame? frame = await NextAsync(connection, "the Pong").ConfigureAwait(false);
        if (frame is not { Opcode: Wire.Pong } || !frame.Payload.AsSpan().SequenceEqual(Payload))
            throw new NotAsExpectedException($"in place of the Pong: {Got(frame, connection)}");
        return null;
    }
}

/// <summary>Of several Pings at least the last is answered, the others in order or not at all (§5.5.3).</summary>
internal sealed record AnswersUpTo(IReadOnlyList<byte[]> Payloads) : Move
{
    public override string Expected => $"Pongs for {Payloads.Count} Pings, in their order, the last for sure";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        int next = 0, pongs = 0;
        while (next < Payloads.Count)
        {
            Frame? frame = await NextAsync(connection, "the Pong").ConfigureAwait(false);
            if (frame is not { Opcode: Wire.Pong }) throw new NotAsExpectedException($"in place of a Pong: {Got(frame, connection)}");
            int which = next;
            while (which < Payloads.Count && !frame.Payload.AsSpan().SequenceEqual(Payloads[which])) which++;
            if (which == Payloads.Count) throw new NotAsExpectedException($"a Pong that answers no Ping, or one out of order: {frame}");
            next = which + 1;
            pongs++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{pongs} of {Payloads.Count} answered");
    }
}

/// <summary>The connection is open, and nothing has been sent: a Ping's Pong comes next.</summary>
internal sealed record Alive(string What = "nothing is sent, and the connection stays open") : Move
{
    private static readonly byte[] Mark = "still here"u8.ToArray();

    public override string Expected => What;

    public override async Task<string?> PlayAsync(Connection connection)
    {
        await connection.SendAsync(Wire.FrameOf(Wire.Ping, Mark)).ConfigureAwait(false);
        return await new Answer(Mark).PlayAsync(connection).ConfigureAwait(false);
    }
}

/// <summary>The server fails the connection (§7.1.7): nothing but a Close frame comes any more, and the stream ends.</summary>
/// <param name="Codes">What the Close frame has to say; none: a Close frame is not asked for.</param>
internal sealed record Fails(params int[] Codes) : Move
{
    /// <summary>
    /// What fails it is a Close frame: an answer of 1000, or without code, would be the closing handshake of a server that took it.
    /// </summary>
    public bool IsOfClose { get; init; }

    public override string Expected => IsOfClose ? "the connection fails; that is no closing handshake" : Codes.Length == 0
        ? "the connection fails, nothing else is answered" : $"Close {string.Join(" or ", Codes)}, and a clean end of the stream";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        Frame? close = null;
        while (true)
        {
            Frame? frame = await NextAsync(connection, close is null ? "the failure" : "the end of the stream after Close")
                .ConfigureAwait(false);
            if (frame is null) break;
            if (close is not null) throw new NotAsExpectedException($"after Close: {frame}");
            if (frame.Opcode != Wire.Close) throw new NotAsExpectedException($"the connection does not fail; it answers {frame}");
            close = frame;
        }

        if (close?.CloseCode is { } said && !Closes.MayBeSent(said))
            throw new NotAsExpectedException($"{close}, which may not be sent (§7.4.1)");
        if (IsOfClose && close is { CloseCode: null or 1000 }) throw new NotAsExpectedException($"{close}: it was taken for a valid Close");
        if (Codes.Length == 0) return close is null ? "no Close frame" : close.ToString();
        if (close is null) throw new NotAsExpectedException("the connection ends without a Close frame");
        if (close.CloseCode is not { } code || !Codes.Contains(code))
            throw new NotAsExpectedException($"{close} in place of {string.Join(" or ", Codes)}");
        if (connection.End == StreamEnd.Reset) throw new NotAsExpectedException($"{close}, and then a reset");
        return null;
    }
}

/// <summary>The server answers our Close with one, and ends the stream (§5.5.1).</summary>
/// <param name="Codes">Which codes it may carry; 0 stands for none at all; empty: any that may be sent.</param>
internal sealed record Closes(params int[] Codes) : Move
{
    public override string Expected =>
        Codes.Length == 0 ? "a Close frame in answer, and the end of the stream"
        : $"Close {string.Join(" or ", Codes.Select(Word))} in answer, and the end of the stream";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        Frame? close = await NextAsync(connection, "the Close in answer").ConfigureAwait(false);
        if (close is not { Opcode: Wire.Close }) throw new NotAsExpectedException($"in place of a Close: {Got(close, connection)}");
        if (close.Payload.Length == 1) throw new NotAsExpectedException("a Close frame with half a code (§5.5.1)");
        int code = close.CloseCode ?? 0;
        if (code is not 0 && !Codes.Contains(code) && !MayBeSent(code))
            throw new NotAsExpectedException($"{close}, which may not be sent (§7.4.1)");
        if (Codes.Length > 0 && !Codes.Contains(code)) throw new NotAsExpectedException($"{close} in answer");
        Frame? after = await NextAsync(connection, "the end of the stream after both Closes").ConfigureAwait(false);
        if (after is not null) throw new NotAsExpectedException($"after Close: {after}");
        return close.ToString();
    }

    private static string Word(int code) => code == 0 ? "without code" : code.ToString(CultureInfo.InvariantCulture);

    /// <summary>§7.4.1, §7.4.2 and the registry of §11.7.</summary>
    internal static bool MayBeSent(int code) => code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);
}

/// <summary>The stream ends, whatever comes before; for what the RFC leaves open, says how.</summary>
internal sealed record EndsSomehow : Move
{
    public override string Expected => "the RFC leaves it open";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        List<string> seen = [];
        while (await NextAsync(connection, "the end of the stream").ConfigureAwait(false) is { } frame) seen.Add(frame.ToString());
        seen.Add(connection.End == StreamEnd.Reset ? "reset" : "end of stream");
        return string.Join(", ", seen.Count > 4 ? [.. seen.Take(3), $"{seen.Count - 4} more", seen[^1]] : seen);
    }
}

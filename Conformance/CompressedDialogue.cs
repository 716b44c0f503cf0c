// A dialogue on a connection that has agreed to permessage-deflate, and the moves that inflate what comes back.

using System.Globalization;

namespace RawWs.Conformance;

/// <summary>A case of moves behind a handshake that offers permessage-deflate.</summary>
/// <param name="NeedsTakeover">Whether the client has to be allowed to refer to earlier messages.</param>
internal sealed record CompressedDialogue(string Section, string Name, Kind Kind, bool NeedsTakeover,
    params IReadOnlyList<Move> Moves) : Case(Chapters.Compression, Section, Name, Kind)
{
    private readonly Dialogue _dialogue = new(Chapters.Compression, Section, Name, Kind, Moves);

    public override string Expected => _dialogue.Expected;

    public override async Task<string?> PlayAsync(Target target)
    {
        using Connection connection = await Connection.ConnectAsync(target).ConfigureAwait(false);
        DeflateAgreement agreed = await CompressionCase.AgreeAsync(connection, target, new DeflateOffer(false, false, null, null))
            .ConfigureAwait(false);
        if (NeedsTakeover && agreed.ClientNoContextTakeover) throw new NotNegotiatedException("the server has the client keep no context");
        connection.Inflater = new Inflater(agreed.ServerMaxWindowBits, !agreed.ServerNoContextTakeover);
        return await _dialogue.PlayAsync(connection).ConfigureAwait(false);
    }
}

/// <summary>The message comes back, compressed or not.</summary>
internal sealed record InflatedEcho(int Opcode, byte[] Payload) : Move
{
    public override string Expected => $"{Wire.NameOf(Opcode)} of {Payload.Length} bytes comes back";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        (Message? message, Frame? instead, int wireBytes) = await CompressionCase.ReadMessageAsync(connection, connection.Inflater!)
            .ConfigureAwait(false);
        if (message is null) throw new NotAsExpectedException($"not the echo: {Got(instead, connection)}");
        if (message.Opcode != Opcode || !message.Payload.AsSpan().SequenceEqual(Payload))
            throw new NotAsExpectedException("the echo differs from the message");
        return string.Create(CultureInfo.InvariantCulture, $"{Payload.Length} bytes came back in {wireBytes}");
    }
}

/// <summary>The message comes back, or it is too big for the server, which then says 1009.</summary>
internal sealed record InflatedEchoOr1009(int Opcode, byte[] Payload) : Move
{
    public override string Expected => $"{Wire.NameOf(Opcode)} of {Payload.Length} bytes comes back, or Close 1009";

    public override async Task<string?> PlayAsync(Connection connection)
    {
        (Message? message, Frame? instead, _) = await CompressionCase.ReadMessageAsync(connection, connection.Inflater!)
            .ConfigureAwait(false);
        if (instead is { Opcode: Wire.Close, CloseCode: 1009 }) return "Close 1009";
        if (message is null) throw new NotAsExpectedException($"neither the echo nor Close 1009: {Got(instead, connection)}");
        if (message.Opcode != Opcode || !message.Payload.AsSpan().SequenceEqual(Payload))
            throw new NotAsExpectedException("the echo differs from the message");
        return "echoed";
    }
}

/// <summary>A case of the negotiation: what is offered, in so many fields, and which of the offers is taken.</summary>
/// <param name="Offers">The value of Sec-WebSocket-Extensions; a line break begins another field.</param>
/// <param name="Taken">The offer that is to be accepted, or null when all have to be declined.</param>
internal sealed record NegotiationCase(string Section, string Name, Kind Kind, string Offers, DeflateOffer? Taken)
    : Case(Chapters.Negotiation,
    Section, Name, Kind)
{
    public override string Expected =>
        Taken is null ? "the connection is accepted, and the offer declined" : $"\"{Taken}\" is accepted, and a compressed message echoed";

    public override async Task<string?> PlayAsync(Target target)
    {
        using Connection connection = await Connection.ConnectAsync(target).ConfigureAwait(false);
        ResponseHead answer = await connection.UpgradeAsync(target,
            Offers.Replace("\n", "\r\nSec-WebSocket-Extensions: ", StringComparison.Ordinal)).ConfigureAwait(false);
        byte[] hello = "Hello"u8.ToArray();
        if (Taken is null)
        {
            IReadOnlyList<string> accepted = answer.Values("Sec-WebSocket-Extensions");
            if (accepted.Count > 0) throw new NotAsExpectedException($"accepted: {string.Join(", ", accepted)}");
            await connection.SendAsync(Wire.FrameOf(Wire.Text, hello)).ConfigureAwait(false);
            return await new Echo(Wire.Text, hello).PlayAsync(connection).ConfigureAwait(false);
        }

        DeflateAgreement agreed = Taken.Judge(answer) ?? throw new NotAsExpectedException("declined");
        connection.PermittedReserved = Wire.Rsv1;
        connection.Inflater = new Inflater(agreed.ServerMaxWindowBits, !agreed.ServerNoContextTakeover);
        using Deflater deflater = new(agreed.ClientMaxWindowBits, !agreed.ClientNoContextTakeover);
        await connection.SendAsync(Wire.FrameOf(Wire.Text, deflater.Deflate(hello), reserved: Wire.Rsv1)).ConfigureAwait(false);
        await new InflatedEcho(Wire.Text, hello).PlayAsync(connection).ConfigureAwait(false);
        return string.Join(", ", answer.Values("Sec-WebSocket-Extensions"));
    }
}

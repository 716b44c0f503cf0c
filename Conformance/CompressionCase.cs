// A case in which many messages go back and forth under one set of agreed parameters. They are sent without waiting for the echoes, which
// are inflated within the window that was agreed, and compared.

using System.Globalization;

namespace RawWs.Conformance;

/// <summary>A case.</summary>
/// <param name="Offer">What is offered.</param>
/// <param name="Messages">What is sent, and has to come back.</param>
internal sealed record CompressionCase(string Section, string Name, DeflateOffer Offer, IReadOnlyList<Message> Messages)
    : Case(Chapters.Compression,
    Section, Name, Kind.Required)
{
    private const int BatchBytes = 64 * 1024;

    public override string Expected => string.Create(CultureInfo.InvariantCulture,
        $"{Messages.Count} messages come back, compressed as \"{Offer}\" was answered");

    public override bool IsHeavy => true;

    public override async Task<string?> PlayAsync(Target target)
    {
        using Connection connection = await Connection.ConnectAsync(target).ConfigureAwait(false);
        DeflateAgreement agreed = await AgreeAsync(connection, target, Offer).ConfigureAwait(false);
        Task writing = Task.Run(() => WriteAsync(connection, agreed));
        try
        {
            return await ReadAsync(connection, agreed).ConfigureAwait(false);
        }
        finally
        {
            connection.Dispose();
            await writing.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }
    }

    /// <summary>The opening handshake with an offer.</summary>
    /// <exception cref="NotNegotiatedException">The server declines.</exception>
    internal static async Task<DeflateAgreement> AgreeAsync(Connection connection, Target target, DeflateOffer offer)
    {
        ResponseHead answer = await connection.UpgradeAsync(target, offer.ToString()).ConfigureAwait(false);
        DeflateAgreement agreed = offer.Judge(answer) ?? throw new NotNegotiatedException($"declined: {offer}");
        connection.PermittedReserved = Wire.Rsv1;
        return agreed;
    }

    /// <summary>The next message, inflated if it is marked as compressed.</summary>
    internal static async Task<(Message? Message, Frame? Instead, int WireBytes)> ReadMessageAsync(Connection connection, Inflater inflater)
    {
        List<byte> payload = [];
        Frame? first = null;
        while (true)
        {
            Frame? frame = await connection.ReadFrameAsync("the echo").ConfigureAwait(false);
            if (frame is { Opcode: Wire.Ping })
            {
                await connection.SendAsync(Wire.FrameOf(Wire.Pong, frame.Payload)).ConfigureAwait(false);
                continue;
            }

            if (frame is null || frame.IsControl || (first is null) == (frame.Opcode == Wire.Continuation)) return (null, frame, 0);
            first ??= frame;
            byte[] whole = frame.Payload;
            if (first != frame || !frame.Fin) payload.AddRange(whole);
            if (!frame.Fin) continue;
            if (first != frame) whole = [.. payload];
            byte[] message = first.Reserved == 0 ? whole : inflater.Inflate(whole).ToArray();
            return (new Message(first.Opcode, message), null, whole.Length);
        }
    }

    private async Task WriteAsync(Connection connection, DeflateAgreement agreed)
    {
        using Deflater deflater = new(agreed.ClientMaxWindowBits, !agreed.ClientNoContextTakeover);
        List<byte> batch = [];
        for (int i = 0; i < Messages.Count; i++)
        {
            byte[] payload = deflater.Deflate(Messages[i].Payload);
            // §6.1: a compressed message may be fragmented; only its first frame is marked.
            if (i % 7 == 3 && payload.Length > 1)
            {
                int half = payload.Length / 2;
                batch.AddRange(Wire.FrameOf(Messages[i].Opcode, payload.AsSpan(0, half), fin: false, reserved: Wire.Rsv1));
                batch.AddRange(Wire.FrameOf(Wire.Continuation, payload.AsSpan(half)));
            }
            else
            {
                batch.AddRange(Wire.FrameOf(Messages[i].Opcode, payload, reserved: Wire.Rsv1));
            }

            if (batch.Count < BatchBytes && i + 1 < Messages.Count) continue;
            await connection.SendAsync(batch.ToArray()).ConfigureAwait(false);
            batch.Clear();
        }
    }

    private async Task<string?> ReadAsync(Connection connection, DeflateAgreement agreed)
    {
        Inflater inflater = new(agreed.ServerMaxWindowBits, !agreed.ServerNoContextTakeover);
        long wireBytes = 0, messageBytes = 0;
        for (int i = 0; i < Messages.Count; i++)
        {
            (Message? message, Frame? instead, int bytes) = await ReadMessageAsync(connection, inflater).ConfigureAwait(false);
            if (message is null)
                throw new NotAsExpectedException($"in place of message {i + 1}: {instead?.ToString() ?? "the end of the stream"}");
            if (message.Opcode != Messages[i].Opcode || !message.Payload.AsSpan().SequenceEqual(Messages[i].Payload))
                throw new NotAsExpectedException($"message {i + 1} of {Messages.Count} comes back as another");
            wireBytes += bytes;
            messageBytes += message.Payload.Length;
        }

        return string.Create(CultureInfo.InvariantCulture,
            $"{messageBytes} bytes came back in {wireBytes}; the furthest reference reached {inflater.FurthestReference} bytes back");
    }
}

// A case that is the head of a request: the fields of a valid one with some changed, left out or added, and what it is answered.

using System.Globalization;
using System.Text;

namespace RawWs.Conformance;

/// <summary>What becomes of a request.</summary>
internal enum HandshakeEnd : byte
{
    /// <summary>101, correct in every field, and messages are echoed behind it.</summary>
    Accepted,

    /// <summary>An HTTP error, 400 to 599.</summary>
    Refused,

    /// <summary>Any HTTP answer but 101.</summary>
    NotUpgraded,

    /// <summary>Either: it is noted.</summary>
    Open,
}

/// <summary>A case of the opening handshake.</summary>
/// <param name="End">What becomes of it.</param>
/// <param name="RequestLine">With {0} where the resource stands.</param>
/// <param name="Fields">The lines of the head; {0} is the Host, {1} the key. Each is written with CR LF behind it.</param>
internal sealed record HandshakeCase(
    string Section, string Name, Kind Kind, HandshakeEnd End, string RequestLine, IReadOnlyList<string> Fields)
    : Case(Chapters.Handshake, Section, Name, Kind)
{
    /// <summary>The status that has to come, or 0 for any of its class.</summary>
    public int Status { get; init; }

    /// <summary>A field that the answer has to have, with one of its values.</summary>
    public (string Name, string Value)? AnswerField { get; init; }

    /// <summary>The key, as it is written.</summary>
    public string Key { get; init; } = "dGhlIHNhbXBsZSBub25jZQ==";

    /// <summary>Subprotocols that the request offers.</summary>
    public IReadOnlyList<string> Subprotocols { get; init; } = [];

    /// <summary>How many bytes go in a write.</summary>
    public int PieceBytes { get; init; } = int.MaxValue;

    /// <summary>What stands at the end of each line.</summary>
    public string LineEnd { get; init; } = "\r\n";

    /// <summary>Whether the case of an accepted request is over with the answer, and no echo is looked for.</summary>
    public bool EndsAtAnswer { get; init; }

    public override string Expected => End switch
    {
        HandshakeEnd.Accepted => $"101 with all its fields right{(EndsAtAnswer ? "" : ", and a message is echoed")}",
        HandshakeEnd.Refused when AnswerField is { } told => $"an HTTP error with {told.Name}: {told.Value}",
        HandshakeEnd.Refused => Status == 0 ? "an HTTP error" : string.Create(CultureInfo.InvariantCulture, $"HTTP {Status}"),
        HandshakeEnd.NotUpgraded => "an HTTP answer other than 101",
        _ => "the RFC leaves it open",
    };

    public override async Task<string?> PlayAsync(Target target)
    {
        using Connection connection = await Connection.ConnectAsync(target).ConfigureAwait(false);
        StringBuilder head = new();
        head.Append(RequestLine.Replace("{0}", target.Resource, StringComparison.Ordinal)
            .Replace("{1}", target.Authority, StringComparison.Ordinal)).Append(LineEnd);
        foreach (string field in Fields) head.Append(CultureInfo.InvariantCulture,
            $"{field.Replace("{0}", target.Authority, StringComparison.Ordinal).Replace("{1}", Key, StringComparison.Ordinal)}{LineEnd}");
        head.Append(LineEnd);
        byte[] bytes = Encoding.Latin1.GetBytes(head.ToString());
        if (PieceBytes < bytes.Length) await connection.SendInPiecesAsync(bytes, PieceBytes).ConfigureAwait(false);
        else await connection.SendAsync(bytes).ConfigureAwait(false);
        // Who awaits more of a head that is broken learns here that no more comes; who refuses has everything it needs.
        if (End is HandshakeEnd.Open) connection.FinishSending();
        return await JudgeAsync(connection).ConfigureAwait(false);
    }

    private async Task<string?> JudgeAsync(Connection connection)
    {
        if (End == HandshakeEnd.Open) return await NoteAsync(connection).ConfigureAwait(false);
        ResponseHead answer = await connection.ReadHeadAsync().ConfigureAwait(false);
        switch (End)
        {
            case HandshakeEnd.Accepted:
                bool extensions = Fields.Any(static field =>
                    field.StartsWith("Sec-WebSocket-Extensions", StringComparison.OrdinalIgnoreCase));
                answer.CheckUpgrade(Key.Trim(), extensions, Subprotocols);
                // No case here offers an extension that exists, so none may be named.
                if (answer.Values("Sec-WebSocket-Extensions").Count > 0)
                    throw new NotAsExpectedException("the answer names an extension that was not offered");
                if (EndsAtAnswer) return null;
                byte[] text = "after the handshake"u8.ToArray();
                await connection.SendAsync(Wire.FrameOf(Wire.Text, text)).ConfigureAwait(false);
                return await new Echo(Wire.Text, text).PlayAsync(connection).ConfigureAwait(false);
            case HandshakeEnd.NotUpgraded when answer.Status == 101:
                throw new NotAsExpectedException("the connection is upgraded");
            case HandshakeEnd.Refused:
                if (answer.Status is < 400 or > 599) throw new NotAsExpectedException($"answered with \"{answer.StatusLine}\"");
                if (Status != 0 && answer.Status != Status) throw new NotAsExpectedException($"answered with \"{answer.StatusLine}\"");
                if (AnswerField is { } field && !answer.Values(field.Name).Contains(field.Value, StringComparer.OrdinalIgnoreCase))
                    throw new NotAsExpectedException($"\"{answer.StatusLine}\" without {field.Name}: {field.Value}");
                return answer.StatusLine;
            default:
                return answer.StatusLine;
        }
    }

    private static async Task<string?> NoteAsync(Connection connection)
    {
        try
        {
            return (await connection.ReadHeadAsync().ConfigureAwait(false)).StatusLine;
        }
        catch (NotAsExpectedException exception)
        {
            return exception.Message;
        }
    }
}

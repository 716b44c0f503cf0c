// Bytes of one or of both directions in, a conversation out. The explainers of the packages run the real reader, rules and protocol; this
// file only decides which bytes go to which: a head first if there is one, frames behind it if the upgrade was agreed to, and compression
// if the response has it.

using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Compression;

namespace RawWs.Server.Console.Explain;

/// <summary>Explains conversations.</summary>
internal static class ConversationExplainer
{
    private static readonly string[] Methods = ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ", "TRACE ", "PATCH "];

    /// <summary>Whether bytes begin as a request does. No valid frame begins so.</summary>
    public static bool IsRequest(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> line = bytes.StartsWith("\r\n"u8) ? bytes[2..] : bytes;
        foreach (string method in Methods)
            if (line.StartsWith(System.Text.Encoding.ASCII.GetBytes(method))) return true;
        return false;
    }

    /// <summary>Whether bytes begin as a response does.</summary>
    public static bool IsResponse(ReadOnlySpan<byte> bytes) => bytes.StartsWith("HTTP/"u8);

    /// <summary>Explains what one end has sent.</summary>
    public static Conversation Explain(byte[] bytes, ExplainSettings settings)
    {
        // §5.1: a client masks every frame and a server none, so the mask bit of the first frame tells who has sent it.
        FrameReader.TryRead(bytes, out FrameHeader first);
        bool masked = bytes.Length < 2 || first.Masked;
        Role guessed = IsRequest(bytes) ? Role.Client : IsResponse(bytes) ? Role.Server : masked ? Role.Client : Role.Server;
        Role sender = settings.Sender ?? guessed;
        HandshakeExplanation? head = HeadOf(bytes, sender, settings, null);
        using MessageInflater? inflater = Inflater(settings.Deflate, head, sender, settings);
        (List<Unit> units, Direction direction) = Walk(bytes, sender, head, inflater, settings);
        return new Conversation(units, [direction]) { IsGuessed = settings.Sender is null && head is null };
    }

    /// <summary>Explains both directions. The last parameter says for a byte of one when it came.</summary>
    public static Conversation Explain(byte[] client, byte[] server, ExplainSettings settings, Func<Role, int, int> order)
    {
        HandshakeExplanation? request = HeadOf(client, Role.Client, settings, null);
        HandshakeExplanation? response = HeadOf(server, Role.Server, settings, request?.Key);
        using MessageInflater? fromClient = Inflater(settings.Deflate && response is null, response, Role.Client, settings);
        using MessageInflater? fromServer = Inflater(settings.Deflate && response is null, response, Role.Server, settings);
        (List<Unit> asked, Direction from) = Walk(client, Role.Client, request, fromClient, settings);
        (List<Unit> answered, Direction back) = Walk(server, Role.Server, response, fromServer, settings);
        IEnumerable<Unit> units = asked.Concat(answered).OrderBy(unit => order(unit.Sender, unit.Offset + unit.Length - 1));
        return new Conversation([.. units], [from, back]);
    }

    private static HandshakeExplanation? HeadOf(byte[] bytes, Role sender, ExplainSettings settings, string? key)
    {
        if (sender == Role.Client)
            return IsRequest(bytes) ? HandshakeExplainer.ExplainRequest(bytes, RequestLimits.Default, settings.Policy) : null;
        return IsResponse(bytes) ? HandshakeExplainer.ExplainResponse(bytes, key) : null;
    }

    // Only a response says what is agreed on. A request alone offers it.
    private static MessageInflater? Inflater(bool assumed, HandshakeExplanation? response, Role sender, ExplainSettings settings)
    {
        ExtensionOffer? agreed = response?.StatusCode == 101
            ? response.Extensions.FirstOrDefault(static extension => extension.Name == DeflateNegotiation.Name)
            : null;
        if ((agreed is null && !assumed) || !ZlibCheck.TryLoad(out _)) return null;
        string parameter = sender == Role.Client ? "client_no_context_takeover" : "server_no_context_takeover";
        return new MessageInflater(agreed is null ? settings.Takeover : agreed.Parameters.All(given => given.Name != parameter));
    }

    private static (List<Unit> Units, Direction Direction) Walk(
        byte[] bytes, Role sender, HandshakeExplanation? head, MessageInflater? inflater, ExplainSettings settings)
    {
        List<Unit> units = [];
        int start = 0;
        if (head is not null)
        {
            UnitKind kind = sender == Role.Client ? UnitKind.Request : UnitKind.Response;
            Note[] notes = [.. head.Annotations.Select(static note => Note.Of(note))];
            bool agreed = head.HeadBytes > 0
                && (sender == Role.Client ? head.Result?.Kind == UpgradeResultKind.Upgrade : head.StatusCode == 101);
            if (!agreed)
            {
                if (notes.Length > 0) units.Add(new Unit(sender, kind, 0, bytes.Length, notes) { Head = head });
                return (units, new Direction(sender, bytes, BrokenRule.Of(head.Rule), head.FailedAt) { MalformedAt = head.MalformedAt });
            }

            start = head.HeadBytes;
            units.Add(new Unit(sender, kind, 0, start, [.. notes.Where(note => note.Offset < start)]) { Head = head });
        }

        FrameExplanation frames = FrameExplainer.Explain(bytes.AsSpan(start), new FrameExplainerOptions
        {
            Role = sender == Role.Client ? Role.Server : Role.Client,
            Limits = settings.Limits,
            Permitted = inflater is null ? ReservedBits.None : ReservedBits.Rsv1,
            FramesMax = settings.FramesShownMax,
            Decoder = inflater is null ? null : inflater.Decode,
        });
        ILookup<int, Note> byFrame = frames.Annotations.ToLookup(static note => note.Frame, note => Note.Of(note, start));
        for (int i = 0; i < frames.Frames.Count; i++)
        {
            ExplainedFrame frame = frames.Frames[i];
            units.Add(new Unit(sender, UnitKind.Frame, start + frame.Offset, frame.Length, [.. byFrame[i]]) { Frame = frame });
        }

        foreach (Note rest in byFrame[-1].Where(static note => note.TextId != "frame.left"))
            units.Add(new Unit(sender, UnitKind.NotRead, rest.Offset, (int)(rest.BitCount / 8), [rest]));
        int failedAt = frames.Rule is null ? 0 : start + frames.FailedAt;
        Direction direction = new(sender, bytes, BrokenRule.Of(frames.Rule), failedAt)
        {
            LeftOut = frames.FramesLeftOut,
            State = frames.State,
        };
        return (units, direction);
    }
}

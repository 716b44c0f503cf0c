// What was observed of one connection: the bytes of both directions, piece by piece in their order, up to a bound, and what became of it.
// It is explained by the explainer of the command, and can be had as a capture file.

using RawWs.Frame;
using RawWs.Server.Console.Explain;

namespace RawWs.Server.Console.Lab;

/// <summary>Bytes that one end has sent, and when they were told.</summary>
internal sealed record LabPiece(Role Sender, int Offset, ReadOnlyMemory<byte> Bytes, DateTimeOffset Time);

/// <summary>Used by one feed, one call at a time.</summary>
internal sealed class LabTrace(long connection)
{
    /// <summary>The most bytes that are kept of a direction.</summary>
    public const int BytesMax = 32 * 1024;

    private const int PiecesMax = 2048;

    private readonly List<LabPiece> _pieces = [];
    private long _fromClient;
    private long _fromServer;

    public long Connection => connection;

    public IReadOnlyList<LabPiece> Pieces => _pieces;

    /// <summary>How many bytes came that are not kept.</summary>
    public long LeftOut { get; private set; }

    /// <summary>The rule that was broken, or null.</summary>
    public string? Rule { get; private set; }

    /// <summary>The status of the answer, if it is not 101; or null.</summary>
    public int? Status { get; private set; }

    /// <summary>The code of the ending (§7.4), or null.</summary>
    public int? Code { get; private set; }

    public EndCause Cause { get; private set; }

    public bool HasEnded { get; private set; }

    public DateTimeOffset EndedAt { get; private set; }

    public void Add(ConnectionEvent told)
    {
        switch (told.Kind)
        {
            case ConnectionEventKind.Received: Keep(Role.Client, told, ref _fromClient); break;
            case ConnectionEventKind.Sent: Keep(Role.Server, told, ref _fromServer); break;
            case ConnectionEventKind.Answered: (Status, Rule) = (told.Code, told.Rule ?? Rule); break;
            case ConnectionEventKind.RuleBroken: Rule = told.Rule; break;
            case ConnectionEventKind.PhaseChanged when told.Cause != EndCause.None:
                (Cause, Code, Rule) = (told.Cause, told.Code, told.Rule ?? Rule);
                break;
            case ConnectionEventKind.Ended:
                (HasEnded, EndedAt) = (true, told.Time);
                break;
        }
    }

    /// <summary>Explains both directions.</summary>
    public Conversation Explain(ExplainSettings settings)
    {
        List<int>[] order = [[], []];
        for (int i = 0; i < _pieces.Count; i++)
            order[_pieces[i].Sender == Role.Client ? 0 : 1].AddRange(Enumerable.Repeat(i, _pieces[i].Bytes.Length));
        return ConversationExplainer.Explain(
            BytesOf(Role.Client), BytesOf(Role.Server), settings, (sender, at) => order[sender == Role.Client ? 0 : 1][at]);
    }

    private byte[] BytesOf(Role sender) =>
        [.. _pieces.Where(piece => piece.Sender == sender).SelectMany(static piece => piece.Bytes.ToArray())];

    // What comes after a gap cannot be read, because nobody knows where a frame begins.
    private void Keep(Role sender, ConnectionEvent told, ref long kept)
    {
        int room = told.Offset == kept && _pieces.Count < PiecesMax ? (int)Math.Min(told.Bytes.Length, BytesMax - kept) : 0;
        LeftOut += told.Bytes.Length - room;
        if (room == 0) return;
        _pieces.Add(new LabPiece(sender, (int)kept, told.Bytes[..room], told.Time));
        kept += room;
    }
}

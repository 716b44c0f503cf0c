// What a loop knows of the layer above it.

namespace RawWs.Server.Loops;

/// <summary>The layer above a loop: what the loop's members share, and have to do in each turn.</summary>
internal interface ITurnPart
{
    /// <summary>A turn, or a further round of it, begins. The loop's clock has been read.</summary>
    void BeginRound(long now);

    /// <summary>Whether something is about to be sent to many, so that it is worth listening a moment longer for more of it.</summary>
    bool MayGather { get; }

    /// <summary>A number that grows with each thing that is to be sent to many.</summary>
    long Gathered { get; }

    /// <summary>Everything of the turn is done. Somebody else's code may run here.</summary>
    void EndTurn();
}

// What a connection needs while bytes are taken from it, and for as long as a message is under way: the conversation, and the
// message as far as it has come. Between messages a connection has none: the inbox rests with the loop, ready for the next
// connection that bytes arrive for. The owner's thread only.

using RawWs.Frame;
using RawWs.Server.Memory;

namespace RawWs.Server;

internal sealed class Inbox(ConversationLimits limits)
{
    private byte[]? _assembly;
    private int _assembled;

    /// <summary>The protocol's state.</summary>
    public Conversation Conversation { get; } = new(Role.Server, limits);

    /// <summary>By when the message under way must have ended, in the loop's milliseconds.</summary>
    public long MessageDeadline { get; set; } = long.MaxValue;

    /// <summary>Nothing is under way: the connection can do without, and another may have it.</summary>
    public bool IsAtRest => Conversation.IsAtRest && _assembly is null;

    /// <summary>The message that has been assembled, or what there is of it.</summary>
    public ReadOnlyMemory<byte> Message => new(_assembly, 0, _assembled);

    /// <summary>
    /// Appends a stretch to the message. Its array grows with what has come: a declared length reserves nothing. False when the server's
    /// memory limit is reached.
    /// </summary>
    public bool TryAppend(ReadOnlySpan<byte> stretch, MemoryBudget budget)
    {
        if (stretch.IsEmpty) return true;
        int needed = _assembled + stretch.Length;
        if (_assembly is null || _assembly.Length < needed)
        {
            byte[]? larger = budget.TryRent(_assembly is null ? needed : Math.Max(needed, _assembly.Length * 2));
            if (larger is null) return false;
            _assembly.AsSpan(0, _assembled).CopyTo(larger);
            if (_assembly is not null) budget.Return(_assembly);
            _assembly = larger;
        }

        stretch.CopyTo(_assembly.AsSpan(_assembled));
        _assembled = needed;
        return true;
    }

    /// <summary>Gives the message's memory back.</summary>
    public void Release(MemoryBudget budget)
    {
        if (_assembly is not null) budget.Return(_assembly);
        _assembly = null;
        _assembled = 0;
    }
}

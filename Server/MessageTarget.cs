// To whom a message is published.

namespace RawWs.Server;

/// <summary>What a <see cref="MessageTarget"/> names.</summary>
public enum TargetKind : byte
{
    /// <summary>Nobody: the default value.</summary>
    Nobody,

    /// <summary>One connection.</summary>
    Connection,

    /// <summary>All connections of a uid.</summary>
    Uid,

    /// <summary>Every open connection.</summary>
    Everybody,
}

/// <summary>Those to whom a message is published: a connection, a uid, or everybody. The default value is nobody.</summary>
public readonly struct MessageTarget : IEquatable<MessageTarget>
{
    private static readonly object AllOfThem = new();

    // Two words, as a message has, and for the same reason (WebSocketMessage).
    private readonly object? _who; // a connection, AllOfThem, or what a uid's bytes lie in; null for nobody
    private readonly ulong _place; // where the uid lies in that; 0 for any other kind

    private MessageTarget(object who, ulong place) => (_who, _place) = (who, place);

    /// <summary>Every open connection, once each.</summary>
    public static MessageTarget Everybody => new(AllOfThem, 0);

    /// <summary>What this names.</summary>
    public TargetKind Kind => _who is null ? TargetKind.Nobody
        : _place != 0 ? TargetKind.Uid
        : ReferenceEquals(_who, AllOfThem) ? TargetKind.Everybody : TargetKind.Connection;

    /// <summary>The connection; null for any other kind.</summary>
    public WebSocketConnection? Connection => _who as WebSocketConnection;

    /// <summary>The uid, in UTF-8; empty for any other kind. A view of its maker's memory.</summary>
    public ReadOnlyMemory<byte> Uid => UidAsMessage.Memory;

    /// <summary>The uid, in UTF-8; empty for any other kind. A view of its maker's memory.</summary>
    public ReadOnlySpan<byte> UidSpan => UidAsMessage.Span;

    private WebSocketMessage UidAsMessage => _place == 0 ? default : new WebSocketMessage(_who, _place);

    /// <summary>One connection.</summary>
    public static MessageTarget ToConnection(WebSocketConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return new MessageTarget(connection, 0);
    }

    /// <summary>All connections of a uid. The bytes are not copied: they must not change while the target is used.</summary>
    /// <param name="uid">The uid, in UTF-8.</param>
    /// <exception cref="ArgumentException">The uid is empty.</exception>
    public static MessageTarget ToUid(ReadOnlyMemory<byte> uid) => ToUid(WebSocketMessage.Binary(uid));

    /// <summary>All connections of a uid that is a message, or a part of one: what clients send often begins with an address.</summary>
    /// <param name="uid">The uid. Its bytes are not copied: they must not change while the target is used.</param>
    /// <exception cref="ArgumentException">The uid is empty.</exception>
    public static MessageTarget ToUid(in WebSocketMessage uid)
    {
        if (uid.IsEmpty) Refuse();
        return new MessageTarget(uid.Owner!, uid.Place & ~WebSocketMessage.TextBit);
    }

    /// <summary>All connections of a uid. This encodes it into a new array.</summary>
    /// <exception cref="ArgumentException">The uid is empty, or has half of a surrogate pair.</exception>
    public static MessageTarget ToUid(string uid) => ToUid(WebSocketMessage.Text(uid));

    private static void Refuse() => throw new ArgumentException("A uid is not empty.");

    /// <summary>Whether both name the same connection, the same bytes as a uid, or the same of the rest.</summary>
    public bool Equals(MessageTarget other) =>
        Kind == TargetKind.Uid ? UidSpan.SequenceEqual(other.UidSpan) : other._place == 0 && ReferenceEquals(_who, other._who);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MessageTarget other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        if (_place == 0) hash.Add(_who);
        hash.AddBytes(UidSpan);
        return hash.ToHashCode();
    }

    /// <summary>Whether they are equal.</summary>
    public static bool operator ==(MessageTarget left, MessageTarget right) => left.Equals(right);

    /// <summary>Whether they are not equal.</summary>
    public static bool operator !=(MessageTarget left, MessageTarget right) => !left.Equals(right);
}

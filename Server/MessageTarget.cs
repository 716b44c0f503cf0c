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

    private readonly object? _who; // a connection, or AllOfThem; null for a uid
    private readonly ReadOnlyMemory<byte> _uid;

    private MessageTarget(object? who, ReadOnlyMemory<byte> uid) => (_who, _uid) = (who, uid);

    /// <summary>Every open connection, once each.</summary>
    public static MessageTarget Everybody => new(AllOfThem, default);

    /// <summary>What this names.</summary>
    public TargetKind Kind => _who is null
        ? (_uid.IsEmpty ? TargetKind.Nobody : TargetKind.Uid)
        : (ReferenceEquals(_who, AllOfThem) ? TargetKind.Everybody : TargetKind.Connection);

    /// <summary>The connection; null for any other kind.</summary>
    public WebSocketConnection? Connection => _who as WebSocketConnection;

    /// <summary>The uid, in UTF-8; empty for any other kind. A view of its maker's memory.</summary>
    public ReadOnlyMemory<byte> Uid => _uid;

    /// <summary>One connection.</summary>
    public static MessageTarget ToConnection(WebSocketConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return new MessageTarget(connection, default);
    }

    /// <summary>All connections of a uid. The bytes are not copied: they must not change while the target is used.</summary>
    /// <param name="uid">The uid, in UTF-8.</param>
    /// <exception cref="ArgumentException">The uid is empty.</exception>
    public static MessageTarget ToUid(ReadOnlyMemory<byte> uid)
    {
        if (uid.IsEmpty) Refuse();
        return new MessageTarget(null, uid);
    }

    /// <summary>All connections of a uid. This encodes it into a new array.</summary>
    /// <exception cref="ArgumentException">The uid is empty, or has half of a surrogate pair.</exception>
    public static MessageTarget ToUid(string uid) => ToUid(WebSocketMessage.Text(uid).Memory);

    private static void Refuse() => throw new ArgumentException("A uid is not empty.");

    /// <summary>Whether both name the same connection, the same bytes as a uid, or the same of the rest.</summary>
    public bool Equals(MessageTarget other) => ReferenceEquals(_who, other._who) && _uid.Span.SequenceEqual(other._uid.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MessageTarget other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(_who);
        hash.AddBytes(_uid.Span);
        return hash.ToHashCode();
    }

    /// <summary>Whether they are equal.</summary>
    public static bool operator ==(MessageTarget left, MessageTarget right) => left.Equals(right);

    /// <summary>Whether they are not equal.</summary>
    public static bool operator !=(MessageTarget left, MessageTarget right) => !left.Equals(right);
}

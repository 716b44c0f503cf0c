// What comes over NATS: how long it may be, where an answer may go, and what JSON of a known form it is.

using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NATS.Client.Core;

namespace RawWs.Server.Nats;

internal static class NatsMessages
{
    /// <summary>The longest message that the server takes: the one that it is connected to, or was last.</summary>
    public static int PayloadBytesMaxOf(NatsConnection connection) => connection.ServerInfo?.MaxPayload ?? 1024 * 1024;

    /// <summary>The bytes of a message. NATS' client makes no memory for an empty one.</summary>
    public static ReadOnlySpan<byte> BytesOf(NatsMemoryOwner<byte> owner) => owner.Length == 0 ? default : owner.Span;

    /// <summary>Whether an answer may go there: to somebody who waits for one, and never to the nodes' own subjects.</summary>
    public static bool IsInbox(NatsConnection connection, string subject) =>
        subject.StartsWith(connection.Opts.InboxPrefix + ".", StringComparison.Ordinal);

    /// <summary>Reads JSON that nobody has to trust; null when it is none, or longer than it may be.</summary>
    public static T? Parse<T>(ReadOnlySpan<byte> bytes, int bytesMax, JsonTypeInfo<T> type)
        where T : class
    {
        if (bytes.Length > bytesMax) return null;
        try
        {
            return JsonSerializer.Deserialize(bytes, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

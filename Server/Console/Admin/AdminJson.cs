// How the admin port reads and writes JSON. A field that nobody knows, or that is there twice, is an error: perhaps another one was meant.

using System.Text.Json;
using System.Text.Json.Serialization;

namespace RawWs.Server.Console.Admin;

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    AllowDuplicateProperties = false,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    MaxDepth = 16,
    NumberHandling = JsonNumberHandling.Strict,
    PropertyNameCaseInsensitive = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(BatchAnswer))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(ClosedAnswer))]
[JsonSerializable(typeof(ClusterAnswer))]
[JsonSerializable(typeof(ClusterUidPage))]
[JsonSerializable(typeof(ConnectionAnswer))]
[JsonSerializable(typeof(ConnectionPage))]
[JsonSerializable(typeof(PresenceAnswer))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(SendAnswer))]
[JsonSerializable(typeof(SendRequest))]
[JsonSerializable(typeof(ServerAnswer))]
[JsonSerializable(typeof(TraceEvent))]
[JsonSerializable(typeof(UidAnswer))]
[JsonSerializable(typeof(UidPage))]
internal sealed partial class AdminJson : JsonSerializerContext;

// What nodes say to each other for those who watch who is online. It is JSON, as the questions are (ClusterQuestions).
//
//   {cluster}.presence   {"v":1,"from":"one","kind":"watch","watch":7,"most":100000,"uids":["alice"]}   without uids: all of them
//                        {"v":1,"from":"one","kind":"again","watch":7,"node":"two"}                   something was missed: begin again
//                        {"v":1,"from":"one","kind":"end","watch":7}
//   the reply            {"v":1,"node":"two","watch":7,"feed":9,"number":0,"state":"some","came":["alice"],"went":[],"leftOut":0}
//
// A watch is said again every second, and is over where it has not been heard for four. Each node that hears it tells its own uids, to
// the subject that the question names, in numbered messages (from 0 for each feed, which has a number that was drawn): first those that
// are here, then what changes, and once a second something in any case. State: "some", as long as not all that is here has been told;
// then "all"; "many" if there are more than "most", and nothing follows. LeftOut: how many changes were undone before they could be told.
//
// Nothing that comes in is trusted: it is short, it is JSON of this form, and its uids can be some, or it is dropped and counted.

using System.Text.Json;
using System.Text.Json.Serialization;

namespace RawWs.Server.Nats;

internal sealed record PresenceQuestion(
    int V, string From, string Kind, long Watch, int Most = 0, IReadOnlyList<string>? Uids = null, string? Node = null);

internal sealed record PresenceTold(
    int V, string Node, long Watch, long Feed, long Number, string State, IReadOnlyList<string> Came, IReadOnlyList<string> Went,
    long LeftOut = 0);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 4,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PresenceQuestion))]
[JsonSerializable(typeof(PresenceTold))]
internal sealed partial class PresenceJson : JsonSerializerContext;

internal static class PresenceMessage
{
    public const int Version = 1;

    /// <summary>
    /// Of a question. A JSON text has six bytes for a byte at most: those of the uids that a watch may name, and the rest.
    /// </summary>
    public const int QuestionBytesMax = (6 * PresenceOptions.NamedBytesMax) + (8 * PresenceOptions.NamedMax);

    /// <summary>Of an answer.</summary>
    public const int ToldBytesMax = PresenceFeed.MessageBytesMax;

    public const string WatchKind = "watch";
    public const string AgainKind = "again";
    public const string EndKind = "end";
    public const string Some = "some";
    public const string All = "all";
    public const string Many = "many";

    public static byte[] Write(PresenceQuestion question) =>
        JsonSerializer.SerializeToUtf8Bytes(question, PresenceJson.Default.PresenceQuestion);

    public static byte[] Write(PresenceTold told) => JsonSerializer.SerializeToUtf8Bytes(told, PresenceJson.Default.PresenceTold);

    /// <summary>What a question is, if it is one.</summary>
    /// <param name="bytes">What has come.</param>
    public static PresenceQuestion? Read(ReadOnlySpan<byte> bytes)
    {
        PresenceQuestion? question = NatsMessages.Parse(bytes, QuestionBytesMax, PresenceJson.Default.PresenceQuestion);
        if (question is not { V: Version } || !NodeId.IsValid(question.From)) return null;
        return question.Kind switch
        {
            WatchKind => OptionsOf(question).FindError() is null ? question : null,
            AgainKind => question.Node is not null && NodeId.IsValid(question.Node) ? question : null,
            EndKind => question,
            _ => null,
        };
    }

    /// <summary>What is asked for.</summary>
    public static PresenceOptions OptionsOf(PresenceQuestion question) => new() { Uids = question.Uids, UidsMax = question.Most };

    /// <summary>What an answer is, if it is one.</summary>
    public static PresenceTold? ReadTold(ReadOnlySpan<byte> bytes)
    {
        PresenceTold? told = NatsMessages.Parse(bytes, ToldBytesMax, PresenceJson.Default.PresenceTold);
        return told is { V: Version, Number: >= 0, State: Some or All or Many, LeftOut: >= 0 } && NodeId.IsValid(told.Node)
            && told.Came.All(IsUid) && told.Went.All(IsUid)
                ? told
                : null;
    }

    private static bool IsUid(string? uid) => uid is not null && ClusterQuestions.FindUid(uid) is not null;
}

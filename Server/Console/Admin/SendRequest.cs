// What is sent through the admin port, as it comes and when it has been checked.

using System.ComponentModel;
using System.Text;

namespace RawWs.Server.Console.Admin;

/// <summary>The body of POST /v1/send, and each message of a batch: one of uid, uids and all, and one of text and base64.</summary>
internal sealed record SendRequest
{
    [Description("To all connections of this uid: 1 to 256 bytes of UTF-8. One of uid, uids and all is needed.")]
    public string? Uid { get; init; }

    [Description("To all connections of these uids, 1 to 10000; each gets the message once, however often its uid is here.")]
    public IReadOnlyList<string>? Uids { get; init; }

    [Description("To every open connection: true.")]
    public bool? All { get; init; }

    [Description("With all: not to the connections of these uids, at most 10000.")]
    public IReadOnlyList<string>? Except { get; init; }

    [Description("A text message. One of text and base64 is needed.")]
    public string? Text { get; init; }

    [Description("A binary message, in base64 (RFC 4648 §4).")]
    public string? Base64 { get; init; }
}

/// <summary>The body of POST /v1/send/batch.</summary>
internal sealed record BatchRequest
{
    [Description("1 to 10000 messages. If one of them is wrong none is sent.")]
    public IReadOnlyList<SendRequest>? Messages { get; init; }
}

/// <summary>A message to be sent, which has been checked.</summary>
/// <param name="Uids">To whom, each once; null for everybody.</param>
/// <param name="Except">To whom not.</param>
/// <param name="Message">The message.</param>
internal sealed record CheckedSend(IReadOnlyCollection<string>? Uids, HashSet<string> Except, WebSocketMessage Message)
{
    /// <summary>The most uids of one message, and the most messages of a batch.</summary>
    public const int CountMax = 10_000;

    /// <summary>Checks a message.</summary>
    /// <param name="request">The message as it came.</param>
    /// <param name="place">What stands before the name of a field, as "messages[3].".</param>
    /// <param name="problem">What is wrong; null when nothing is.</param>
    public static CheckedSend? Check(SendRequest request, string place, out Problem? problem)
    {
        problem = FindWrongTarget(request, place);
        if (problem is not null) return null;
        if (request.Text is null == request.Base64 is null)
        {
            problem = Problem.Wrong(place + "text", "one of text and base64 is needed");
            return null;
        }

        if (!TryGetMessage(request, out WebSocketMessage message))
        {
            problem = Problem.Wrong(place + "base64", "it is not base64 (RFC 4648 §4, with its padding)");
            return null;
        }

        HashSet<string>? uids = request.All is null ? [.. request.Uids ?? [request.Uid!]] : null;
        return new CheckedSend(uids, [.. request.Except ?? []], message);
    }

    /// <summary>What is wrong with a uid; null when nothing is.</summary>
    public static string? FindWrongUid(string? uid) =>
        uid is not null && Encoding.UTF8.GetByteCount(uid) is >= 1 and <= ConnectionDirectory.UidBytesMax
            ? null
            : $"a uid is 1 to {ConnectionDirectory.UidBytesMax} bytes of UTF-8";

    private static Problem? FindWrongTarget(SendRequest request, string place)
    {
        int targets = (request.Uid is null ? 0 : 1) + (request.Uids is null ? 0 : 1) + (request.All is null ? 0 : 1);
        if (targets != 1) return Problem.Wrong(place + "uid", $"one of uid, uids and all is needed, not {targets} of them");
        if (request.All is false) return Problem.Wrong(place + "all", "it is true, or not there");
        if (request.Except is not null && request.All is null) return Problem.Wrong(place + "except", "it goes with all only");
        if (request.Uid is not null && FindWrongUid(request.Uid) is { } wrong) return Problem.Wrong(place + "uid", wrong);
        return (request.Uids is null ? null : FindWrongUids(request.Uids, place + "uids", least: 1))
            ?? (request.Except is null ? null : FindWrongUids(request.Except, place + "except", least: 0));
    }

    private static Problem? FindWrongUids(IReadOnlyList<string> uids, string field, int least)
    {
        if (uids.Count < least || uids.Count > CountMax) return Problem.Wrong(field, $"{least} to {CountMax} uids, not {uids.Count}");
        for (int i = 0; i < uids.Count; i++)
            if (FindWrongUid(uids[i]) is { } wrong) return Problem.Wrong($"{field}[{i}]", wrong);
        return null;
    }

    private static bool TryGetMessage(SendRequest request, out WebSocketMessage message)
    {
        message = default;
        if (request.Text is { } text)
        {
            message = WebSocketMessage.Text(text);
            return true;
        }

        byte[] bytes = new byte[((request.Base64!.Length / 4) + 1) * 3];
        if (!Convert.TryFromBase64String(request.Base64, bytes, out int length)) return false;
        message = WebSocketMessage.Binary(bytes.AsMemory(0, length));
        return true;
    }
}

/// <summary>What became of a message.</summary>
/// <param name="Delivered">How many connections took it: it is queued for them.</param>
/// <param name="TooSlow">How many did not, because they have not taken what was sent to them before, or for want of memory.</param>
/// <param name="Offline">The uids that were named and have no open connection.</param>
/// <param name="Elsewhere">With a backplane: what became of it on other servers. The counts before are of this one.</param>
internal sealed record SendAnswer(int Delivered, int TooSlow, IReadOnlyList<string> Offline, ElsewhereAnswer? Elsewhere = null);

/// <summary>What became of a message on other servers of the cluster. A message to everybody stands there as all.</summary>
/// <param name="Delivered">The uids whose connections there took it.</param>
/// <param name="TooSlow">The uids of which a connection there did not.</param>
/// <param name="Unreachable">The uids of which nobody knows: servers cannot be reached, or have not answered in time.</param>
internal sealed record ElsewhereAnswer(
    IReadOnlyList<string> Delivered, IReadOnlyList<string> TooSlow, IReadOnlyList<string> Unreachable);

/// <summary>What became of the messages of a batch.</summary>
/// <param name="Delivered">The sum of all deliveries.</param>
/// <param name="Results">For each message, in their order.</param>
internal sealed record BatchAnswer(long Delivered, IReadOnlyList<SendAnswer> Results);

// Why a page was not let in, and what would let it in: for the log, and for the page's author. Raw, so that it is escaped as a whole where
// it is shown. What a stranger chose stands last, and nothing of ours behind it.

using System.Text;
using RawWs.Handshake;

namespace RawWs.Server.Log;

internal static class OriginAdvice
{
    /// <summary>More than this of an origin or a host is not shown, in characters.</summary>
    private const int ShownCharactersMax = 100;

    /// <summary>The longest that the whole can be once it is escaped, in characters.</summary>
    public const int CharactersMax = 800;

    /// <summary>One line on the setting that would let it in, and on what was named. Null where it was not the origin that was refused.</summary>
    public static string? Of(UpgradeRequest request, HandshakeRule rule)
    {
        if (rule != HandshakeRules.OriginNotAllowed) return null;
        string advice = OriginRule.FindRemedy(request, out string name) switch
        {
            OriginRemedy.NameHost => $"--allowed-host {name} would let them in.",
            OriginRemedy.NameOrigin => $"--allowed-origin {name} would let them in.",
            _ => "No setting names such an origin.",
        };
        return $"{advice} Host: {Cut(Encoding.Latin1.GetString(request.Host))}, Origin: {Cut(request.Origin ?? "")}";
    }

    private static string Cut(string text) => text.Length <= ShownCharactersMax ? text : text[..ShownCharactersMax] + "…";
}

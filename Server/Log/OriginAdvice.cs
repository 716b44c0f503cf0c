// Why a page may not connect, and which setting would allow it: for the log, and for the page's author. The text is not escaped here, but
// as a whole where it is shown. What the client sent comes last, and none of our words after it.

using System.Text;
using RawWs.Handshake;

namespace RawWs.Server.Log;

internal static class OriginAdvice
{
    /// <summary>How many characters of an origin or a host are shown at most.</summary>
    private const int ShownCharactersMax = 100;

    /// <summary>How many characters the whole text can have once it is escaped.</summary>
    public const int CharactersMax = 800;

    /// <summary>
    /// One line with the setting that would allow the request, and with what the client sent. Null if the request was refused for another
    /// reason.
    /// </summary>
    public static string? Of(UpgradeRequest request, HandshakeRule rule)
    {
        if (rule != HandshakeRules.OriginNotAllowed) return null;
        string advice = OriginRule.FindRemedy(request, out string name) switch
        {
            OriginRemedy.NameHost => $"--allowed-host {name} would let them in.",
            OriginRemedy.NameOrigin => $"--allowed-origin {name} would let them in.",
            _ => "No setting names such an origin; only --allowed-origin * lets it in.",
        };
        return $"{advice} Host: {Cut(Encoding.Latin1.GetString(request.Host))}, Origin: {Cut(request.Origin ?? "")}";
    }

    private static string Cut(string text) => text.Length <= ShownCharactersMax ? text : text[..ShownCharactersMax] + "…";
}

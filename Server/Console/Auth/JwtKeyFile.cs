// A file with keys, as the settings name it: FILE, or FILE@UNTIL for one that counts until then. There are two kinds, and a setting for
// each, because a public key must never be taken for a secret: whoever knows it could sign.
//
//   --jwt-key      a public key or a certificate in PEM, or a JWK Set of public keys (RFC 7517 §5)
//   --jwt-secret   a text that both sides know, alone in its file, or a JWK Set of secrets (RFC 7518 §6.4)

using System.Globalization;
using RawWs.Server.Console.Settings;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Auth;

/// <summary>A file of keys cannot be used. The message is one sentence, which names the file, and quotes nothing of it.</summary>
internal sealed class JwtKeyException(JwtKeyFile file, string problem) : Exception($"\"{file.Shown}\" {problem}");

/// <summary>A file with keys.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="IsSecret">Whether it has a secret.</param>
/// <param name="Until">When its keys stop to count; null for never.</param>
internal sealed record JwtKeyFile(string Path, bool IsSecret, DateTimeOffset? Until)
{
    public const string Allowed = "the path of a file, and behind it, if it ends, @ and a date (old.pem@2027-01-31) or a time in UTC "
        + "(old.pem@2027-01-31T12:00:00Z)";

    private const int BytesMax = 1 << 20;

    private static readonly string[] Dates = ["yyyy-MM-dd", "yyyy-MM-ddTHH:mmZ", "yyyy-MM-ddTHH:mm:ssZ"];

    /// <summary>The name, as a line can show it.</summary>
    public string Shown => LogText.Escape(Path);

    /// <summary>Reads FILE or FILE@UNTIL, for a secret.</summary>
    public static bool TrySecret(string text, out JwtKeyFile file) => TryParse(text, isSecret: true, out file);

    /// <summary>Reads FILE or FILE@UNTIL, for public keys.</summary>
    public static bool TryPublic(string text, out JwtKeyFile file) => TryParse(text, isSecret: false, out file);

    /// <summary>What is in it.</summary>
    /// <exception cref="JwtKeyException">It cannot be read, or is empty or larger than keys are.</exception>
    public byte[] ReadBytes()
    {
        try
        {
            if (PlainFile.FindLength(Path) is not { } length) throw new JwtKeyException(this, "is not there");
            if (length is 0 or > BytesMax) throw new JwtKeyException(this, $"has {length} bytes; keys have 1 to {BytesMax}");
            return File.ReadAllBytes(Path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException
            or NotSupportedException)
        {
            throw new JwtKeyException(this, $"cannot be read: {LogText.Escape(exception.Message)}");
        }
    }

    private static bool TryParse(string text, bool isSecret, out JwtKeyFile file)
    {
        int at = text.LastIndexOf('@');
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        bool hasEnd = DateTimeOffset.TryParseExact(text[(at + 1)..], Dates, CultureInfo.InvariantCulture, Utc, out DateTimeOffset until);
        file = hasEnd && at >= 0 ? new JwtKeyFile(text[..at], isSecret, until) : new JwtKeyFile(text, isSecret, null);
        return file.Path.Length > 0 && !file.Path.Any(char.IsControl);
    }
}

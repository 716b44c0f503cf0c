// The tokens of the admin port: a file with one in each line. A new one can be there beside the old one while those who call are changed.
// What is kept are hashes, so that comparing takes the same time however much of a token is right, and a dump of memory has none.

using System.Security.Cryptography;
using System.Text;
using RawWs.Server.Console.Settings;

namespace RawWs.Server.Console.Admin;

/// <summary>The tokens, one of which each request must have.</summary>
internal sealed class AdminTokens
{
    /// <summary>What is allowed, in words.</summary>
    public const string Allowed = "a file with a token of 16 to 512 visible ASCII characters in each line, 16 lines at most";

    private const int LengthMin = 16;
    private const int LengthMax = 512;
    private const int CountMax = 16;
    private const string Scheme = "Bearer ";

    private readonly byte[][] _hashes;

    private AdminTokens(IEnumerable<string> tokens) => _hashes = [.. tokens.Select(Hash)];

    /// <summary>Reads the tokens of a file. False when <see cref="FindError"/> finds something.</summary>
    public static bool TryRead(string path, out AdminTokens tokens) => Read(path, out tokens) is null;

    /// <summary>What is wrong with a file; null when nothing is. No token is quoted.</summary>
    public static string? FindError(string path) => Read(path, out _);

    /// <summary>Whether a request with this field (Authorization) has one of the tokens.</summary>
    public bool Match(string? authorization)
    {
        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return false;
        byte[] hash = Hash(authorization[Scheme.Length..].Trim());
        bool matches = false;
        foreach (byte[] own in _hashes) matches |= CryptographicOperations.FixedTimeEquals(own, hash);
        return matches;
    }

    private static string? Read(string path, out AdminTokens tokens)
    {
        tokens = new AdminTokens([]);
        List<string> lines = [];
        try
        {
            if (PlainFile.FindError(path, CountMax * (LengthMax + 2)) is { } error) return error;
            lines.AddRange(File.ReadLines(path, Encoding.Latin1).Select(static line => line.Trim()).Where(static line => line.Length > 0));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return exception.Message;
        }

        if (lines.Count is 0 or > CountMax) return $"the file has {lines.Count} tokens";
        if (lines.FindIndex(static line => !IsToken(line)) is var wrong and >= 0) return $"token {wrong + 1} of the file is not one";
        tokens = new AdminTokens(lines);
        return null;
    }

    private static bool IsToken(string line) =>
        line.Length is >= LengthMin and <= LengthMax && line.All(static c => c is > ' ' and <= '~');

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

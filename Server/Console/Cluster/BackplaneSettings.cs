// What the settings say about other servers: where NATS is, who logs in there, and what this node is called.

using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RawWs.Server.Console.Settings;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Cluster;

/// <summary>Immutable.</summary>
internal sealed record BackplaneSettings
{
    public const string NameAllowed = "letters, digits, - and _; up to 64 of them, and dots between; the last part is not node";
    public const string IdAllowed = "1 to 64 letters, digits, - and _";

    public const string PemAllowed = "the path of a file of 1 MiB at most";

    private const int NameCharactersMax = 64;
    private const int PemBytesMax = 1024 * 1024;
    private const int MessageBytesMax = 16 * 1024 * 1024; // of a client: that fits between nodes

    /// <summary>Where NATS is; null for no backplane.</summary>
    public BackplaneAddress? Address { get; init; }

    /// <summary>The name of the cluster.</summary>
    public string Cluster { get; init; } = "rawws";

    /// <summary>The name of this node in it; null for one that is drawn.</summary>
    public string? NodeId { get; init; }

    public string? User { get; init; }

    public SecretFile? Password { get; init; }

    public SecretFile? Token { get; init; }

    /// <summary>The file of a seed (nkey).</summary>
    public string? NKeyFile { get; init; }

    /// <summary>The file of a JWT with its seed.</summary>
    public string? CredentialsFile { get; init; }

    /// <summary>The file of the authorities that NATS' certificate is checked with; null for the system's.</summary>
    public string? AuthoritiesFile { get; init; }

    /// <summary>The file of this client's certificate.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>That of its key.</summary>
    public string? KeyFile { get; init; }

    /// <summary>How many copies NATS keeps of the list of who has which uid, where one connection only may have it.</summary>
    public int Replicas { get; init; } = 1;

    /// <summary>How long other nodes' answers are waited for.</summary>
    public TimeSpan AnswerWithin { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether the program is not ready while the backplane is away, or no uid can be claimed.</summary>
    public bool CountsForReadiness { get; init; }

    public bool IsOn => Address is not null;

    /// <summary>Reads how long an answer is waited for.</summary>
    public static bool TryAnswerTime(string text, out TimeSpan time) =>
        SettingText.TryTime(text, out time) && time.TotalSeconds is >= 0.1 and <= 60;

    /// <summary>Reads how many copies of claims there are: an odd number, of which more than half decide.</summary>
    public static bool TryReplicas(string text, out int count) => SettingText.TryCount(text, out count) && count is (1 or 3 or 5);

    /// <summary>Reads the name of a cluster.</summary>
    public static bool TryName(string text, out string name)
    {
        name = text;
        string[] parts = text.Split('.');
        return text.Length <= NameCharactersMax && parts.All(static part => TryId(part, out _)) && parts[^1] != "node";
    }

    /// <summary>Reads the id of a node.</summary>
    public static bool TryId(string text, out string id)
    {
        id = text;
        return text.Length is >= 1 and <= NameCharactersMax
            && text.All(static one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_');
    }

    /// <summary>Reads the name of a file with a seed: its line that begins with SU.</summary>
    public static bool TrySeedFile(string path, out string file)
    {
        file = path;
        return FindSeedError(path) is null;
    }

    /// <summary>What is wrong with a file that should have a seed; null when nothing is. Nothing of it is quoted.</summary>
    public static string? FindSeedError(string path) => ReadSeed(path, out _);

    /// <summary>Reads the seed in a file.</summary>
    /// <returns>What is wrong with the file; null when nothing is. Nothing of it is quoted.</returns>
    public static string? ReadSeed(string path, out string seed)
    {
        seed = "";
        if (SecretFile.ReadLines(path, out string[] lines) is { } error) return error;
        if (lines.Count(LooksLikeSeed) != 1) return "the file has no line that is the seed of a user (SU…)";
        seed = lines.Single(LooksLikeSeed);
        return NatsLogIn.IsSeed(seed) ? null : "the line that begins with SU is no seed: its checksum is wrong";
    }

    private static bool LooksLikeSeed(string line) =>
        line.Length == 58 && line.StartsWith("SU", StringComparison.Ordinal)
            && line.All(static one => one is (>= 'A' and <= 'Z') or (>= '2' and <= '7'));

    /// <summary>Reads the name of a file with a JWT and its seed.</summary>
    public static bool TryCredentialsFile(string path, out string file)
    {
        file = path;
        return FindCredentialsError(path) is null;
    }

    /// <summary>What is wrong with such a file; null when nothing is. Nothing of it is quoted.</summary>
    public static string? FindCredentialsError(string path)
    {
        if (SecretFile.ReadLines(path, out string[] lines) is { } error) return error;
        return lines.Any(static line => line.Contains("BEGIN NATS USER JWT", StringComparison.Ordinal))
            && lines.Any(static line => line.Contains("BEGIN USER NKEY SEED", StringComparison.Ordinal))
                ? null
                : "the file has no JWT and seed, as nsc writes them";
    }

    /// <summary>What is wrong between these settings; null when nothing is.</summary>
    /// <param name="isRouter">Whether messages are routed by uid.</param>
    /// <param name="messageBytesMax">The longest message that a client may send.</param>
    /// <param name="sharesUids">Whether several connections may have one uid, so that nothing is claimed.</param>
    /// <param name="handshakeTimeout">The time of a handshake, in which a uid is claimed.</param>
    public string? FindConflict(bool isRouter, int messageBytesMax, bool sharesUids, TimeSpan handshakeTimeout)
    {
        if (Address is null) return FindGiven() is { } given ? $"--{given}: needs --backplane" : null;
        if (!isRouter) return "--backplane: needs --app router; nothing else sends to other servers";
        if (messageBytesMax > MessageBytesMax) return $"--max-message: {MessageBytesMax >> 20} MiB at most with --backplane";
        if (sharesUids && Replicas != new BackplaneSettings().Replicas)
            return "--claim-replicas: needs --duplicate-uid replace or reject; nothing is claimed where uids are shared";
        if (!sharesUids && AnswerWithin >= handshakeTimeout)
            return string.Create(CultureInfo.InvariantCulture, $"--backplane-answer-within: must be shorter than --handshake-timeout with "
                + $"--duplicate-uid replace or reject, for a handshake waits for the claim of its uid; they are "
                + $"{AnswerWithin.TotalSeconds} s and {handshakeTimeout.TotalSeconds} s");
        if (User is null != Password is null) return "--backplane-user, --backplane-password-file: each needs the other";
        if (CertificateFile is null != KeyFile is null) return "--backplane-cert, --backplane-key: each needs the other";
        string[] ways = [.. WaysToLogIn()];
        if (ways.Length > 1)
            return $"--backplane: there are {ways.Length} ways to log in, and one is needed at most: {string.Join(", ", ways)}";
        return FindWrongFile();
    }

    private IEnumerable<string> WaysToLogIn()
    {
        if (Address?.User is not null) yield return "a user in the address";
        if (Address?.Token is not null) yield return "a token in the address";
        if (User is not null) yield return "--backplane-user";
        if (Token is not null) yield return "--backplane-token-file";
        if (NKeyFile is not null) yield return "--backplane-nkey-file";
        if (CredentialsFile is not null) yield return "--backplane-creds-file";
    }

    private string? FindGiven()
    {
        BackplaneSettings plain = new();
        return Cluster != plain.Cluster ? "cluster"
            : NodeId is not null ? "node-id"
            : User is not null ? "backplane-user"
            : Password is not null ? "backplane-password-file"
            : Token is not null ? "backplane-token-file"
            : NKeyFile is not null ? "backplane-nkey-file"
            : CredentialsFile is not null ? "backplane-creds-file"
            : AuthoritiesFile is not null ? "backplane-ca"
            : CertificateFile is not null ? "backplane-cert"
            : KeyFile is not null ? "backplane-key"
            : Replicas != plain.Replicas ? "claim-replicas"
            : AnswerWithin != plain.AnswerWithin ? "backplane-answer-within"
            : CountsForReadiness ? "backplane-ready" : null;
    }

    private string? FindWrongFile()
    {
        (string Name, string? Path)[] files =
            [("backplane-ca", AuthoritiesFile), ("backplane-cert", CertificateFile), ("backplane-key", KeyFile)];
        foreach ((string name, string? path) in files)
            if (path is not null && PlainFile.FindError(path, PemBytesMax) is { } error)
                return $"--{name}: \"{LogText.Escape(path)}\": {LogText.Escape(error)}";
        try
        {
            if (AuthoritiesFile is { } authorities)
            {
                X509Certificate2Collection found = [];
                found.ImportFromPemFile(authorities);
                if (found.Count == 0) return $"--backplane-ca: \"{LogText.Escape(authorities)}\" has no certificate in PEM";
            }
        }
        catch (Exception exception) when (IsOfAFile(exception))
        {
            return $"--backplane-ca: \"{LogText.Escape(AuthoritiesFile!)}\": {LogText.Escape(exception.Message)}";
        }

        try
        {
            if (CertificateFile is not null) X509Certificate2.CreateFromPemFile(CertificateFile, KeyFile).Dispose();
            return null;
        }
        catch (Exception exception) when (IsOfAFile(exception))
        {
            return $"--backplane-cert, --backplane-key: \"{LogText.Escape(CertificateFile!)}\", \"{LogText.Escape(KeyFile!)}\": "
                + LogText.Escape(exception.Message);
        }
    }

    private static bool IsOfAFile(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException or NotSupportedException;
}

// A token that `rawws token create` makes: the options, the claims, the signature.

using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using RawWs.Server.Console.Settings;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Auth;

internal sealed class NewToken
{
    private static readonly Option<string?> Uid = Text("--uid", "UID", "The uid. It is needed.");
    private static readonly Option<string?> Secret = Text("--secret", "FILE", "File with the secret, to sign with HS256.");
    private static readonly Option<string?> Key = Text("--key", "FILE",
        "File with the private key in PEM, to sign with RS256 (RSA) or ES256 (EC on P-256).");

    private static readonly Option<string?> Expires = Text("--expires", "SECONDS", "How long it is valid. Default: 3600.");
    private static readonly Option<string[]> To = List("--to", "WHO",
        "To whom the client may send: all, none, or uids; repeatable. Default: all.");

    private static readonly Option<string?> Issuer = Text("--issuer", "NAME", "By whom it is (iss). Default: none.");
    private static readonly Option<string[]> Audience = List("--audience", "NAME", "For whom it is (aud); repeatable. Default: none.");
    private static readonly Option<string?> KeyId = Text("--key-id", "ID", "The key's name in a JWK Set (kid). Default: none.");
    private static readonly Option<string?> UidClaim = Text("--uid-claim", "NAME", "The claim that is the uid. Default: sub.");
    private static readonly Option<string?> ToClaim = Text("--to-claim", "NAME", "The claim that says to whom. Default: to.");

    private string _claims = "";
    private SigningCredentials _credentials = null!;

    public static IReadOnlyList<Option> Options { get; } =
        [Uid, Secret, Key, Expires, To, Issuer, Audience, KeyId, UidClaim, ToClaim];

    /// <summary>Reads the options.</summary>
    /// <exception cref="TokenCommandException">One is wrong.</exception>
    /// <exception cref="JwtKeyException">The key's file is.</exception>
    public static NewToken Read(ParseResult parsed, TimeProvider time)
    {
        AuthSettings plain = new();
        string uidClaim = parsed.GetValue(UidClaim) ?? plain.UidClaim, rightsClaim = parsed.GetValue(ToClaim) ?? plain.RightsClaim;
        string claims = WriteClaims(parsed, uidClaim, rightsClaim, time.GetUtcNow());
        using JsonDocument document = JsonDocument.Parse(claims);
        if (Grant.Read(document.RootElement, uidClaim, rightsClaim, out _) is var (_, reason)) throw new TokenCommandException(reason);
        return new NewToken { _claims = claims, _credentials = ReadKey(parsed) };
    }

    /// <summary>Makes the token.</summary>
    public string Sign() => new JsonWebTokenHandler().CreateToken(_claims, _credentials);

    private static string WriteClaims(ParseResult parsed, string uidClaim, string rightsClaim, DateTimeOffset now)
    {
        string uid = parsed.GetValue(Uid) ?? throw new TokenCommandException("--uid is needed");
        string life = parsed.GetValue(Expires) ?? "3600";
        if (!SettingText.TryCount(life, out int seconds))
            throw new TokenCommandException($"--expires: \"{LogText.Escape(life)}\" is not allowed; allowed: seconds, 1 or more");
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes))
        {
            json.WriteStartObject();
            json.WriteString(uidClaim, uid);
            json.WriteNumber("iat", now.ToUnixTimeSeconds());
            json.WriteNumber("exp", now.AddSeconds(seconds).ToUnixTimeSeconds());
            if (parsed.GetValue(Issuer) is { } issuer) json.WriteString("iss", issuer);
            WriteList(json, "aud", parsed.GetValue(Audience));
            if (parsed.GetValue(To) is ["all" or "none"] only) json.WriteString(rightsClaim, only[0]);
            else WriteList(json, rightsClaim, parsed.GetValue(To));
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static void WriteList(Utf8JsonWriter json, string name, string[]? values)
    {
        if (values is null or []) return;
        json.WriteStartArray(name);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static SigningCredentials ReadKey(ParseResult parsed)
    {
        string? secret = parsed.GetValue(Secret), path = parsed.GetValue(Key);
        if (secret is null == path is null) throw new TokenCommandException("one of --secret and --key is needed");
        JwtKeyFile file = new(secret ?? path!, secret is not null, null);
        (string algorithm, SecurityKey key) = secret is null ? ReadPrivate(file) : ReadSecret(file);
        key.KeyId = parsed.GetValue(KeyId);
        return new SigningCredentials(key, algorithm);
    }

    private static (string Algorithm, SecurityKey Key) ReadSecret(JwtKeyFile file)
    {
        JwtKey secret = JwtKey.Read(file)[0];
        return (secret.Algorithm, secret.Key);
    }

    // Whether it can sign is found out here: the library would throw, and only when it is to sign. What is kept is a copy of the numbers.
    private static (string Algorithm, SecurityKey Key) ReadPrivate(JwtKeyFile file)
    {
        string text = Encoding.UTF8.GetString(file.ReadBytes());
        ReadOnlySpan<char> pem = FindPrivate(text);
        if (pem.Length == 0 && (text.Contains("PUBLIC KEY-----", StringComparison.Ordinal)
            || text.Contains("BEGIN CERTIFICATE-----", StringComparison.Ordinal)))
            throw new JwtKeyException(file, "has a public key, which only checks; the private one signs");
        using (RSA rsa = RSA.Create())
        {
            if (TryImport(rsa, pem))
            {
                JwtKey.CheckLength(file, rsa);
                return (SecurityAlgorithms.RsaSha256, new RsaSecurityKey(rsa.ExportParameters(true)));
            }
        }

        using (ECDsa ec = ECDsa.Create())
        {
            if (TryImport(ec, pem))
            {
                JwtKey.CheckCurve(file, ec);
                return (SecurityAlgorithms.EcdsaSha256, JwtKey.CopyOf(ec, withPrivate: true));
            }
        }

        throw new JwtKeyException(file, "has no private key in PEM, of RSA or on P-256, without a passphrase");
    }

    // The first private key of a file, in which others may be too; "" if there is none.
    private static ReadOnlySpan<char> FindPrivate(string text)
    {
        ReadOnlySpan<char> left = text;
        while (PemEncoding.TryFind(left, out PemFields pem))
        {
            if (left[pem.Label] is "PRIVATE KEY" or "RSA PRIVATE KEY" or "EC PRIVATE KEY") return left[pem.Location];
            left = left[pem.Location.End..];
        }

        return "";
    }

    private static bool TryImport(AsymmetricAlgorithm key, ReadOnlySpan<char> pem)
    {
        try
        {
            key.ImportFromPem(pem);
            return true;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            return false; // it may be the other kind
        }
    }

    private static Option<string?> Text(string name, string placeholder, string help) => new(name)
    {
        Description = help,
        HelpName = placeholder,
    };

    private static Option<string[]> List(string name, string placeholder, string help) => new(name)
    {
        Description = help,
        HelpName = placeholder,
        Arity = ArgumentArity.OneOrMore,
    };
}

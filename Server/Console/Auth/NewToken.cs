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

    private static (string Algorithm, SecurityKey Key) ReadPrivate(JwtKeyFile file)
    {
        string pem = Encoding.UTF8.GetString(file.ReadBytes());
        try
        {
            RSA rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            return (SecurityAlgorithms.RsaSha256, new RsaSecurityKey(rsa));
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            // It may be the other kind.
        }

        try
        {
            ECDsa ec = ECDsa.Create();
            ec.ImportFromPem(pem);
            if (ec.KeySize == 256) return (SecurityAlgorithms.EcdsaSha256, new ECDsaSecurityKey(ec));
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            // Nor is it that one.
        }

        throw new JwtKeyException(file, "has no private key in PEM, of RSA or on P-256, without a passphrase");
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

// A key, and how it is read from a file. A key has one algorithm, which follows from what it is, and not from what a token says: a token
// that is signed otherwise finds no key. So a secret can only check HS256, and a public key can never be used as a secret.
//
// EdDSA is not among the algorithms: neither the library nor the runtime has it.

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace RawWs.Server.Console.Auth;

/// <summary>A key that checks signatures.</summary>
/// <param name="Algorithm">The one algorithm that it is for: HS256, RS256 or ES256 (RFC 7518 §3.1).</param>
/// <param name="Key">The key, as the library has it.</param>
/// <param name="Id">Its name (RFC 7517 §4.5); null for none.</param>
/// <param name="Until">When it stops to count; null for never.</param>
internal sealed record JwtKey(string Algorithm, SecurityKey Key, string? Id, DateTimeOffset? Until)
{
    private const int SecretBytesMin = 32; // RFC 7518 §3.2: at least as long as the hash
    private const int SecretBytesMax = 1024;
    private const int RsaBitsMin = 2048; // RFC 7518 §3.3
    private const string RsaOid = "1.2.840.113549.1.1.1";
    private const string EcOid = "1.2.840.10045.2.1";
    private const string P256 = "P-256";
    private const string P256Oid = "1.2.840.10045.3.1.7";
    private const string Algorithms = "what is needed is an RSA key of 2048 bits or more, or an EC key on P-256";

    /// <summary>Reads the keys of a file.</summary>
    /// <exception cref="JwtKeyException">It has none that can be used, or one that must not be there.</exception>
    public static IReadOnlyList<JwtKey> Read(JwtKeyFile file)
    {
        byte[] bytes = file.ReadBytes();
        try
        {
            string text = Encoding.UTF8.GetString(bytes).Trim('\uFEFF');
            // A secret may begin as an object does, and be none.
            bool isSet = text.AsSpan().TrimStart(" \t\r\n").StartsWith('{') && (!file.IsSecret || IsJson(text));
            return isSet ? OfSet(file, text) : [file.IsSecret ? OfSecret(file, bytes) : OfPem(file, text)];
        }
        catch (Exception exception) when (exception is CryptographicException or JsonException or FormatException
            or InvalidOperationException or ArgumentException or NotSupportedException or KeyNotFoundException)
        {
            throw new JwtKeyException(file, file.IsSecret
                ? "has no secret that can be read: a line of text, or a JWK Set"
                : "has no keys that can be read: a public key or certificate in PEM, or a JWK Set");
        }
    }

    /// <summary>Checks that an RSA key is long enough.</summary>
    /// <exception cref="JwtKeyException">It is not.</exception>
    public static void CheckLength(JwtKeyFile file, RSA key)
    {
        if (key.KeySize < RsaBitsMin) throw new JwtKeyException(file, $"has an RSA key of {key.KeySize} bits; {Algorithms}");
    }

    /// <summary>Checks that an EC key is on P-256.</summary>
    /// <exception cref="JwtKeyException">It is not.</exception>
    public static void CheckCurve(JwtKeyFile file, ECDsa key)
    {
        if (key.ExportParameters(false).Curve.Oid is not ({ Value: P256Oid } or { FriendlyName: "nistP256" or "ECDSA_P256" }))
            throw new JwtKeyException(file, $"has an EC key on another curve; {Algorithms}");
    }

    /// <summary>A copy of the numbers of an EC key on P-256. (What the library makes of one keeps the key itself.)</summary>
    public static JsonWebKey CopyOf(ECDsa key, bool withPrivate)
    {
        ECParameters numbers = key.ExportParameters(withPrivate);
        return new JsonWebKey
        {
            Kty = JsonWebAlgorithmsKeyTypes.EllipticCurve,
            Crv = P256,
            X = Base64Url.EncodeToString(numbers.Q.X),
            Y = Base64Url.EncodeToString(numbers.Q.Y),
            D = withPrivate ? Base64Url.EncodeToString(numbers.D) : null,
        };
    }

    private static bool IsJson(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JwtKey OfSecret(JwtKeyFile file, byte[] bytes)
    {
        ReadOnlySpan<byte> secret = bytes.AsSpan().TrimEnd("\r\n"u8);
        if (secret.Length is < SecretBytesMin or > SecretBytesMax || secret.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
            throw new JwtKeyException(file, $"has no secret: one line of {SecretBytesMin} to {SecretBytesMax} visible ASCII characters");
        if (secret.StartsWith("MII"u8)) // how the base64 of an RSA key begins, which some identity providers show without its lines
            throw new JwtKeyException(file, "has a public key in base64 and no secret; in PEM it is one for --jwt-key");
        return new JwtKey(SecurityAlgorithms.HmacSha256, new SymmetricSecurityKey(secret.ToArray()), null, file.Until);
    }

    private static JwtKey OfPem(JwtKeyFile file, string text)
    {
        if (text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            throw new JwtKeyException(file, "has a private key, which only the one who signs may have; "
                + "its public half: openssl pkey -in FILE -pubout");
        PemFields pem = PemEncoding.Find(text);
        byte[] der = Convert.FromBase64String(text[pem.Base64Data]);
        using X509Certificate2? certificate =
            text[pem.Label] == "CERTIFICATE" ? X509CertificateLoader.LoadCertificate(der) : null;
        if (text[pem.Label] == "RSA PUBLIC KEY")
        {
            using RSA rsa = RSA.Create();
            rsa.ImportRSAPublicKey(der, out _);
            return OfRsa(file, rsa, null);
        }

        PublicKey key = certificate?.PublicKey ?? PublicKey.CreateFromSubjectPublicKeyInfo(der, out _);
        if (key.Oid.Value == RsaOid)
        {
            using RSA rsa = key.GetRSAPublicKey()!;
            return OfRsa(file, rsa, null);
        }

        if (key.Oid.Value != EcOid) throw new JwtKeyException(file, $"has a key of another kind; {Algorithms}");
        using ECDsa ec = key.GetECDsaPublicKey()!;
        return OfEc(file, ec, null);
    }

    // RFC 7517 §5: what is not known is passed over. But a private key is a mistake that somebody should learn of, and so is a secret in a
    // file that everybody may read.
    private static List<JwtKey> OfSet(JwtKeyFile file, string text)
    {
        using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
        JsonElement root = document.RootElement;
        IEnumerable<JsonElement> all = root.TryGetProperty("keys", out JsonElement keys) ? keys.EnumerateArray() : [root];
        List<JwtKey> read = [];
        foreach (JsonElement jwk in all)
        {
            string? kind = Text(jwk, "kty");
            if (kind != "oct" && jwk.TryGetProperty("d", out _))
                throw new JwtKeyException(file, "has a private key (\"d\"), which only the one who signs may have");
            if (kind == "oct" && !file.IsSecret)
                throw new JwtKeyException(file, "has a secret (\"oct\"), which belongs in a file of --jwt-secret");
            if (Text(jwk, "use") is not (null or "sig")) continue;
            JwtKey? key = (kind, Text(jwk, "alg"), Text(jwk, "crv")) switch
            {
                ("oct", null or SecurityAlgorithms.HmacSha256, _) => OfSecret(file, Bytes(jwk, "k"), Text(jwk, "kid")),
                _ when file.IsSecret => null,
                ("RSA", null or SecurityAlgorithms.RsaSha256, _) => OfRsa(file, jwk),
                ("EC", null or SecurityAlgorithms.EcdsaSha256, P256) => OfEc(file, jwk),
                _ => null,
            };
            if (key is not null) read.Add(key);
        }

        if (read.Count > 0) return read;
        throw new JwtKeyException(file, file.IsSecret
            ? "has no secret that can be used: a key of kind \"oct\", for HS256"
            : $"has no key that can be used; {Algorithms}");
    }

    private static JwtKey OfSecret(JwtKeyFile file, byte[] secret, string? id) => secret.Length >= SecretBytesMin
        ? new JwtKey(SecurityAlgorithms.HmacSha256, new SymmetricSecurityKey(secret), id, file.Until)
        : throw new JwtKeyException(file, $"has a secret of less than {SecretBytesMin} bytes");

    private static JwtKey OfRsa(JwtKeyFile file, JsonElement jwk)
    {
        using RSA key = RSA.Create(new RSAParameters { Modulus = Bytes(jwk, "n"), Exponent = Bytes(jwk, "e") });
        return OfRsa(file, key, Text(jwk, "kid"));
    }

    private static JwtKey OfEc(JwtKeyFile file, JsonElement jwk)
    {
        using ECDsa key = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") },
        });
        return OfEc(file, key, Text(jwk, "kid"));
    }

    // What is kept is a copy of the key's numbers.
    private static JwtKey OfRsa(JwtKeyFile file, RSA key, string? id)
    {
        CheckLength(file, key);
        return new JwtKey(SecurityAlgorithms.RsaSha256, new RsaSecurityKey(key.ExportParameters(false)), id, file.Until);
    }

    private static JwtKey OfEc(JwtKeyFile file, ECDsa key, string? id)
    {
        CheckCurve(file, key);
        return new JwtKey(SecurityAlgorithms.EcdsaSha256, CopyOf(key, withPrivate: false), id, file.Until);
    }

    private static string? Text(JsonElement jwk, string name) => jwk.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static byte[] Bytes(JsonElement jwk, string name) => Base64Url.DecodeFromChars(jwk.GetProperty(name).GetString());
}

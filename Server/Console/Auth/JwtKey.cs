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
            if (file.IsSecret) return [OfSecret(file, bytes)];
            string text = Encoding.UTF8.GetString(bytes);
            return text.AsSpan().TrimStart("\uFEFF \t\r\n").StartsWith('{') ? OfSet(file, text.Trim('\uFEFF')) : [OfPem(file, text)];
        }
        catch (Exception exception) when (exception is CryptographicException or JsonException or FormatException
            or InvalidOperationException or ArgumentException or NotSupportedException or KeyNotFoundException)
        {
            throw new JwtKeyException(file, "has no keys that can be read: a public key or certificate in PEM, or a JWK Set");
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
            RSA rsa = RSA.Create();
            rsa.ImportRSAPublicKey(der, out _);
            return OfRsa(file, rsa, null);
        }

        PublicKey key = certificate?.PublicKey ?? PublicKey.CreateFromSubjectPublicKeyInfo(der, out _);
        return key.Oid.Value switch
        {
            RsaOid => OfRsa(file, key.GetRSAPublicKey()!, null),
            EcOid => OfEc(file, key.GetECDsaPublicKey()!, null),
            _ => throw new JwtKeyException(file, $"has a key of another kind; {Algorithms}"),
        };
    }

    // RFC 7517 §5: what is not known is passed over. But a private key is a mistake that somebody should learn of.
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
            if (Text(jwk, "use") is not (null or "sig")) continue;
            JwtKey? key = (kind, Text(jwk, "alg"), Text(jwk, "crv")) switch
            {
                ("oct", null or SecurityAlgorithms.HmacSha256, _) => OfSecret(file, Bytes(jwk, "k"), Text(jwk, "kid")),
                ("RSA", null or SecurityAlgorithms.RsaSha256, _) => OfRsa(file, Rsa(jwk), Text(jwk, "kid")),
                ("EC", null or SecurityAlgorithms.EcdsaSha256, P256) => OfEc(file, Ec(jwk), Text(jwk, "kid")),
                _ => null,
            };
            if (key is not null) read.Add(key);
        }

        return read.Count > 0 ? read : throw new JwtKeyException(file, $"has no key that can be used; {Algorithms}");
    }

    private static JwtKey OfSecret(JwtKeyFile file, byte[] secret, string? id) => secret.Length >= SecretBytesMin
        ? new JwtKey(SecurityAlgorithms.HmacSha256, new SymmetricSecurityKey(secret), id, file.Until)
        : throw new JwtKeyException(file, $"has a secret of less than {SecretBytesMin} bytes");

    private static JwtKey OfRsa(JwtKeyFile file, RSA key, string? id) => key.KeySize >= RsaBitsMin
        ? new JwtKey(SecurityAlgorithms.RsaSha256, new RsaSecurityKey(key.ExportParameters(false)), id, file.Until)
        : throw new JwtKeyException(file, $"has an RSA key of {key.KeySize} bits; {Algorithms}");

    private static JwtKey OfEc(JwtKeyFile file, ECDsa key, string? id) =>
        key.ExportParameters(false).Curve.Oid is { Value: P256Oid } or { FriendlyName: "nistP256" or "ECDSA_P256" }
            ? new JwtKey(
                SecurityAlgorithms.EcdsaSha256, JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(key)), id, file.Until)
            : throw new JwtKeyException(file, $"has an EC key on another curve; {Algorithms}");

    private static RSA Rsa(JsonElement jwk) => RSA.Create(new RSAParameters { Modulus = Bytes(jwk, "n"), Exponent = Bytes(jwk, "e") });

    private static ECDsa Ec(JsonElement jwk) => ECDsa.Create(new ECParameters
    {
        Curve = ECCurve.NamedCurves.nistP256,
        Q = new ECPoint { X = Bytes(jwk, "x"), Y = Bytes(jwk, "y") },
    });

    private static string? Text(JsonElement jwk, string name) => jwk.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static byte[] Bytes(JsonElement jwk, string name) => Base64Url.DecodeFromChars(jwk.GetProperty(name).GetString());
}

// JSON Web Tokens by hand (RFC 7515 §3), so that there can be wrong ones; and keys in files. Nothing here uses the library that checks
// them.

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace RawWs.Tests.Support;

internal static class TestTokens
{
    public const string Secret = "a-secret-of-more-than-thirty-two-characters";

    /// <summary>Signed with HS256.</summary>
    public static string Hs256(string claims, string secret = Secret, string header = """{"alg":"HS256","typ":"JWT"}""") =>
        Sign(header, claims, bytes => HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), bytes));

    /// <summary>Signed with RS256.</summary>
    public static string Rs256(string claims, RSA key, string header = """{"alg":"RS256"}""") =>
        Sign(header, claims, bytes => key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    /// <summary>Signed with ES256.</summary>
    public static string Es256(string claims, ECDsa key, string header = """{"alg":"ES256"}""") =>
        Sign(header, claims, bytes => key.SignData(bytes, HashAlgorithmName.SHA256));

    /// <summary>Signed in any way.</summary>
    public static string Sign(string header, string claims, Func<byte[], byte[]> sign)
    {
        string text = $"{Encode(header)}.{Encode(claims)}";
        return $"{text}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(text)))}";
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    /// <summary>A key set with the public half of an RSA key.</summary>
    public static string KeySet(RSA key, string id)
    {
        RSAParameters parts = key.ExportParameters(false);
        return $$"""
            {"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"other"},{"kty":"RSA","use":"sig","alg":"RS256","kid":"{{id}}",
            "n":"{{Base64Url.EncodeToString(parts.Modulus)}}","e":"{{Base64Url.EncodeToString(parts.Exponent)}}"}]}
            """;
    }

    /// <summary>A key set with the public half of an EC key on P-256.</summary>
    public static string KeySet(ECDsa key, string id)
    {
        ECPoint point = key.ExportParameters(false).Q;
        return $$"""
            {"keys":[{"kty":"EC","crv":"P-256","kid":"{{id}}","x":"{{Base64Url.EncodeToString(point.X)}}",
            "y":"{{Base64Url.EncodeToString(point.Y)}}"}]}
            """;
    }
}

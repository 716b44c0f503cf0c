// Certificates of the tests' own, signed by themselves, or by an authority of the tests'.

using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RawWs.Server;

namespace RawWs.Tests.Support;

internal static class TestCertificate
{
    private static readonly Lazy<TlsCertificates> Shared = new(static () => new TlsCertificates([Context(Make("localhost"))]));

    /// <summary>One for localhost, with an EC key.</summary>
    public static TlsCertificates ForLocalhost => Shared.Value;

    /// <summary>A certificate with its key.</summary>
    /// <param name="name">The DNS name in it.</param>
    /// <param name="rsaBits">The length of an RSA key; 0 for an EC key.</param>
    /// <param name="from">Days from now to the first one on which it is valid.</param>
    /// <param name="until">Days from now to the last.</param>
    /// <param name="authority">Who signs it, if the key is EC; null: it signs itself.</param>
    public static X509Certificate2 Make(
        string name, int rsaBits = 0, int from = -1, int until = 30, X509Certificate2? authority = null)
    {
        using RSA? rsa = rsaBits > 0 ? RSA.Create(rsaBits) : null;
        using ECDsa? ec = rsaBits > 0 ? null : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = rsa is not null
            ? new CertificateRequest($"CN={name}", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={name}", ec!, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(name);
        if (name == "localhost") names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset now = DateTimeOffset.UtcNow;
        if (authority is null) return request.CreateSelfSigned(now.AddDays(from), now.AddDays(until));
        using X509Certificate2 signed = request.Create(authority, now.AddDays(from), now.AddDays(until), Guid.NewGuid().ToByteArray());
        return signed.CopyWithPrivateKey(ec!);
    }

    /// <summary>An authority, with its key.</summary>
    public static X509Certificate2 MakeAuthority()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=An authority for tests", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-2), now.AddDays(60));
    }

    public static SslStreamCertificateContext Context(X509Certificate2 certificate) =>
        SslStreamCertificateContext.Create(certificate, null, offline: true);

    /// <summary>Writes it as the program reads it: FILE.crt and FILE.key in a folder, in PEM.</summary>
    public static PemFiles Write(X509Certificate2 certificate, string folder, string file = "tls")
    {
        PemFiles files = new(Path.Combine(folder, file + ".crt"), Path.Combine(folder, file + ".key"));
        File.WriteAllText(files.Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(files.Key, KeyPem(certificate));
        return files;
    }

    /// <summary>The private key in PEM.</summary>
    public static string KeyPem(X509Certificate2 certificate)
    {
        using RSA? rsa = certificate.GetRSAPrivateKey();
        using ECDsa? ec = certificate.GetECDsaPrivateKey();
        return ((AsymmetricAlgorithm?)rsa ?? ec)!.ExportPkcs8PrivateKeyPem();
    }
}

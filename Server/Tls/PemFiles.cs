// Reads a certificate, its chain and its key from two PEM files, and says in a sentence what is wrong with them.

using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RawWs.Server.Log;

namespace RawWs.Server;

/// <summary>A certificate cannot be used. The message is a sentence for whoever runs the server; it names the file.</summary>
public sealed class TlsCertificateException : IOException
{
    internal TlsCertificateException(string sentence, Exception? cause = null)
        : base(sentence, cause)
    {
    }
}

/// <summary>Where a certificate and its key lie.</summary>
/// <param name="certificate">See <see cref="Certificate"/>.</param>
/// <param name="key">See <see cref="Key"/>.</param>
public sealed class PemFiles(string certificate, string key)
{
    private const int BytesMax = 1024 * 1024;

    /// <summary>The path of a PEM file: the certificate first, then the chain up to the root, which may be left out.</summary>
    public string Certificate { get; } = certificate;

    /// <summary>The path of a PEM file with the private key, without a passphrase. It may be the same file.</summary>
    public string Key { get; } = key;

    /// <summary>The certificate's path, as a log shows it.</summary>
    internal string ShownCertificate => LogText.Escape(Certificate);

    private string ShownKey => LogText.Escape(Key);

    /// <summary>Reads both.</summary>
    /// <exception cref="TlsCertificateException">They cannot be used.</exception>
    internal SslStreamCertificateContext Load(DateTimeOffset now)
    {
        X509Certificate2Collection chain = LoadChain(ReadText(Certificate));
        X509Certificate2 leaf = chain[0];
        if (leaf.NotAfter.ToUniversalTime() < now.UtcDateTime)
            throw new TlsCertificateException($"\"{ShownCertificate}\" has expired: it was valid until {Text(leaf.NotAfter)}");
        if (leaf.NotBefore.ToUniversalTime() > now.UtcDateTime)
            throw new TlsCertificateException($"\"{ShownCertificate}\" is not valid yet: it will be from {Text(leaf.NotBefore)} on");
        chain.RemoveAt(0);
        return SslStreamCertificateContext.Create(WithKey(leaf, ReadText(Key)), chain, offline: true);
    }

    private X509Certificate2Collection LoadChain(string text)
    {
        X509Certificate2Collection chain = [];
        try
        {
            chain.ImportFromPem(text);
        }
        catch (CryptographicException exception)
        {
            throw new TlsCertificateException(
                $"\"{ShownCertificate}\" cannot be read as certificates in PEM: {LogText.Escape(exception.Message)}", exception);
        }

        return chain.Count > 0 ? chain : throw new TlsCertificateException($"\"{ShownCertificate}\" has no certificate in PEM");
    }

    private X509Certificate2 WithKey(X509Certificate2 leaf, string text)
    {
        if (text.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal)
            || text.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
            throw new TlsCertificateException($"\"{ShownKey}\": the key has a passphrase; one without is needed");
        if (!text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            throw new TlsCertificateException($"\"{ShownKey}\" has no private key in PEM");
        try
        {
            X509Certificate2 both = X509Certificate2.CreateFromPem(leaf.ExportCertificatePem(), text);
            if (!OperatingSystem.IsWindows()) return both;
            // Its TLS wants a key that is kept somewhere.
            using (both) return X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new TlsCertificateException(IsKey(text)
                ? $"\"{ShownKey}\" is not the key of \"{ShownCertificate}\""
                : $"\"{ShownKey}\" has no private key that can be read (RSA or ECDSA is needed)", exception);
        }
    }

    private static bool IsKey(string text)
    {
        using RSA rsa = RSA.Create();
        using ECDsa ecdsa = ECDsa.Create();
        return IsKeyOf(rsa) || IsKeyOf(ecdsa);

        bool IsKeyOf(AsymmetricAlgorithm algorithm)
        {
            try
            {
                algorithm.ImportFromPem(text);
                return true;
            }
            catch (Exception exception) when (exception is CryptographicException or ArgumentException)
            {
                return false;
            }
        }
    }

    private static string ReadText(string path)
    {
        string shown = LogText.Escape(path);
        if (Directory.Exists(path)) throw new TlsCertificateException($"\"{shown}\" is a directory; a file in PEM is needed");
        try
        {
            FileInfo file = new(path);
            if (file.Exists && file.Length > BytesMax)
                throw new TlsCertificateException($"\"{shown}\" is larger than 1 MiB, which no PEM file is");
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TlsCertificateException($"\"{shown}\" is not there", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new TlsCertificateException($"\"{shown}\" cannot be read: not permitted", exception);
        }
        catch (Exception exception) when (exception is (IOException and not TlsCertificateException) or ArgumentException
            or NotSupportedException)
        {
            throw new TlsCertificateException($"\"{shown}\" cannot be read: {LogText.Escape(exception.Message)}", exception);
        }
    }

    private static string Text(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}

// Whom a wss:// URL's certificate is taken from: the system's authorities, those of a file, or anybody.

using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace RawWs.Conformance;

/// <param name="Authorities">The authorities; null for the system's.</param>
/// <param name="Anybody">Any certificate is taken.</param>
internal sealed record TlsTrust(X509Certificate2Collection? Authorities, bool Anybody)
{
    /// <summary>Those of a file in PEM, or null with what is wrong.</summary>
    public static TlsTrust? TryRead(string path, out string error)
    {
        X509Certificate2Collection authorities = [];
        error = "the name of a file is needed";
        if (path.Length == 0) return null;
        try
        {
            authorities.ImportFromPemFile(path);
            error = authorities.Count == 0 ? "it has no certificate in PEM" : "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException
            or ArgumentException or NotSupportedException)
        {
            error = exception.Message;
        }

        return error.Length == 0 ? new TlsTrust(authorities, Anybody: false) : null;
    }

    /// <summary>The handshake.</summary>
    /// <exception cref="AuthenticationException">It fails, or the certificate is not trusted.</exception>
    /// <exception cref="IOException">The stream ends.</exception>
    public async Task<Stream> OpenAsync(Socket socket, string host, CancellationToken deadline)
    {
        SslStream tls = new(new NetworkStream(socket));
        SslClientAuthenticationOptions options = new() { TargetHost = host, ApplicationProtocols = [SslApplicationProtocol.Http11] };
        if (Anybody) options.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null;
        if (Authorities is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(Authorities);
        }

        try
        {
            await tls.AuthenticateAsClientAsync(options, deadline).ConfigureAwait(false);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}

// Has certificates read again when their files have changed.

using Microsoft.Extensions.Logging;
using RawWs.Server.Console.Log;

namespace RawWs.Server.Console;

internal static class CertificateWatch
{
    /// <summary>Begins to look at the files. What cannot be used changes nothing; the log says why.</summary>
    public static FileWatch Begin(TlsCertificates certificates, TimeProvider time, ILogger log) => new(
        [.. certificates.Files.SelectMany(static pair => (string[])[pair.Certificate, pair.Key])], () => Reload(certificates, log), time);

    private static void Reload(TlsCertificates certificates, ILogger log)
    {
        try
        {
            certificates.Reload();
            log.CertificatesReloaded(string.Join(", ", certificates.Files.Select(static pair => pair.ShownCertificate)));
        }
        catch (TlsCertificateException exception)
        {
            log.CertificatesKept(exception.Message);
        }
    }
}

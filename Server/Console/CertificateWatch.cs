// Has certificates read again when their files have changed. The files are small, and what is in them is compared: that works for links
// and mounted folders too, of which some systems report nothing. Two files that belong together are not written at once. So a change is
// acted on when the next look finds the same.

using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using RawWs.Server.Console.Log;

namespace RawWs.Server.Console;

internal sealed class CertificateWatch : IDisposable
{
    /// <summary>The time between two looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly TlsCertificates _certificates;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly Lock _looking = new();
    private string _inForce;
    private string _before;

    public CertificateWatch(TlsCertificates certificates, TimeProvider time, ILogger log)
    {
        (_certificates, _log) = (certificates, log);
        _inForce = _before = ReadMark();
        _timer = time.CreateTimer(static watch => ((CertificateWatch)watch!).Look(), this, Interval, Interval);
    }

    /// <summary>Reads the files. What cannot be used changes nothing; the log says why.</summary>
    public static void Reload(TlsCertificates certificates, ILogger log)
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

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        lock (_looking)
        {
            string mark = ReadMark();
            bool isSettled = mark == _before;
            _before = mark;
            if (!isSettled || mark == _inForce) return;
            _inForce = mark;
            Reload(_certificates, _log);
        }
    }

    // What is in the files, in short.
    private string ReadMark()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (PemFiles pair in _certificates.Files)
        {
            foreach (string path in (string[])[pair.Certificate, pair.Key])
            {
                try
                {
                    hash.AppendData(SHA256.HashData(File.ReadAllBytes(path)));
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    hash.AppendData([0]); // it is not there now
                }
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}

// The certificates of a server, chosen by the name that the peer asks for (SNI). Those in force can be replaced while connections live: who
// is connected keeps its session, and the next handshake has the new ones. A set is checked as a whole before it comes into force, each
// pair by a handshake in memory: so a broken pair never does, and the first client does not wait for what the runtime sets up once.

using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using RawWs.Server.Tls;

namespace RawWs.Server;

/// <summary>The certificates with which a server speaks TLS, and what it speaks: TLS 1.2 and 1.3, ALPN http/1.1. Any thread.</summary>
public sealed class TlsCertificates
{
    private readonly Lock _loading = new();
    private readonly IReadOnlyList<PemFiles> _files;
    private readonly TimeProvider _time;
    private volatile Choice[] _choices;

    /// <summary>Certificates that are at hand.</summary>
    /// <param name="certificates">
    /// Each with its key and its chain; at least one. The first is also for peers that name nobody, or somebody for whom there is none.
    /// </param>
    /// <exception cref="TlsCertificateException">One of them cannot be used; the message says why.</exception>
    public TlsCertificates(IReadOnlyList<SslStreamCertificateContext> certificates)
    {
        ArgumentNullException.ThrowIfNull(certificates);
        (_files, _time) = ([], TimeProvider.System);
        _choices = Check([.. certificates.Select((certificate, i) => new Choice(certificate, $"certificate {i + 1}"))]);
    }

    private TlsCertificates(IReadOnlyList<PemFiles> files, TimeProvider time)
    {
        (_files, _time) = (files, time);
        _choices = Load();
    }

    /// <summary>The files from which they are read; empty if they are not.</summary>
    public IReadOnlyList<PemFiles> Files => _files;

    /// <summary>Whether a handshake takes milliseconds: a key is RSA. A loop has other clients to serve meanwhile.</summary>
    internal bool IsHandshakeSlow
    {
        get
        {
            foreach (Choice choice in _choices)
                if (choice.IsSlow) return true;
            return false;
        }
    }

    /// <summary>Reads certificates from files.</summary>
    /// <param name="files">At least one pair. The first is also for peers that name nobody, or somebody for whom there is none.</param>
    /// <param name="time">The clock by which a certificate has expired; null for the system's.</param>
    /// <exception cref="TlsCertificateException">A pair cannot be used: the message says which file, and why.</exception>
    public static TlsCertificates FromFiles(IReadOnlyList<PemFiles> files, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        return new TlsCertificates([.. files], time ?? TimeProvider.System);
    }

    /// <summary>Reads the files again. If all of it can be used it is in force from the next handshake on; else nothing changes.</summary>
    /// <exception cref="TlsCertificateException">A pair cannot be used: the message says which file, and why.</exception>
    /// <exception cref="InvalidOperationException">They were not read from files.</exception>
    public void Reload()
    {
        if (_files.Count == 0) throw new InvalidOperationException("These certificates were not read from files.");
        lock (_loading) _choices = Load();
    }

    /// <summary>What a peer that asks for this name is answered with.</summary>
    internal SslServerAuthenticationOptions Choose(string serverName)
    {
        Choice[] choices = _choices;
        if (serverName.Length > 0 && choices.Length > 1)
        {
            foreach (Choice choice in choices)
                if (choice.IsFor(serverName)) return choice.Options;
        }

        return choices[0].Options;
    }

    private Choice[] Load() =>
        Check([.. _files.Select(pair => new Choice(pair.Load(_time.GetUtcNow()), $"\"{pair.ShownCertificate}\""))]);

    private static Choice[] Check(Choice[] choices)
    {
        if (choices.Length == 0) throw new TlsCertificateException("at least one certificate is needed");
        foreach (Choice choice in choices)
            if (TlsTrial.FindError(choice.Options) is { } error)
                throw new TlsCertificateException($"{choice.Name} cannot be used: {error}");
        return choices;
    }

    /// <summary>One certificate, and the options of a handshake with it.</summary>
    private sealed class Choice
    {
        private readonly X509Certificate2 _certificate;

        public Choice(SslStreamCertificateContext context, string name)
        {
            (_certificate, Name) = (context.TargetCertificate, name);
            using System.Security.Cryptography.RSA? key = _certificate.GetRSAPublicKey();
            IsSlow = key is not null;
            Options = new SslServerAuthenticationOptions
            {
                ServerCertificateContext = context,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ApplicationProtocols = [SslApplicationProtocol.Http11],
                AllowRenegotiation = false,
                ClientCertificateRequired = false,
            };
        }

        public string Name { get; }

        public bool IsSlow { get; }

        public SslServerAuthenticationOptions Options { get; }

        public bool IsFor(string serverName) => _certificate.MatchesHostname(serverName, allowCommonName: false);
    }
}

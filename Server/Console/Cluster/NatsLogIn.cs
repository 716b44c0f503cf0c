// What NATS' client is told of the settings: addresses, who logs in, TLS.

using NATS.Client.Core;
using NATS.NKeys;

namespace RawWs.Server.Console.Cluster;

internal static class NatsLogIn
{
    /// <summary>The options of the client.</summary>
    /// <param name="settings">The settings, which have an address.</param>
    /// <param name="nodeId">The name that NATS shows of this client.</param>
    public static NatsOpts Of(BackplaneSettings settings, string nodeId) => NatsOpts.Default with
    {
        Url = settings.Address!.Urls,
        Name = $"rawws {nodeId}",
        AuthOpts = Authentication(settings),
        TlsOpts = new NatsTlsOpts
        {
            CaFile = settings.AuthoritiesFile,
            CertFile = settings.CertificateFile,
            KeyFile = settings.KeyFile,
            Mode = settings.Address.IsTls || settings.AuthoritiesFile is not null || settings.CertificateFile is not null
                ? TlsMode.Require
                : TlsMode.Auto,
        },
        // A line that is dead without a word is noticed within twelve seconds.
        PingInterval = TimeSpan.FromSeconds(3),
        MaxPingOut = 3,
        // It comes back whatever the reason was: somebody may have changed the users of NATS for a moment.
        IgnoreAuthErrorAbort = true,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(250),
        ReconnectJitter = TimeSpan.FromMilliseconds(250),
        ReconnectWaitMax = TimeSpan.FromSeconds(5),
    };

    private static NatsAuthOpts Authentication(BackplaneSettings settings)
    {
        BackplaneAddress address = settings.Address!;
        if (settings.NKeyFile is { } file && SecretFile.ReadLines(file, out string[] lines) is null
            && lines.FirstOrDefault(BackplaneSettings.IsSeed) is { } seed)
            return NatsAuthOpts.Default with { Seed = seed, NKey = KeyPair.FromSeed(seed).GetPublicKey() };
        return NatsAuthOpts.Default with
        {
            Username = settings.User ?? address.User,
            Password = settings.Password?.Text ?? address.Password,
            Token = settings.Token?.Text ?? address.Token,
            CredsFile = settings.CredentialsFile,
        };
    }
}

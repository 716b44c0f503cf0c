// What NATS' client is told of the settings: addresses, who logs in, TLS.

using System.Runtime.CompilerServices;
using NATS.Client.Core;
using NATS.NKeys;
using RawWs.Server.Listening;
using RawWs.Server.Log;

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
        ReconnectWaitMax = TimeSpan.FromSeconds(3), // nodes that come back find each other before one of them is taken to be silent
    };

    /// <summary>Whether what looks like a seed is one: it has a checksum.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool IsSeed(string seed)
    {
        try
        {
            KeyPair.FromSeed(seed);
            return true;
        }
        catch (NKeysException)
        {
            return false;
        }
    }

    private static NatsAuthOpts Authentication(BackplaneSettings settings)
    {
        BackplaneAddress address = settings.Address!;
        if (settings.NKeyFile is { } file)
        {
            if (BackplaneSettings.ReadSeed(file, out string seed) is { } error)
                throw new StartException($"--backplane-nkey-file: \"{LogText.Escape(file)}\": {error}");
            return NatsAuthOpts.Default with { Seed = seed, NKey = KeyPair.FromSeed(seed).GetPublicKey() };
        }

        return NatsAuthOpts.Default with
        {
            Username = settings.User ?? address.User,
            Password = settings.Password?.Text ?? address.Password,
            Token = settings.Token?.Text ?? address.Token,
            CredsFile = settings.CredentialsFile,
        };
    }
}

// What NATS' client is told of the settings: addresses, who logs in, TLS.

using System.Runtime.CompilerServices;
using NATS.Client.Core;
using NATS.NKeys;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Nats;

namespace RawWs.Server.Console.Cluster;

internal static class NatsLogIn
{
    /// <summary>The options of the client.</summary>
    /// <param name="settings">The settings, which have an address.</param>
    /// <param name="nodeId">The name that NATS shows of this client.</param>
    public static NatsOpts Of(BackplaneSettings settings, string nodeId) => NatsBackplaneOptions.DefaultNats with
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

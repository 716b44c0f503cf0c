// The rows of the table of settings that are about the cluster and its backplane.

using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Settings;

internal static class BackplaneRows
{
    public static readonly IReadOnlyList<Setting> All =
    [
        Setting.Backplane<BackplaneAddress>("backplane", "URL",
            "Where NATS is: all RawWs servers with the same NATS and the same --cluster act as one. nats://HOST:PORT, or tls://; several "
            + "NATS servers with commas between (docs/ops/cluster.md). If none answers at the start, the program does not start. "
            + "Default: none.", BackplaneAddress.Allowed,
            BackplaneAddress.TryParse, static (backplane, value) => backplane with { Address = value }) with
        {
            FindReason = BackplaneAddress.FindError,
            Show = BackplaneAddress.Hide,
        },
        Setting.Backplane<string>("cluster", "NAME",
            "For --backplane: the name of the cluster. Nodes of one name are one; every subject in NATS begins with it. Default: rawws.",
            BackplaneSettings.NameAllowed, BackplaneSettings.TryName, static (backplane, value) => backplane with { Cluster = value }),
        Setting.Backplane<string>("node-id", "ID",
            "For --backplane: the name of this node in the cluster. While another one of this name is there it does not start. Default: "
            + "none, and then one is drawn at each start.",
            BackplaneSettings.IdAllowed, BackplaneSettings.TryId, static (backplane, value) => backplane with { NodeId = value }),
        Setting.Backplane<string>("backplane-user", "NAME", "For --backplane: the user to log in as. Default: none.",
            "text without control characters", SettingText.TryWord, static (backplane, value) => backplane with { User = value }),
        Setting.Backplane<SecretFile>("backplane-password-file", "FILE", "For --backplane-user: file with the password. Default: none.",
            SecretFile.Allowed, SecretFile.TryRead, static (backplane, value) => backplane with { Password = value })
            with { FindReason = SecretFile.FindError },
        Setting.Backplane<SecretFile>("backplane-token-file", "FILE", "For --backplane: file with the token to log in with. Default: none.",
            SecretFile.Allowed, SecretFile.TryRead, static (backplane, value) => backplane with { Token = value })
            with { FindReason = SecretFile.FindError },
        Setting.Backplane<string>("backplane-nkey-file", "FILE",
            "For --backplane: file with the seed of the user's key (nkey), a line that begins with SU. Default: none.",
            "the path of a file with a seed", BackplaneSettings.TrySeedFile,
            static (backplane, value) => backplane with { NKeyFile = value })
            with { FindReason = BackplaneSettings.FindSeedError },
        Setting.Backplane<string>("backplane-creds-file", "FILE",
            "For --backplane: file with the user's JWT and seed, as nsc writes it. Default: none.", "the path of a file of credentials",
            BackplaneSettings.TryCredentialsFile, static (backplane, value) => backplane with { CredentialsFile = value })
            with { FindReason = BackplaneSettings.FindCredentialsError },
        Setting.Backplane<string>("backplane-ca", "FILE",
            "For --backplane: the authorities whose certificates NATS may have, in PEM. With it, and with --backplane-cert, there is TLS, "
            + "or no connection. Default: none, and then those of the system.", BackplaneSettings.PemAllowed, SettingText.TryWord,
            static (backplane, value) => backplane with { AuthoritiesFile = value }),
        Setting.Backplane<string>("backplane-cert", "FILE",
            "For --backplane: the certificate that this node shows to NATS, in PEM. Default: none.", BackplaneSettings.PemAllowed,
            SettingText.TryWord, static (backplane, value) => backplane with { CertificateFile = value }),
        Setting.Backplane<string>("backplane-key", "FILE",
            "For --backplane-cert: its private key, in PEM, without a passphrase. Default: none.", BackplaneSettings.PemAllowed,
            SettingText.TryWord, static (backplane, value) => backplane with { KeyFile = value }),
        Setting.Backplane<int>("claim-replicas", "COUNT",
            "For --backplane with --duplicate-uid replace or reject, for which NATS needs JetStream: how many copies NATS keeps of the "
            + "list of who has which uid: 1, or 3, so that one NATS server may fail, or 5 for two. Default: 1.", "1, 3, 5",
            BackplaneSettings.TryReplicas, static (backplane, value) => backplane with { Replicas = value }),
        Setting.Backplane<TimeSpan>("backplane-answer-within", "SECONDS",
            "For --backplane: time for another node, and for NATS, to answer. Past it a sender is told error:unreachable, and a newcomer "
            + "whose uid must be claimed gets 503; with --duplicate-uid replace or reject it is shorter than --handshake-timeout. Default: "
            + "2 s.", "a number of seconds from 0.1 to 60", BackplaneSettings.TryAnswerTime,
            static (backplane, value) => backplane with { AnswerWithin = value }),
        Setting.Backplane<bool>("backplane-ready", "on|off",
            "For --backplane: whether /readyz of the admin port says no while NATS is away, while not all nodes have told which uids "
            + "they have, or while no uid can be claimed. Default: off.", "on, off", SettingText.OnOff,
            static (backplane, value) => backplane with { CountsForReadiness = value }),
    ];
}

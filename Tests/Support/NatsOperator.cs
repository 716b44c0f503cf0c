// Who may log in to NATS by a JWT, as `nsc` arranges it: an operator signs for an account, and the account for a user. NATS' client can
// sign, and not write these; so they are written here.

using System.Buffers.Text;
using System.Text;
using NATS.NKeys;

namespace RawWs.Tests.Support;

internal sealed class NatsOperator : IDisposable
{
    private const string OperatorClaims = """{"type":"operator","version":2}""";
    private const string UserClaims = """{"type":"user","version":2,"subs":-1,"data":-1,"payload":-1}""";
    private const string Limits = """{"subs":-1,"conn":-1,"leaf":-1,"imports":-1,"exports":-1,"data":-1,"payload":-1,"wildcards":true}""";
    private const string AccountClaims = """{"type":"account","version":2,"limits":""" + Limits + "}";

    private readonly KeyPair _operator = KeyPair.CreatePair(PrefixByte.Operator);
    private readonly KeyPair _account = KeyPair.CreatePair(PrefixByte.Account);
    private readonly KeyPair _system = KeyPair.CreatePair(PrefixByte.Account); // JetStream needs one of its own

    /// <summary>What a server of NATS is told.</summary>
    public string Configuration => $$"""
        operator: "{{Jwt(_operator, _operator, OperatorClaims)}}"
        system_account: {{_system.GetPublicKey()}}
        resolver: MEMORY
        resolver_preload: {
          {{_account.GetPublicKey()}}: "{{Account(_account)}}"
          {{_system.GetPublicKey()}}: "{{Account(_system)}}"
        }

        """;

    /// <summary>The file of a user.</summary>
    public string Credentials()
    {
        using KeyPair user = KeyPair.CreatePair(PrefixByte.User);
        return $"""
            -----BEGIN NATS USER JWT-----
            {Jwt(_account, user, UserClaims)}
            ------END NATS USER JWT------

            -----BEGIN USER NKEY SEED-----
            {user.GetSeed()}
            ------END USER NKEY SEED------

            """;
    }

    public void Dispose()
    {
        foreach (KeyPair pair in (KeyPair[])[_operator, _account, _system]) pair.Dispose();
    }

    private string Account(KeyPair account) => Jwt(_operator, account, AccountClaims);

    private static string Jwt(KeyPair issuer, KeyPair subject, string claims)
    {
        string payload = $$"""
            {"jti":"1","iat":1700000000,"iss":"{{issuer.GetPublicKey()}}","sub":"{{subject.GetPublicKey()}}","name":"x","nats":{{claims}}}
            """;
        string body = Encode("""{"typ":"JWT","alg":"ed25519-nkey"}"""u8) + "." + Encode(Encoding.UTF8.GetBytes(payload));
        byte[] signature = new byte[64];
        issuer.Sign(Encoding.ASCII.GetBytes(body), signature);
        return $"{body}.{Encode(signature)}";
    }

    private static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);
}

// A whole handshake in memory, between a session of ours and a client of the runtime's. It shows that a certificate and its key work, and
// has the runtime set up what the first handshake needs (some tenths of a second) before anybody waits for it.

using System.Net.Security;

namespace RawWs.Server.Tls;

internal static class TlsTrial
{
    /// <summary>What is wrong; null when nothing is.</summary>
    public static string? FindError(SslServerAuthenticationOptions options)
    {
        // A caller's context (a user interface's) would have each step run elsewhere.
        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return Try(options);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private static string? Try(SslServerAuthenticationOptions options)
    {
        End client = new(), server = new();
        using SslStream clients = new(client.Stream), servers = new(server.Stream);
        Task asked, answered;
        OpenSslContexts.BeginHandshake();
        try
        {
            asked = clients.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "trial",
                EnabledSslProtocols = options.EnabledSslProtocols,
                ApplicationProtocols = options.ApplicationProtocols,
                RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
            });
            answered = servers.AuthenticateAsServerAsync(options);
            while (client.TryPass(server) || server.TryPass(client))
            {
            }
        }
        finally
        {
            OpenSslContexts.EndHandshake();
        }

        if (answered.Exception is { } failure) return failure.GetBaseException().Message;
        if (asked.Exception is { } refusal) return refusal.GetBaseException().Message;
        return answered.IsCompleted && asked.IsCompleted ? null : "the handshake does not end";
    }

    /// <summary>One end of the conversation: what it has said and the other has not heard.</summary>
    private sealed class End : ITlsSink
    {
        private readonly List<byte> _said = [];

        public End() => Stream = new CipherStream(this);

        public CipherStream Stream { get; }

        public void OnSealed(ReadOnlySpan<byte> records) => _said.AddRange(records);

        // False when there is nothing to pass on.
        public bool TryPass(End other)
        {
            byte[] said = [.. _said];
            _said.Clear();
            for (int at = 0, taken; at < said.Length; at += taken)
            {
                taken = other.Stream.Give(new ArraySegment<byte>(said, at, said.Length - at));
                if (taken == 0) return false;
            }

            return said.Length > 0;
        }
    }
}

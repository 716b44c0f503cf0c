// Who decides about clients. What is decided is a grant, or a refusal.

using System.Diagnostics.CodeAnalysis;

namespace RawWs.Server.Console.Auth;

internal interface IAuthority
{
    /// <summary>
    /// Decides about a request. It never throws, and ends within a bound of its own. What blocks or takes long runs on another thread: this
    /// is called on the connection's loop.
    /// </summary>
    ValueTask<AuthVerdict> DecideAsync(UpgradeContext context);

    /// <summary>Why nobody can be let in now; null when somebody can.</summary>
    string? FindUnready();
}

/// <summary>A grant, or a refusal.</summary>
internal readonly record struct AuthVerdict(Grant? Grant, AuthRefusal? Refusal)
{
    public static implicit operator AuthVerdict(Grant grant) => new(grant, null);

    public static implicit operator AuthVerdict(AuthRefusal refusal) => new(null, refusal);

    /// <summary>Whether the client is let in.</summary>
    public bool IsGranted([NotNullWhen(true)] out Grant? grant)
    {
        grant = Grant;
        return grant is not null;
    }
}

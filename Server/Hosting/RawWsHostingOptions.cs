// What the service needs to know beside the server's own options.

namespace RawWs.Server.Hosting;

/// <summary>The options of the service that runs a server in a host.</summary>
public sealed class RawWsHostingOptions
{
    /// <summary>
    /// How long connections may take to close when the host stops, 0 to 24 hours; not longer than the host's own time for that
    /// (<c>HostOptions.ShutdownTimeout</c>). Default: 5 s.
    /// </summary>
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(5);
}

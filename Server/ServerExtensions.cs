// The extensions of a server, made of its options.

using Microsoft.Extensions.Logging;
using RawWs.Handshake;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;

namespace RawWs.Server;

internal static class ServerExtensions
{
    /// <summary>Makes the extensions that are switched on. What cannot be made is logged, and left out.</summary>
    public static IEnumerable<Extension> Make(ServerOptions options, MemoryBudget budget, ILogger log)
    {
        if (options.Compression && MakeDeflate(options, budget, log) is { } deflate) yield return deflate;
        foreach (Func<MemoryBudget, Extension> make in options.FurtherExtensions) yield return make(budget);
    }

    private static PermessageDeflate? MakeDeflate(ServerOptions options, MemoryBudget budget, ILogger log)
    {
        DeflatePolicy policy = new()
        {
            ServerTakeover = options.CompressionTakeover,
            ClientTakeover = options.CompressionTakeover,
            ServerWindowBits = options.CompressionWindowBits,
            ClientWindowBits = options.CompressionWindowBits,
        };
        return PermessageDeflate.TryCreate(policy, options.CompressionLevel, options.CompressionBytesMin, options.Loops, budget, log);
    }
}

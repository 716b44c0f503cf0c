// Reads a section of the configuration: each key is a property of the options, by its name. Written by hand, because the framework's
// binder knows no IPEndPoint, ignores a key that it does not know, and needs reflection. A key that means nothing and a value that cannot
// be read are errors, which name the key.

using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace RawWs.Server.Hosting;

internal static class SectionReader
{
    private static readonly Dictionary<string, Action<ServerOptions, IConfigurationSection>> ServerKeys = new(
        StringComparer.OrdinalIgnoreCase)
    {
        [nameof(ServerOptions.ListenEndPoints)] = static (options, given) => options.ListenEndPoints = List(given, EndPoint),
        [nameof(ServerOptions.TlsEndPoints)] = static (options, given) => options.TlsEndPoints = List(given, EndPoint),
        [nameof(ServerOptions.Listeners)] = static (options, given) => options.Listeners = List(given, Listener),
        [nameof(ServerOptions.TrustedProxies)] = static (options, given) => options.TrustedProxies = List(given, static text => text),
        [nameof(ServerOptions.ForwardedField)] = static (options, given) => options.ForwardedField = Read(given, Word<ForwardedField>),
        [nameof(ServerOptions.TlsHandshakesMax)] = static (options, given) => options.TlsHandshakesMax = Read(given, Number),
        [nameof(ServerOptions.Transport)] = static (options, given) => options.Transport = Read(given, Word<TransportKind>),
        [nameof(ServerOptions.IoUring)] = static (options, given) => options.IoUring = Read(given, bool.Parse),
        [nameof(ServerOptions.Loops)] = static (options, given) => options.Loops = Read(given, Number),
        [nameof(ServerOptions.MessageBytesMax)] = static (options, given) => options.MessageBytesMax = Read(given, Number),
        [nameof(ServerOptions.FragmentsMax)] = static (options, given) => options.FragmentsMax = Read(given, Number),
        [nameof(ServerOptions.MessageTimeout)] = static (options, given) => options.MessageTimeout = Read(given, Time),
        [nameof(ServerOptions.SendBufferBytesMax)] = static (options, given) => options.SendBufferBytesMax = Read(given, Number),
        [nameof(ServerOptions.SlowConsumer)] = static (options, given) => options.SlowConsumer = Read(given, Word<SlowConsumer>),
        [nameof(ServerOptions.ConnectionsMax)] = static (options, given) => options.ConnectionsMax = Read(given, Number),
        [nameof(ServerOptions.ConnectionsPerAddressMax)] =
            static (options, given) => options.ConnectionsPerAddressMax = Read(given, Number),
        [nameof(ServerOptions.ConnectionsPerUidMax)] = static (options, given) => options.ConnectionsPerUidMax = Read(given, Number),
        [nameof(ServerOptions.HandshakeRate)] = static (options, given) => options.HandshakeRate = Read(given, Rate),
        [nameof(ServerOptions.MessageRate)] = static (options, given) => options.MessageRate = Read(given, Rate),
        [nameof(ServerOptions.ByteRate)] = static (options, given) => options.ByteRate = Read(given, Rate),
        [nameof(ServerOptions.BroadcastRate)] = static (options, given) => options.BroadcastRate = Read(given, Rate),
        [nameof(ServerOptions.OverRate)] = static (options, given) => options.OverRate = Read(given, Word<OverRate>),
        [nameof(ServerOptions.MemoryBytesMax)] = static (options, given) => options.MemoryBytesMax = Read(given, LongNumber),
        [nameof(ServerOptions.HandshakeTimeout)] = static (options, given) => options.HandshakeTimeout = Read(given, Time),
        [nameof(ServerOptions.CloseTimeout)] = static (options, given) => options.CloseTimeout = Read(given, Time),
        [nameof(ServerOptions.DrainCloseCode)] = static (options, given) => options.DrainCloseCode = (ushort)Read(given, Number),
        [nameof(ServerOptions.DrainSpread)] = static (options, given) => options.DrainSpread = Read(given, Time),
        [nameof(ServerOptions.SendTimeout)] = static (options, given) => options.SendTimeout = Read(given, Time),
        [nameof(ServerOptions.Heartbeat)] = static (options, given) => options.Heartbeat = Read(given, Time),
        [nameof(ServerOptions.PingInterval)] = static (options, given) => options.PingInterval = Read(given, Time),
        [nameof(ServerOptions.PingText)] = static (options, given) => options.PingText = Read(given, static text => text),
        [nameof(ServerOptions.AllowedOrigins)] = static (options, given) => options.AllowedOrigins = List(given, static text => text),
        [nameof(ServerOptions.AllowedHosts)] = static (options, given) => options.AllowedHosts = List(given, static text => text),
        [nameof(ServerOptions.Subprotocols)] = static (options, given) => options.Subprotocols = List(given, static text => text),
        [nameof(ServerOptions.Endpoints)] = static (options, given) => options.Endpoints = List(given, static text => text),
        [nameof(ServerOptions.Compression)] = static (options, given) => options.Compression = Read(given, bool.Parse),
        [nameof(ServerOptions.CompressionLevel)] = static (options, given) => options.CompressionLevel = Read(given, Number),
        [nameof(ServerOptions.CompressionBytesMin)] = static (options, given) => options.CompressionBytesMin = Read(given, Number),
        [nameof(ServerOptions.CompressionTakeover)] = static (options, given) => options.CompressionTakeover = Read(given, bool.Parse),
        [nameof(ServerOptions.CompressionWindowBits)] = static (options, given) => options.CompressionWindowBits = Read(given, Number),
    };

    /// <summary>The keys of the server's options.</summary>
    public static IReadOnlyCollection<string> Names => ServerKeys.Keys;

    /// <summary>Sets what the section has of the server's options.</summary>
    /// <exception cref="OptionsValidationException">A key means nothing, or its value cannot be read.</exception>
    public static void Read(IConfigurationSection section, ServerOptions options)
    {
        foreach (IConfigurationSection given in section.GetChildren())
        {
            if (IsDrain(given)) continue;
            if (!ServerKeys.TryGetValue(given.Key, out Action<ServerOptions, IConfigurationSection>? set))
                throw Error(given, "there is no such option");
            set(options, given);
        }
    }

    /// <summary>Sets what the section has of the service's options.</summary>
    /// <exception cref="OptionsValidationException">A value cannot be read.</exception>
    public static void Read(IConfigurationSection section, RawWsHostingOptions options)
    {
        foreach (IConfigurationSection given in section.GetChildren())
            if (IsDrain(given)) options.Drain = Read(given, Time);
    }

    private static bool IsDrain(IConfigurationSection given) =>
        given.Key.Equals(nameof(RawWsHostingOptions.Drain), StringComparison.OrdinalIgnoreCase);

    private static T Read<T>(IConfigurationSection given, Func<string, T> parse)
    {
        if (given.Value is null) throw Error(given, "one value is needed");
        try
        {
            return parse(given.Value);
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentException)
        {
            throw Error(given, $"\"{given.Value}\" cannot be read: {exception.Message}");
        }
    }

    // An array, as a file has it (RawWs:AllowedHosts:0), or one value alone.
    private static List<T> List<T>(IConfigurationSection given, Func<string, T> parse)
    {
        if (given.Value is { Length: > 0 }) return [Read(given, parse)];
        return [.. given.GetChildren().Select(element => Read(element, parse))];
    }

    private static OptionsValidationException Error(IConfigurationSection given, string problem) =>
        new(nameof(ServerOptions), typeof(ServerOptions), [$"{given.Path}: {problem}"]);

    private static int Number(string text) => int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static long LongNumber(string text) => long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    // As the program's settings have it: so many a second, and behind a slash how many at once.
    private static RateLimit Rate(string text)
    {
        string[] parts = text.Split('/');
        return parts.Length <= 2
            ? new RateLimit(Number(parts[0]), Number(parts[^1]))
            : throw new FormatException("A number is needed, or two with a slash between them.");
    }

    private static TimeSpan Time(string text) => TimeSpan.Parse(text, CultureInfo.InvariantCulture);

    private static T Word<T>(string text)
        where T : struct, Enum => Enum.Parse<T>(text, ignoreCase: true);

    private static ListenAddress Listener(string text) => ListenAddress.TryParse(text, out ListenAddress? address)
        ? address
        : throw new FormatException("ADDRESS:PORT or unix:/PATH is needed, perhaps behind wss://, or with ,proxy or ,mode=660 behind it.");

    // The framework's parser reads "2000" as the address 0.0.7.208, and a missing port as 0.
    private static IPEndPoint EndPoint(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = text[..Math.Max(colon, 0)];
        bool isWhole = host.StartsWith('[') ? host.EndsWith(']') : host.Split('.').Length == 4;
        return isWhole && colon < text.Length - 1
            ? IPEndPoint.Parse(text)
            : throw new FormatException("ADDRESS:PORT is needed, IPv6 in brackets.");
    }
}

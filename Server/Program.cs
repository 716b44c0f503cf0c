// The standalone server: settings, log, server, signals, exit code. 0: stopped when told to. 1: could not listen. 2: told something that it
// does not understand. 129, 130, 131 and 143: ended at once by a second SIGHUP, SIGINT, SIGQUIT or SIGTERM.

using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using RawWs.Server.Applications;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Memory;
using RawWs.Server.Settings;

namespace RawWs.Server;

internal static class Program
{
    private const int ExitCodeListen = 1;

    public static async Task<int> Main(string[] arguments)
    {
        CommandLine commandLine = new(CommandLine.ReadEnvironment(), CommandLine.ReadDirectory(), Console.Out, Console.Error, TimeProvider.System);
        CommandLineResult read = commandLine.Read(arguments);
        if (read.Settings is not { } settings) return read.ExitCode;

        // Read by the runtime when the first socket is made: completions then run on the thread that has polled for them.
        const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        if (!settings.Server.UsesEpoll && Environment.GetEnvironmentVariable(InlineCompletions) is null)
            Environment.SetEnvironmentVariable(InlineCompletions, "1");

        using ConsoleLog console = new(Console.OpenStandardOutput(), settings.Server.TimeProvider);
        using ILoggerFactory loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(settings.LogLevel).AddProvider(console));
        ILogger log = loggers.CreateLogger("RawWs");
        foreach (string variable in read.Ignored)
            log.VariableIgnored(LogText.Escape(variable), NearNames.Question(variable[CommandLine.EnvironmentPrefix.Length..], isOption: false, CommandLine.VariableOf));
        if (settings.FindWithoutEffect() is { } setting) log.SettingWithoutEffect(setting);
        return await RunAsync(settings with { Server = settings.Server with { LoggerFactory = loggers } }, log).ConfigureAwait(false);
    }

    private static async Task<int> RunAsync(RunSettings settings, ILogger log)
    {
        // Signals are taken before anything can be listened on: whoever sees the port open may end us properly.
        StopWish stop = new(settings.Server.TimeProvider);
        using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => OnSignal(signal, stop, 129));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => OnSignal(signal, stop, 130));
        using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, signal => OnSignal(signal, stop, 131));
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => OnSignal(signal, stop, 143));

        RouterApplication? router = settings.Application == ApplicationKind.Router
            ? new RouterApplication(settings.EffectiveIntroduce, settings.DuplicateUid)
            : null;
        await using WebSocketServer server = new(settings.Server, router ?? (IWebSocketApplication)new EchoApplication());
        router?.Attach(server);
        try
        {
            await server.StartAsync().ConfigureAwait(false);
        }
        catch (ListenException exception)
        {
            await Console.Error.WriteLineAsync($"rawws: {exception.Message}").ConfigureAwait(false);
            return ExitCodeListen;
        }

        using IdleTrim trim = new(server, settings.Server.TimeProvider);
        SayReady(server, settings, log);
        await stop.Asked.ConfigureAwait(false);
        await server.StopAsync(settings.Drain).ConfigureAwait(false);
        return 0;
    }

    private static void OnSignal(PosixSignalContext signal, StopWish stop, int exitCode)
    {
        signal.Cancel = true;
        if (stop.Ask()) Environment.Exit(exitCode);
    }

    private static void SayReady(WebSocketServer server, RunSettings settings, ILogger log)
    {
        string addresses = string.Join(", ", server.EndPoints);
        log.Listening(addresses, server.TransportName, settings.Server.Loops, PageUrl(server.EndPoints[0]));
        if (settings.Application == ApplicationKind.Router && settings.EffectiveIntroduce != Introduce.None) log.UidsAreNotAuthenticated();
    }

    // An address that stands for all of the machine's is reached as localhost.
    private static string PageUrl(IPEndPoint endPoint) =>
        endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any)
            ? $"http://localhost:{endPoint.Port}/"
            : $"http://{endPoint}/";
}

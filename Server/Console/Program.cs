// The standalone server: settings, log, server, signals, exit code. 0: stopped as asked. 1: cannot start, because of an address, the
// backplane, too few descriptors or too little memory; or another node of the cluster has the same id, and goes on. 2: a setting or
// argument is wrong. 129, 130, 131 and 143: ended at once by a second SIGHUP, SIGINT, SIGQUIT or SIGTERM. With certificates, keys or a file
// of settings SIGHUP has them read again, and stops nothing.

using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using RawWs.Server.Applications;
using RawWs.Server.Console.Admin;
using RawWs.Server.Console.Auth;
using RawWs.Server.Console.Cluster;
using RawWs.Server.Console.Lab;
using RawWs.Server.Console.Log;
using RawWs.Server.Console.Pages;
using RawWs.Server.Console.Scenarios;
using RawWs.Server.Console.Settings;
using RawWs.Server.Console.Systemd;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Memory;

namespace RawWs.Server.Console;

internal static class Program
{
    private const int ExitCodeStart = 1;

    // Whether the environment says where metrics are to be sent (OpenTelemetry's variables).
    private static bool ExportsMetrics => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"))
        || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"));

    // Whether this build has the admin port and metrics. The compiler to native code takes the switch for a constant, and leaves out what
    // they are made of.
    [FeatureSwitchDefinition("RawWs.AdminPort")]
    private static bool HasAdminPort => !AppContext.TryGetSwitch("RawWs.AdminPort", out bool isOn) || isOn;

    // The same for the backplane.
    [FeatureSwitchDefinition("RawWs.Backplane")]
    private static bool HasBackplane => !AppContext.TryGetSwitch("RawWs.Backplane", out bool isOn) || isOn;

    // Nothing is loaded for this method except what it needs to report that nothing more can be loaded.
    public static int Main(string[] arguments)
    {
        if (Descriptors.FindShortageForSettings() is not { } shortage)
        {
            SmallHeap.GiveAddresses();
            return Start(arguments);
        }

        Outputs.WriteError(shortage);
        return ExitCodeStart;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Start(string[] arguments)
    {
        try
        {
            return ReadAndRunAsync(arguments).GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is StartException or ShortageException)
        {
            Outputs.WriteError(exception.Message);
        }
        catch (OutOfMemoryException)
        {
            Outputs.WriteError($"there is not enough memory to start: the process may have {MemoryShare.AvailableBytes >> 20} MiB");
        }

        return ExitCodeStart;
    }

    private static async Task<int> ReadAndRunAsync(string[] arguments)
    {
        CommandLineResult read = Read(arguments, out string output, out string error);
        if (read.Settings is not { } settings) return Tell(output, error, read.ExitCode);
        if (settings.Admin is not null && !HasAdminPort)
            return Tell("", "--admin: this build has no admin port", CommandLine.ExitCodeUsage);
        if (settings.Backplane.IsOn && !HasBackplane)
            return Tell("", "--backplane: this build has no backplane", CommandLine.ExitCodeUsage);

        // The runtime reads this when the first socket is made. Completions then run on the thread that has polled for them.
        const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        if (!settings.Server.UsesEpoll && Environment.GetEnvironmentVariable(InlineCompletions) is null)
            Environment.SetEnvironmentVariable(InlineCompletions, "1");

        using ConsoleLog console = new(Outputs.OpenOutput(), settings.Server.TimeProvider, settings.LogsJson);
        LiveLogLevels levels = new(settings.LogLevels);
        using ILoggerFactory loggers = LoggerFactory.Create(logging => levels.ApplyTo(logging).AddProvider(console));
        ILogger log = loggers.CreateLogger(LogCategories.Server);
        foreach (string variable in read.Sources!.Ignored)
            log.VariableIgnored(LogText.Escape(variable), SettingSources.QuestionOf(variable));
        if (settings.FindWithoutEffect() is { } setting) log.SettingWithoutEffect(setting);
        ServerOptions options = settings.Server with { LoggerFactory = loggers, ListeningSockets = ServiceSockets.Take(log) };
        return await RunAsync(settings with { Server = options }, log, server =>
            new SettingsReload(read, () => Read(arguments, out _, out _), server, levels, log)).ConfigureAwait(false);
    }

    private static CommandLineResult Read(string[] arguments, out string output, out string error)
    {
        using StringWriter outputWriter = new(), errorWriter = new();
        CommandLine commandLine = new(CommandLine.ReadEnvironment(), CommandLine.ReadDirectory(), outputWriter, errorWriter,
            TimeProvider.System, OpenInput, tell: static text => Outputs.TryWrite(text));
        CommandLineResult read = commandLine.Read(arguments);
        (output, error) = (outputWriter.ToString(), errorWriter.ToString());
        return read;
    }

    // Nobody waits for somebody who types: then the command says that it has no input.
    private static Stream? OpenInput() => System.Console.IsInputRedirected ? System.Console.OpenStandardInput() : null;

    // There is nothing to run: help, version or a command was asked for, or something is wrong.
    private static int Tell(string text, string problem, int exitCode)
    {
        if (problem.Length > 0) Outputs.WriteError(problem);
        if (text.Length == 0 || Outputs.TryWrite(text) is not { } unwritten) return exitCode;
        Outputs.WriteError($"the output cannot be written: {unwritten}");
        return ExitCodeStart;
    }

    private static async Task<int> RunAsync(RunSettings settings, ILogger log, Func<WebSocketServer, SettingsReload> reloads)
    {
        using ServiceNotices notices = new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"), settings.Server.TimeProvider, log);
        IAuthority? authority = settings.Auth.IsOn ? MakeAuthority(settings) : null;
        using IDisposable? authorityEnd = authority as IDisposable;
        ProgramCluster? cluster = HasBackplane && settings.Backplane.IsOn ? MakeCluster(settings) : null;
        await using IAsyncDisposable? clusterEnd = cluster;
        await using WebSocketServer server = Compose(settings, authority, cluster, log);
        SettingsReload reload = reloads(server);
        using FileWatch? certificates = settings.Server.Certificates is { } pairs
            ? CertificateWatch.Begin(pairs, settings.Server.TimeProvider, log)
            : null;
        using FileWatch? keys = settings.Auth.Keys is null ? null : WatchKeys(settings, log);

        // Signals are handled before anything is listened on: whoever sees the port open may stop us properly.
        StopRequest stop = new(settings.Server.TimeProvider);
        using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP,
            signal => OnHangup(signal, reload, [certificates, keys], stop, notices));
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => OnSignal(signal, stop, 130));
        using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, signal => OnSignal(signal, stop, 131));
        using PosixSignalRegistration terminate =
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => OnSignal(signal, stop, 143));

        Readiness readiness = new(server, () => authority?.FindUnready() ?? cluster?.FindUnready());
        using IDisposable? telemetry =
            HasAdminPort && (settings.Admin is not null || ExportsMetrics) ? StartTelemetry(server) : null;
        using IDisposable? clusterMetrics = telemetry is null ? null : cluster?.Measure();

        // Nobody is let in before it is known who is elsewhere.
        if (cluster is not null && !await JoinAsync(cluster, server, stop).ConfigureAwait(false)) return 0;
        await server.StartAsync().ConfigureAwait(false);
        await using IAsyncDisposable? admin =
            HasAdminPort && settings.Admin is not null
                ? await StartAdminAsync(settings, server, cluster, readiness, telemetry!, log).ConfigureAwait(false)
                : null;
        using IdleTrim trim = new(server, settings.Server.TimeProvider);
        using Watchdog? watchdog = Watchdog.ReadLimit() is { } limit
            ? new Watchdog(server, limit, settings.Server.TimeProvider, notices)
            : null;
        SayReady(server, settings, log);
        notices.TellReady();
        await Task.WhenAny(stop.Requested, cluster?.MustEnd ?? stop.Requested).ConfigureAwait(false);
        int exitCode = stop.Requested.IsCompleted ? 0 : ExitCodeStart;
        readiness.BeginDrain();
        notices.TellStopping();
        TimeSpan wait = reload.Current.DrainWait;
        if (wait > TimeSpan.Zero)
        {
            log.DrainBegins(wait.TotalSeconds);
            await Task.Delay(wait, settings.Server.TimeProvider).ConfigureAwait(false);
        }

        await server.StopAsync(reload.Current.Drain).ConfigureAwait(false);
        if (exitCode != 0) Outputs.WriteError("ended: another node of the cluster has the id of this one too, and goes on (--node-id)");
        return exitCode;
    }

    // False if it is to stop before it has joined.
    private static async Task<bool> JoinAsync(ProgramCluster cluster, WebSocketServer server, StopRequest stop)
    {
        using CancellationTokenSource end = new();
        Task joining = cluster.StartAsync(server, end.Token);
        if (await Task.WhenAny(joining, stop.Requested).ConfigureAwait(false) == joining)
        {
            await joining.ConfigureAwait(false);
            return true;
        }

        await end.CancelAsync().ConfigureAwait(false);
        await joining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return false;
    }

    // The server with its applications, of which each stands before those that were there, and its pages.
    private static WebSocketServer Compose(RunSettings settings, IAuthority? authority, ProgramCluster? cluster, ILogger log)
    {
        RouterApplication? router = settings.Application == ApplicationKind.Router ? MakeRouter(settings, cluster) : null;
        IWebSocketApplication application = router is null ? new EchoApplication() : router;
        Func<ReadOnlyMemory<byte>, bool, ValueTask<UpgradeDecision>> admit =
            router is null ? static (uid, _) => new(UpgradeDecision.Accept(uid)) : router.AdmitAsync;
        if (authority is not null) application = new AuthApplication(application, admit, authority);
        bool hasLab = settings.EffectiveLab != LabScope.Off;
        List<HttpPage> pages = [DemoPage.Load(settings.Server.Heartbeat, hasLab)];
        if (settings.Scenarios)
        {
            application = new ScenarioApplication(application, log);
            pages.Add(ScenarioPage.Make());
        }

        if (hasLab)
        {
            application = new LabApplication(application, settings.EffectiveLab, hasRouter: router is not null);
            pages.AddRange(LabPage.Load());
        }

        return new WebSocketServer(settings.Server with { Pages = pages }, new ReadableRefusals(application));
    }

    private static RouterApplication MakeRouter(RunSettings settings, ProgramCluster? cluster) => cluster is null
        ? new RouterApplication(settings.EffectiveIntroduce, settings.DuplicateUid) { ClientsBroadcast = settings.ClientsBroadcast }
        : new RouterApplication(settings.EffectiveIntroduce, settings.DuplicateUid)
        {
            ClientsBroadcast = settings.ClientsBroadcast,
            Delivery = cluster.Delivery,
            Claims = cluster.Claims,
        };

    // Methods of their own: nothing of NATS, OpenTelemetry, ASP.NET Core and tokens is loaded before they are called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ProgramCluster MakeCluster(RunSettings settings) =>
        new(settings.Backplane, settings.DuplicateUid, settings.Server.TimeProvider);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static IAuthority MakeAuthority(RunSettings settings) => settings.Auth.Url is null
        ? new JwtAuthority(settings.Auth, settings.Auth.Keys!, settings.Server.TimeProvider)
        : new UrlAuthority(settings.Auth, settings.Server.TimeProvider);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static FileWatch WatchKeys(RunSettings settings, ILogger log) =>
        JwtKeyWatch.Begin(settings.Auth.Keys!, settings.Server.TimeProvider, log);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Telemetry StartTelemetry(WebSocketServer server) => new(server, ExportsMetrics);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<IAsyncDisposable> StartAdminAsync(
        RunSettings settings, WebSocketServer server, ProgramCluster? cluster, Readiness readiness, IDisposable telemetry, ILogger log)
    {
        AdminPort port = await AdminPort
            .StartAsync(settings.Admin!, settings.AdminTokens, server, readiness, (Telemetry)telemetry, cluster).ConfigureAwait(false);
        log.AdminListening(port.Address);
        return port;
    }

    // With certificates, keys or a file of settings it asks for them to be read again, as everywhere. Without any it is the end of the
    // terminal.
    private static void OnHangup(PosixSignalContext signal, SettingsReload reload, FileWatch?[] watches, StopRequest stop,
        ServiceNotices notices)
    {
        if (watches.All(static watch => watch is null) && !reload.HasFile)
        {
            OnSignal(signal, stop, 129);
            return;
        }

        signal.Cancel = true;
        notices.TellReloading();
        foreach (FileWatch? watch in watches) watch?.Reload();
        if (reload.HasFile) reload.Run();
        notices.TellReady();
    }

    private static void OnSignal(PosixSignalContext signal, StopRequest stop, int exitCode)
    {
        signal.Cancel = true;
        if (stop.Request()) Environment.Exit(exitCode);
    }

    private static void SayReady(WebSocketServer server, RunSettings settings, ILogger log)
    {
        string addresses = string.Join(", ", server.Addresses);
        string page = PageUrl(server.Addresses[0]);
        log.Listening(addresses, server.TransportName, settings.Server.Loops, page);
        if (settings.Application == ApplicationKind.Router && settings.EffectiveIntroduce != Introduce.None) log.UidsAreNotAuthenticated();
        if (settings.DescribeStrangers() is { } may) log.StrangersMay(may);
    }

    // If the address means all addresses of the machine, the page is reached as localhost. No browser reaches a socket file, or an address
    // that needs a PROXY header.
    private static string PageUrl(ListenAddress address)
    {
        if (address.EndPoint is not { } endPoint || address.HasProxyHeader) return "behind the proxy";
        string scheme = address.IsTls ? "https" : "http";
        return endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any)
            ? $"{scheme}://localhost:{endPoint.Port}/"
            : $"{scheme}://{endPoint}/";
    }
}

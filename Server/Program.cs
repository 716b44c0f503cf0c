// The standalone server: settings, logging, signals. Exit codes: 0 after a stop that was asked for, 1 when it cannot listen, 2 for a
// wrong setting; a second signal ends it at once with 128 and the signal's number.

using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using RawWs.Server.Settings;

if (CommandLine.Read(args, Console.Error, out int exitCode) is not { } settings) return exitCode;

// Completions on the socket engine's own threads: the socket transport's turns run there. To be set before the first socket.
if (!settings.Server.UsesEpoll) Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

using ILoggerFactory logging = LoggerFactory.Create(builder => builder
    .SetMinimumLevel(settings.LogLevel)
    .AddSimpleConsole(static console =>
    {
        console.SingleLine = true;
        console.UseUtcTimestamp = true;
        console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        console.ColorBehavior = LoggerColorBehavior.Disabled;
    })
    // A log line may never block a loop: with the queue full, lines are dropped, and the logger says how many.
    .Services.Configure<ConsoleLoggerOptions>(static console =>
    {
        console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        console.MaxQueueLength = 8192;
    }));
ILogger log = logging.CreateLogger("RawWs");

RouterApplication router = new(settings.EffectiveIntroduce, settings.Duplicates);
IWebSocketApplication application = settings.IsEcho ? new EchoApplication() : router;
WebSocketServer server = new(settings.Server with { LoggerFactory = logging }, application);
router.Attach(server);

TaskCompletionSource stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
void OnSignal(PosixSignalContext context)
{
    context.Cancel = true;
    if (!stop.TrySetResult()) Environment.Exit(128 + (context.Signal == PosixSignal.SIGINT ? 2 : 15));
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);

try
{
    await server.StartAsync();
}
catch (ListenException exception)
{
    await Console.Error.WriteLineAsync($"rawws: {exception.Message}");
    await server.DisposeAsync();
    return 1;
}

string transport = settings.Server.UsesEpoll ? "epoll" : "socket";
foreach (IPEndPoint endPoint in server.EndPoints)
    log.Listening(endPoint.ToString(), transport, settings.Server.Loops, $"http://{endPoint}/");
if (!settings.IsEcho && settings.EffectiveIntroduce != Introduce.None) log.UidsAreNotAuthenticated();

await stop.Task;
await server.StopAsync(settings.Drain);
return 0;

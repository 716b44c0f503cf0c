// The lines that the program logs beside the server's; their numbers are not used in ServerLog. Text from outside is escaped before it
// comes here.

using Microsoft.Extensions.Logging;

namespace RawWs.Server.Console.Log;

internal static partial class ProgramLog
{
    [LoggerMessage(1, LogLevel.Information, "listening on {address} ({transport}, {loops} loops); page: {page}")]
    public static partial void Listening(this ILogger log, string address, string transport, int loops, string page);

    [LoggerMessage(2, LogLevel.Warning, "uids are not authenticated: whoever connects may take any name")]
    public static partial void UidsAreNotAuthenticated(this ILogger log);

    [LoggerMessage(41, LogLevel.Warning, "others than this machine can connect: strangers may {may}")]
    public static partial void StrangersMay(this ILogger log, string may);

    [LoggerMessage(32, LogLevel.Information, "admin port on {address}")]
    public static partial void AdminListening(this ILogger log, string address);

    [LoggerMessage(33, LogLevel.Information, "draining: not ready from now on, and stopping in {seconds} s")]
    public static partial void DrainBegins(this ILogger log, double seconds);

    [LoggerMessage(60, LogLevel.Information, "{address} is listened on already by the service manager's socket \"{name}\"")]
    public static partial void SocketTakenOver(this ILogger log, string address, string name);

    [LoggerMessage(61, LogLevel.Warning, "the service manager cannot be told of anything (NOTIFY_SOCKET): {error}")]
    public static partial void NoticesLost(this ILogger log, string error);

    [LoggerMessage(64, LogLevel.Debug, "connection {id}, scenario {path}: the client closed with {code}")]
    public static partial void ScenarioClosed(this ILogger log, long id, string path, int code);

    [LoggerMessage(65, LogLevel.Debug, "connection {id}, scenario {path}: the client has not closed")]
    public static partial void ScenarioNotClosed(this ILogger log, long id, string path);

    [LoggerMessage(24, LogLevel.Information, "the certificates are read again: {files}")]
    public static partial void CertificatesReloaded(this ILogger log, string files);

    [LoggerMessage(25, LogLevel.Error, "the certificates were to be read again, and those before stay: {reason}")]
    public static partial void CertificatesKept(this ILogger log, string reason);

    [LoggerMessage(50, LogLevel.Information, "the settings are read again; taken over: {taken}; only by a restart: {left}")]
    public static partial void SettingsRead(this ILogger log, string taken, string left);

    [LoggerMessage(51, LogLevel.Error, "the settings were to be read again, and those before stay: {reason}")]
    public static partial void SettingsKept(this ILogger log, string reason);

    [LoggerMessage(70, LogLevel.Information, "the keys for tokens are read again, {count} of them count: {files}")]
    public static partial void KeysReloaded(this ILogger log, int count, string files);

    [LoggerMessage(71, LogLevel.Error, "the keys for tokens were to be read again, and those before stay: {reason}")]
    public static partial void KeysKept(this ILogger log, string reason);

    [LoggerMessage(72, LogLevel.Warning, "the keys of {file} have counted until {until} UTC, and count no more")]
    public static partial void KeysEnded(this ILogger log, string file, string until);

    [LoggerMessage(12, LogLevel.Warning, "the environment's {variable} is no setting and is ignored{question}")]
    public static partial void VariableIgnored(this ILogger log, string variable, string question);

    [LoggerMessage(14, LogLevel.Warning, "--{setting} has no effect without --compression on")]
    public static partial void SettingWithoutEffect(this ILogger log, string setting);
}

// Has the keys for tokens read again when their files have changed. Of keys whose end has passed the log is told each time, and at the
// start: nothing else would show that a file can be left out.

using System.Globalization;
using Microsoft.Extensions.Logging;
using RawWs.Server.Console.Log;

namespace RawWs.Server.Console.Auth;

internal static class JwtKeyWatch
{
    /// <summary>Begins to look at the files. What cannot be used changes nothing; the log says why.</summary>
    public static FileWatch Begin(JwtKeys keys, TimeProvider time, ILogger log)
    {
        TellEnded(keys, time, log);
        return new FileWatch([.. keys.Files.Select(static file => file.Path)], () => Reload(keys, time, log), time);
    }

    private static void Reload(JwtKeys keys, TimeProvider time, ILogger log)
    {
        try
        {
            keys.Reload();
            log.KeysReloaded(keys.Count(time.GetUtcNow()), string.Join(", ", keys.Files.Select(static file => file.Shown)));
            TellEnded(keys, time, log);
        }
        catch (JwtKeyException exception)
        {
            log.KeysKept(exception.Message);
        }
    }

    private static void TellEnded(JwtKeys keys, TimeProvider time, ILogger log)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (JwtKeyFile file in keys.Files)
            if (file.Until is { } end && end <= now)
                log.KeysEnded(file.Shown, end.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
    }
}

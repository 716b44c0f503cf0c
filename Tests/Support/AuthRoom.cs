// A router to which only those come who have a token, with a log that keeps every line and a clock that is moved by hand.

using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Auth;

namespace RawWs.Tests.Support;

internal sealed class AuthRoom : IAsyncDisposable
{
    private readonly TestServer _server;

    private AuthRoom(TestServer server, FakeTimeProvider time, RecordedLog log) => (_server, Time, Log) = (server, time, log);

    public WebSocketServer Server => _server.Server;

    public int Port => _server.Port;

    public FakeTimeProvider Time { get; }

    public RecordedLog Log { get; }

    /// <summary>The time now, in seconds since 1970.</summary>
    public long Now => Time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>With these settings for tokens, and the keys of their files.</summary>
    public static Task<AuthRoom> Open(AuthSettings settings, Setup? setup = null) =>
        Open(time => new JwtAuthority(settings, new JwtKeys(settings.KeyFiles), time), setup);

    /// <summary>With an authority.</summary>
    public static async Task<AuthRoom> Open(
        Func<TimeProvider, IAuthority> make, Setup? setup = null, DuplicateUid duplicates = DuplicateUid.Share)
    {
        FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
        RecordedLog log = new(LogLevel.Trace);
        RouterApplication router = new(Introduce.None, duplicates);
        TestServer server = await TestServer.Start(setup ?? Setup.All[0], new AuthApplication(router, router.AdmitAsync, make(time)),
            options => options with { TimeProvider = time, LoggerFactory = log, Subprotocols = ["rawws"] });
        return new AuthRoom(server, time, log);
    }

    /// <summary>Claims: a uid, an hour to live, and more.</summary>
    public string Claims(string uid, string more = "", int seconds = 3600) =>
        string.Create(CultureInfo.InvariantCulture, $$"""{"sub":"{{uid}}","exp":{{Now + seconds}}{{more}}}""");

    /// <summary>Asks for an upgrade, with these lines of the head besides.</summary>
    public RawClient Ask(string fields, string target = "/")
    {
        RawClient client = RawClient.Connect(Port);
        client.Send($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}{fields}\r\n");
        return client;
    }

    /// <summary>A client that is let in with a token.</summary>
    public RawClient Enter(string token) => Enter(token, out _);

    /// <summary>The same, with the head of the answer.</summary>
    public RawClient Enter(string token, out string head)
    {
        RawClient client = Ask($"Authorization: Bearer {token}\r\n");
        head = client.ReadHead();
        Assert.That(head, Does.StartWith("HTTP/1.1 101 "), string.Join('\n', Log.All.Select(static line => line.Text)));
        return client;
    }

    /// <summary>The whole answer to a request that is refused.</summary>
    public string Refused(string fields, string target = "/")
    {
        using RawClient client = Ask(fields, target);
        return client.ReadToEnd();
    }

    /// <summary>Time goes by, on the loops too.</summary>
    public void Pass(double seconds) => _server.Pass(Time, seconds);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

// Asks the operator's back-end about each request (--auth-url): GET, with the request's header fields, and with whence and whither it came.
// What it answers is a contract, which docs/ops/auth.md has:
//
//   200, {"uid":"alice"}    let in under this uid; "to" and "exp" (seconds since 1970) may say to whom it may send, and until when
//   401, 403                refused, with the same status
//   anything else, another success and an end that has passed among it, or nothing in time: 503. Nobody is let in because something is
//   broken.
//
// The back-end is trusted, and yet everything has a bound: how many requests at once, how long one takes, how long its answer is. A
// redirect is not followed: what the client has proved is for this address alone.

using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using RawWs.Handshake;

namespace RawWs.Server.Console.Auth;

internal sealed class UrlAuthority : IAuthority, IDisposable
{
    /// <summary>The longest answer, in bytes of its body.</summary>
    public const int AnswerBytesMax = 16 * 1024;

    private const int AnswerHeadKibMax = 16;
    private const string Unusable = "the back-end's answer cannot be used";

    // What belongs to this connection and not to the client, and what this server says itself.
    private static readonly HashSet<string> NotPassedOn = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Upgrade", "Host", "Content-Length", "Transfer-Encoding", "TE", "Trailer", "Keep-Alive", "Expect", "Accept-Encoding",
        "Proxy-Connection", "Proxy-Authorization", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions",
        "Forwarded", "X-Real-IP",
    };

    private readonly Uri _url;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly HttpClient _client;
    private readonly SemaphoreSlim _room;
    private readonly CancellationTokenSource _ended = new();

    /// <summary>Makes it; nothing is asked yet.</summary>
    /// <param name="settings">The address and the bounds.</param>
    /// <param name="time">The clock.</param>
    public UrlAuthority(AuthSettings settings, TimeProvider time)
    {
        (_url, _timeout, _time) = (settings.Url!, settings.UrlTimeout, time);
        _room = new SemaphoreSlim(settings.UrlRequestsMax);
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxConnectionsPerServer = settings.UrlRequestsMax,
            MaxResponseHeadersLength = AnswerHeadKibMax,
            MaxResponseDrainSize = 0,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2), // the name may have another address then
            RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1, // each byte as it came
            ActivityHeadersPropagator = null,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan, // the deadline is by the injected clock
        };
    }

    // Whether it answers shows when somebody comes. A server that says it is not ready sends him to the next, which asks the same one.
    public string? FindUnready() => null;

    public ValueTask<AuthVerdict> DecideAsync(UpgradeContext context)
    {
        HttpRequestMessage question = MakeQuestion(context);
        return new(Task.Run(() => AskAsync(question)));
    }

    // What is asked now is given up, and whoever comes later is refused. The source stays: it is looked at by those who come.
    public void Dispose()
    {
        _ended.Cancel();
        _client.Dispose();
    }

    // On the connection's loop, where the request is as it came.
    private HttpRequestMessage MakeQuestion(UpgradeContext context)
    {
        HttpRequestMessage question = new(HttpMethod.Get, _url);
        UpgradeRequest request = context.Request;
        foreach (HeaderField field in request.Headers)
        {
            string name = Encoding.Latin1.GetString(field.Name);
            bool isOurs = NotPassedOn.Contains(name) || name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase);
            if (!isOurs) question.Headers.TryAddWithoutValidation(name, Encoding.Latin1.GetString(field.Value));
        }

        // A client of a socket file has no address. The field is there all the same: without it this server would pass for the client.
        string client = context.Peer.IsSocketFile ? "unknown" : context.RemoteEndPoint.Address.ToString();
        question.Headers.TryAddWithoutValidation("X-Forwarded-For", client);
        question.Headers.TryAddWithoutValidation("X-Forwarded-Host", Encoding.Latin1.GetString(request.Host));
        question.Headers.TryAddWithoutValidation("X-Forwarded-Uri", Encoding.Latin1.GetString(request.Target));
        return question;
    }

    private async Task<AuthVerdict> AskAsync(HttpRequestMessage question)
    {
        using CancellationTokenSource deadline = new(_timeout, _time);
        using CancellationTokenSource given = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _ended.Token);
        bool hasRoom = false;
        try
        {
            await _room.WaitAsync(given.Token).ConfigureAwait(false);
            hasRoom = true;
            using HttpResponseMessage answer =
                await _client.SendAsync(question, HttpCompletionOption.ResponseHeadersRead, given.Token).ConfigureAwait(false);
            return await ReadAsync(answer, given.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (_ended.IsCancellationRequested && exception is OperationCanceledException
            or ObjectDisposedException or HttpRequestException or IOException)
        {
            return Undecided(AuthRule.BackendDown, "the server stops, and nobody is asked any more");
        }
        catch (OperationCanceledException)
        {
            string waited = hasRoom ? "the back-end has not answered" : "too many requests wait for the back-end: there was no room";
            return Undecided(AuthRule.BackendSlow,
                string.Create(CultureInfo.InvariantCulture, $"{waited} within {_timeout.TotalSeconds} s"));
        }
        catch (HttpRequestException exception)
        {
            return Undecided(AuthRule.BackendDown, $"the back-end cannot be asked: {exception.HttpRequestError}");
        }
        catch (IOException)
        {
            return Undecided(AuthRule.BackendDown, "the back-end's answer broke off");
        }
        finally
        {
            if (hasRoom) _room.Release();
            question.Dispose();
        }
    }

    private async Task<AuthVerdict> ReadAsync(HttpResponseMessage answer, CancellationToken deadline)
    {
        int status = (int)answer.StatusCode;
        if (status is 401 or 403) return new AuthRefusal(AuthRule.BackendRefused, $"the back-end has answered {status}", status);
        if (status != 200) return Undecided(AuthRule.BackendAnswer, $"the back-end has answered {status}");
        Stream body = await answer.Content.ReadAsStreamAsync(deadline).ConfigureAwait(false);
        byte[] bytes = new byte[AnswerBytesMax + 1];
        int length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, deadline).ConfigureAwait(false);
        return length > AnswerBytesMax
            ? Undecided(AuthRule.BackendAnswer, $"the back-end's answer has more than {AnswerBytesMax} bytes")
            : Judge(bytes.AsMemory(0, length));
    }

    private AuthVerdict Judge(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (Grant.Read(document.RootElement, "uid", "to", out Grant? grant) is var (_, reason))
                return Undecided(AuthRule.BackendAnswer, $"{Unusable}: {reason}");
            DateTimeOffset now = _time.GetUtcNow();
            if (grant!.Expires is not { } end || end > now) return grant;
            string ago = Math.Ceiling((now - end).TotalSeconds).ToString("F0", CultureInfo.InvariantCulture);
            return Undecided(AuthRule.BackendAnswer, $"{Unusable}: its end (\"exp\") was {ago} s ago");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return Undecided(AuthRule.BackendAnswer, "the back-end's answer is no object in JSON, or a member is there twice");
        }
    }

    private static AuthRefusal Undecided(AuthRule rule, string reason) => new(rule, reason, 503);
}

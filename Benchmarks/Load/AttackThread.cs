// A group of connections with a thread of its own: one for the readers, one for the probers, so that neither waits for the other's bytes.

using System.Globalization;
using System.Net;
using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

/// <summary>Opens honest clients, then takes turns until it is ended.</summary>
[SupportedOSPlatform("linux")]
internal abstract class AttackThread(IPEndPoint server, int count) : IDisposable
{
    private static readonly TimeSpan OpenMax = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? _thread;
    private volatile bool _ends;
    private Exception? _failure;

    protected AttackGroup Group { get; } = new(server);

    /// <summary>How those ended that did. Only when it has been ended.</summary>
    public SortedDictionary<int, int> Codes { get; private set; } = [];

    /// <summary>Bytes that have come to all of them.</summary>
    public long ReceivedBytes => Group.ReceivedBytes;

    /// <summary>Opens them and waits until all are there.</summary>
    /// <exception cref="LoadFailure">One was refused.</exception>
    public void Start(CancellationToken cancellation)
    {
        _thread = new Thread(() => Run(cancellation)) { IsBackground = true, Name = GetType().Name };
        _thread.Start();
        _opened.Task.Wait(cancellation);
        if (_failure is LoadFailure failure) throw failure;
    }

    /// <summary>Ends the thread and its connections.</summary>
    public void End()
    {
        _ends = true;
        _thread?.Join();
        _thread = null;
        if (_failure is { } failure and not LoadFailure) throw new InvalidOperationException($"{GetType().Name} fell.", failure);
    }

    public void Dispose()
    {
        _ends = true;
        _thread?.Join();
        Group.Dispose();
    }

    protected abstract AttackClient Make(int index);

    /// <summary>Does what is due and takes what is there.</summary>
    protected abstract void Turn();

    private void Run(CancellationToken cancellation)
    {
        try
        {
            Group.Open(count, Make, OpenMax, cancellation);
            if (Group.Codes is { Count: > 0 } codes) throw new LoadFailure($"an honest client gets {codes.First().Key} before the attack.");
            _opened.SetResult();
            while (!_ends) Turn();
            Codes = Group.Codes;
            Group.CloseAll();
        }
        catch (Exception exception)
        {
            _failure = exception;
            _opened.TrySetResult();
        }
    }
}

/// <summary>Clients that read everything, and send "ping" so often that the heartbeat does not cut them.</summary>
/// <param name="server">Where the server is.</param>
/// <param name="count">How many.</param>
/// <param name="path">Where they connect to; %d is a reader's number.</param>
/// <param name="every">The time between two of a client's "ping".</param>
[SupportedOSPlatform("linux")]
internal sealed class AttackReaders(IPEndPoint server, int count, string path, TimeSpan every) : AttackThread(server, count)
{
    private readonly long _every = (long)every.TotalNanoseconds;
    private readonly int _count = count;
    private long _begun;
    private long _pings; // the clients take turns, evenly over the time

    protected override AttackClient Make(int index) => new()
    {
        Request = Group.MakeRequest(path.Replace("%d", index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)),
    };

    protected override void Turn()
    {
        long now = AttackGroup.Now;
        if (_begun == 0) _begun = now;
        for (; _count > 0 && _pings * _every / _count <= now - _begun; _pings++)
        {
            AttackClient client = Group.Clients[(int)(_pings % _count)];
            if (client.State != ConnectionState.Open) continue;
            client.Add(Frame.Opcode.Text, "ping"u8);
            Group.Send(client);
        }

        Group.Turn(5 * AttackGroup.Millisecond);
    }

    /// <summary>Messages that have come. Only when it has been ended.</summary>
    public long Received => Group.Clients.Sum(static client => client.Received);
}

// One attack from the server's start to its end: honest clients come, the script runs, what they felt is gathered, everybody leaves, and
// the server has time to give its memory back. The script's part is what is public: attackers on this thread, with a deadline.

using System.Net;
using System.Runtime.Versioning;
using System.Text;
using RawWs.Frame;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed class AttackStage : IDisposable
{
    private const long Second = 1000 * AttackGroup.Millisecond;
    private const long ComesBackWithin = 50 * 1024 * 1024; // of what it was
    private static readonly TimeSpan OpenMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FreshMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly string[] Refusals = ["no-colon", "bad-uid", "offline", "reserved", "rejected", "too-slow"];
    private static readonly byte[][] RefusalTexts = [.. Refusals.Select(static code => Encoding.ASCII.GetBytes($"error:{code}:"))];

    private readonly Attack _attack;
    private readonly AttackOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly RunningServer _server;
    private readonly ServerProcess _process;
    private readonly AttackReaders _readers;
    private readonly AttackProbers _probers;
    private readonly long[] _told = new long[Refusals.Length];
    private long _deadline;

    private AttackStage(Attack attack, AttackSize size, AttackOptions options, CancellationToken cancellation)
    {
        (_attack, Size, _options, _cancellation) = (attack, size, options, cancellation);
        string transport = options.Transport is { } name ? " --transport " + name : "";
        _server = RunningServer.Start($"{options.Server}{transport} {attack.Settings}".TrimEnd(), null, cancellation);
        _process = new ServerProcess(_server.ProcessId);
        _readers = new AttackReaders(_server.EndPoint, size.Readers, attack.ReaderPath, attack.KeepAlive);
        _probers = new AttackProbers(_server.EndPoint, options.Probers, attack.IsEcho);
        Attackers = new AttackGroup(_server.EndPoint);
    }

    public AttackSize Size { get; }

    public AttackGroup Attackers { get; }

    public int ServerProcessId => _server.ProcessId;

    /// <summary>Further figures of this attack, which its script adds.</summary>
    public SortedDictionary<string, long> Further { get; } = [];

    /// <summary>Messages that readers have got.</summary>
    public long Delivered => _readers.Received;

    /// <summary>Messages that went out otherwise than as blocks.</summary>
    public long SentOtherwise { get; set; }

    /// <summary>What came back otherwise than as messages or Pongs.</summary>
    public long AnsweredOtherwise { get; set; }

    /// <summary>The time is up.</summary>
    public bool IsOver => AttackGroup.Now >= _deadline;

    /// <summary>What attackers were told by "error:", by code.</summary>
    public SortedDictionary<string, long> Told =>
        new(Refusals.Zip(_told).Where(static pair => pair.Second > 0).ToDictionary());

    /// <summary>Runs one attack.</summary>
    /// <exception cref="LoadFailure">It could not be run.</exception>
    public static AttackResult Run(Attack attack, AttackSize size, AttackOptions options, CancellationToken cancellation)
    {
        using AttackStage stage = new(attack, size, options, cancellation);
        return stage.Run();
    }

    /// <summary>For a client's OnMessage: counts what it is told.</summary>
    public void CountTold(AttackClient client, ReadOnlySpan<byte> message)
    {
        if (!message.StartsWith("error:"u8)) return;
        for (int i = 0; i < RefusalTexts.Length; i++)
            if (message.StartsWith(RefusalTexts[i])) _told[i]++;
    }

    /// <summary>Opens the attackers; some may be refused.</summary>
    public void Open(Func<int, AttackClient> make) => Attackers.Open(Size.Attackers, make, OpenMax, _cancellation);

    /// <summary>Takes turns until something is so or the time is up.</summary>
    /// <param name="done">What is waited for.</param>
    /// <param name="eachTurn">Done before each turn, at least every millisecond; given the nanoseconds since the beginning.</param>
    public void Until(Func<bool> done, Action<long>? eachTurn = null)
    {
        long begun = AttackGroup.Now;
        while (!IsOver && !done())
        {
            _cancellation.ThrowIfCancellationRequested();
            eachTurn?.Invoke(AttackGroup.Now - begun);
            Attackers.Turn(AttackGroup.Millisecond);
        }
    }

    /// <summary>
    /// Each attacker stops after the block that it has begun, and has a Ping answered: what it sent before has been dealt with.
    /// </summary>
    /// <param name="seconds">How much more time there is.</param>
    public void Finish(int seconds = 15)
    {
        _deadline = Math.Max(_deadline, AttackGroup.Now + (seconds * Second));
        foreach (AttackClient client in Attackers.Clients) client.StopBlocks();
        Until(() => Attackers.Clients.All(static client => client.State != ConnectionState.Open || client.Blocks == 0));
        long[] pongs = [.. Attackers.Clients.Select(static client => client.Pongs)];
        Attackers.SendAll(Opcode.Ping, "done?"u8.ToArray());
        Until(() => Attackers.Clients.All(client =>
            client.State != ConnectionState.Open || !client.Reads || client.Pongs > pongs[client.Index]));
        UntilQuiet();
    }

    /// <summary>Takes turns for so long, whatever the deadline.</summary>
    public void Wait(double seconds)
    {
        _deadline = AttackGroup.Now + (long)(seconds * Second);
        Until(static () => false);
    }

    /// <summary>Until nobody has got anything but probes for half a second. An echo's readers get back what keeps them alive.</summary>
    public void UntilQuiet()
    {
        long seen = -1, since = 0;
        Until(() =>
        {
            long received = Attackers.ReceivedBytes + (_attack.IsEcho ? 0 : _readers.ReceivedBytes), now = AttackGroup.Now;
            if (received != seen) (seen, since) = (received, now);
            return now - since > Second / 2;
        });
    }

    public void Dispose()
    {
        Attackers.Dispose();
        _readers.Dispose();
        _probers.Dispose();
        _server.Dispose();
    }

    private AttackResult Run()
    {
        _readers.Start(_cancellation);
        _probers.Start(_cancellation);
        _cancellation.WaitHandle.WaitOne(_options.WarmUp);
        _cancellation.ThrowIfCancellationRequested();
        long before = _process.ResidentBytes;
        double processorBefore = _process.ProcessorSeconds;
        using AttackMemory memory = new(_process);
        long begun = AttackGroup.Now;
        _deadline = begun + (long)(Size.Seconds * Second);
        _probers.OpenWindow(begun);
        _attack.Script(this);
        long ended = AttackGroup.Now;
        _probers.CloseWindow(ended);
        WaitForProbers();
        double processor = _process.ProcessorSeconds - processorBefore;
        LookAtAttackers();
        SortedDictionary<int, int> attackersClosed = Attackers.Codes;
        long sent = Attackers.Clients.Sum(static client => client.Sent) + SentOtherwise;
        long answered = Attackers.Clients.Sum(static client => client.Received + client.Pongs) + AnsweredOtherwise;
        Attackers.CloseAll();
        bool serves = StillServes();
        _readers.End();
        _probers.End();
        _probers.CountUnanswered(AttackGroup.Now);
        double? back = WaitForMemory(before + ComesBackWithin);
        return new AttackResult
        {
            Attack = _attack.Name,
            Server = _server.Command,
            Readers = Size.Readers,
            Attackers = Attackers.Clients.Count,
            Seconds = Math.Round((ended - begun) / (double)Second, 1),
            WorstMs = _probers.Milliseconds(100),
            P99Ms = _probers.Milliseconds(99),
            P50Ms = _probers.Milliseconds(50),
            Probes = _probers.Probes,
            ProbesRefused = _probers.Refused,
            ProbesUnanswered = _probers.Unanswered,
            HonestClosed = HonestCodes(),
            AttackersClosed = attackersClosed,
            BeforeBytes = before,
            PeakBytes = memory.PeakBytes,
            AfterBytes = _process.ResidentBytes,
            BackSeconds = back,
            ProcessorSeconds = Math.Round(processor, 2),
            Sent = sent,
            Answered = answered,
            Delivered = _readers.Received,
            Told = Told,
            Further = Further,
            Serves = serves,
        };
    }

    private SortedDictionary<int, int> HonestCodes()
    {
        SortedDictionary<int, int> codes = new(_readers.Codes);
        foreach ((int code, int count) in _probers.Codes) codes[code] = codes.GetValueOrDefault(code) + count;
        return codes;
    }

    // What was due in the window is waited for, so that the worst is not cut off.
    private void WaitForProbers()
    {
        _deadline = AttackGroup.Now + (long)OpenMax.TotalNanoseconds;
        Until(() => _probers.Waiting == 0);
    }

    private void LookAtAttackers()
    {
        Attackers.ReadAgain();
        _deadline = AttackGroup.Now + (2 * Second);
        UntilQuiet();
    }

    private bool StillServes()
    {
        long end = AttackGroup.Now + (long)FreshMax.TotalNanoseconds;
        for (; AttackGroup.Now < end; _cancellation.WaitHandle.WaitOne(Look))
        {
            _cancellation.ThrowIfCancellationRequested();
            if (AttackServes.Ask(_server.EndPoint, end)) return true;
        }

        return false;
    }

    /// <summary>The seconds after which the memory was down to so much; null when it never was.</summary>
    private double? WaitForMemory(long bytes)
    {
        for (long begun = AttackGroup.Now; ; _cancellation.WaitHandle.WaitOne(Look))
        {
            _cancellation.ThrowIfCancellationRequested();
            double seconds = (AttackGroup.Now - begun) / (double)Second;
            if (_process.ResidentBytes <= bytes) return Math.Round(seconds, 1);
            if (seconds >= _options.Settle.TotalSeconds) return null;
        }
    }
}

/// <summary>Whether a server serves: a fresh client gets in and gets its message back, from an echo or by its own uid.</summary>
[SupportedOSPlatform("linux")]
internal static class AttackServes
{
    public static bool Ask(IPEndPoint server, long end)
    {
        using AttackGroup group = new(server);
        bool isBack = false;
        AttackClient client = new()
        {
            Request = group.MakeRequest("/?uid=fresh"),
            OnMessage = (_, message) => isBack |= message.EndsWith("still there?"u8),
        };
        group.Begin(client);
        bool isAsked = false;
        while (AttackGroup.Now < end && client.State != ConnectionState.Closed && !isBack)
        {
            group.Turn(AttackGroup.Millisecond);
            if (isAsked || client.State != ConnectionState.Open) continue;
            client.Add(Opcode.Text, "fresh:still there?"u8);
            group.Send(client);
            isAsked = true;
        }

        return isBack;
    }
}

// Honest clients that send themselves a message every 20 ms and measure how long it takes. Latency counts from when a message was due by
// that schedule, whether or not it could be sent then: a server that stops for a second shows in all fifty of that second
// (coordinated omission). Messages that are due in the window count, however late they come.

using System.Globalization;
using System.Net;
using System.Runtime.Versioning;
using System.Text;
using HdrHistogram;
using RawWs.Frame;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed class AttackProbers : AttackThread
{
    private const long Every = 20 * AttackGroup.Millisecond;
    private const long LatencyMax = 3600L * 1000 * AttackGroup.Millisecond;

    private readonly Prober[] _probers;
    private readonly bool _echo;
    private readonly LongHistogram _latencies = new(1, LatencyMax, 3);
    private long _begun;
    private long _from = long.MaxValue;
    private long _to = long.MaxValue;
    private int _waiting;

    /// <summary>Probers.</summary>
    /// <param name="server">Where the server is.</param>
    /// <param name="count">How many.</param>
    /// <param name="echo">The server sends back what it gets; else it is a router, and each sends to its own uid.</param>
    public AttackProbers(IPEndPoint server, int count, bool echo)
        : base(server, count)
    {
        _echo = echo;
        _probers = [.. Enumerable.Range(0, count).Select(static index => new Prober { Shift = index * Every / 4 % Every })];
    }

    /// <summary>Messages that somebody was told were not delivered, in the window.</summary>
    public long Refused { get; private set; }

    /// <summary>Messages without an answer, in the window. Their latency is their age at the end.</summary>
    public long Unanswered { get; private set; }

    /// <summary>How many messages were due in the window.</summary>
    public long Probes => _latencies.TotalCount + Refused;

    /// <summary>Probers that are owed the answer to a message of the window.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public void OpenWindow(long now) => Volatile.Write(ref _from, now);

    public void CloseWindow(long now) => Volatile.Write(ref _to, now);

    /// <summary>The latency that so many of a hundred do not exceed; null when there was none.</summary>
    public double? Milliseconds(double percentile) =>
        _latencies.TotalCount == 0 ? null : Math.Round(_latencies.GetValueAtPercentile(percentile) / (double)AttackGroup.Millisecond, 2);

    /// <summary>Counts those that are still without an answer. Only when it has been ended.</summary>
    public void CountUnanswered(long now)
    {
        for (int i = 0; i < _probers.Length; i++) GiveUp(_probers[i], now);
    }

    protected override AttackClient Make(int index)
    {
        string uid = $"prober{index}";
        _probers[index].Prefix = uid + ":~";
        return new AttackClient { Request = Group.MakeRequest("/?uid=" + uid), OnMessage = Take };
    }

    protected override void Turn()
    {
        long now = AttackGroup.Now, next = now + (5 * AttackGroup.Millisecond);
        if (_begun == 0) ClientCalls.WaitPrecisely();
        if (_begun == 0) _begun = now;
        int waiting = 0;
        for (int i = 0; i < _probers.Length; i++)
        {
            Prober prober = _probers[i];
            AttackClient client = Group.Clients[i];
            if (client.State == ConnectionState.Open) SendDue(prober, client, now);
            else GiveUp(prober, now);
            next = Math.Min(next, DueAt(prober, prober.Sent));
            if (prober.Answered < prober.Sent && DueAt(prober, prober.Answered) < _to) waiting++;
        }

        Volatile.Write(ref _waiting, waiting);
        Group.Turn(Math.Max(0, next - AttackGroup.Now));
    }

    private long DueAt(Prober prober, long number) => _begun + prober.Shift + (number * Every);

    private bool Counts(long due) => due >= Volatile.Read(ref _from) && due < Volatile.Read(ref _to);

    private void SendDue(Prober prober, AttackClient client, long now)
    {
        Span<byte> text = stackalloc byte[64];
        for (; DueAt(prober, prober.Sent) <= now; prober.Sent++)
        {
            int length = Encoding.ASCII.GetBytes(prober.Prefix, text);
            prober.Sent.TryFormat(text[length..], out int digits, default, CultureInfo.InvariantCulture);
            client.Add(Opcode.Text, text[..(length + digits)]);
        }

        if (!client.WaitsToSend) Group.Send(client);
    }

    // Answers come in order: what is missing before one was refused.
    private void Take(AttackClient client, ReadOnlySpan<byte> message)
    {
        int mark = message.IndexOf((byte)'~');
        if (mark != (_echo ? _probers[client.Index].Prefix.Length - 1 : 0)) return;
        if (!long.TryParse(message[(mark + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out long number)) return;
        Prober prober = _probers[client.Index];
        if (number < prober.Answered || number >= prober.Sent) return;
        for (; prober.Answered < number; prober.Answered++)
            if (Counts(DueAt(prober, prober.Answered))) Refused++;
        long due = DueAt(prober, prober.Answered++);
        if (Counts(due)) Record(AttackGroup.Now - due);
    }

    private void GiveUp(Prober prober, long now)
    {
        for (; prober.Answered < prober.Sent; prober.Answered++)
        {
            long due = DueAt(prober, prober.Answered);
            if (!Counts(due)) continue;
            Unanswered++;
            Record(now - due);
        }

        // One that is closed sends no more; its schedule goes on without it.
        while (DueAt(prober, prober.Sent) <= now) prober.Answered = ++prober.Sent;
    }

    private void Record(long latency) => _latencies.RecordValue(Math.Clamp(latency, 1, LatencyMax));

    private sealed class Prober
    {
        public string Prefix { get; set; } = "";

        /// <summary>They do not all send at once.</summary>
        public long Shift { get; init; }

        /// <summary>The number of the next.</summary>
        public long Sent { get; set; }

        /// <summary>The number of the first that is without an answer.</summary>
        public long Answered { get; set; }
    }
}

// The table of a connection's phases: what the file draws is what it has, cell by cell; and a connection does what the table says, in every
// phase that can be reached, for everything that can happen to it.

using System.Text;
using System.Text.RegularExpressions;
using RawWs.Frame;
using RawWs.Server.Connections;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed partial class PhaseTableTests
{
    private static readonly byte[] Violation = Convert.FromHexString("8300"); // an opcode that is none
    private static readonly byte[] Close = RawClient.Frame(Opcode.Close, [0x03, 0xE8]);
    private static readonly byte[] OurClose = [0x88];

    // The words of the drawing for a cell.
    private static readonly Dictionary<(SentWithStep Sends, TcpEnd Tcp), string> Words = new()
    {
        [(SentWithStep.Answer, TcpEnd.None)] = ", HTTP",
        [(SentWithStep.Close, TcpEnd.None)] = ", Close",
        [(SentWithStep.Nothing, TcpEnd.None)] = "",
        [(SentWithStep.Nothing, TcpEnd.Shut)] = ", SHUT_WR",
        [(SentWithStep.Nothing, TcpEnd.Closed)] = ", closed",
        [(SentWithStep.Nothing, TcpEnd.Reset)] = ", reset",
    };

    private static IEnumerable<TestCaseData> Cells =>
        from phase in Enum.GetValues<Phase>()
        from happened in Enum.GetValues<PhaseEvent>()
        select new TestCaseData(phase, happened);

    private static IEnumerable<TestCaseData> ReachableCells =>
        from phase in Enum.GetValues<Phase>()
        from happened in Enum.GetValues<PhaseEvent>()
        where happened is not (PhaseEvent.Crashes or PhaseEvent.Finishes) // which follow from others, or from a bug
        from room in new[] { 0, int.MaxValue }
        select new TestCaseData(phase, happened, room);

    [TestCaseSource(nameof(Cells))]
    public void ACell_IsAsItIsDrawn(object row, object column)
    {
        (Phase phase, PhaseEvent happened) = ((Phase)row, (PhaseEvent)column);
        PhaseStep step = PhaseTable.After(phase, happened);
        string drawn = Drawn()[(phase, happened)];
        if (drawn is "·" or "—") Assert.That(step, Is.EqualTo(new PhaseStep(phase)));
        else Assert.That($"{step.Next}{Words[(step.Sends, step.Tcp)]}", Is.EqualTo(drawn.Replace("101", "HTTP", StringComparison.Ordinal)));
    }

    [TestCaseSource(nameof(Cells))]
    public void ACell_LeadsForward_AndTheLastPhaseNowhere(object row, object column)
    {
        (Phase phase, PhaseEvent happened) = ((Phase)row, (PhaseEvent)column);
        PhaseStep step = PhaseTable.After(phase, happened);
        Assert.That(step.Next, Is.GreaterThanOrEqualTo(phase));
        Assert.That(PhaseTable.Shown(step.Next), Is.GreaterThanOrEqualTo(PhaseTable.Shown(phase)));
        if (step.Next == phase) Assert.That(step, Is.EqualTo(new PhaseStep(phase)), "nothing is done without a step");
        if (phase >= Phase.Draining) Assert.That(step.Sends, Is.EqualTo(SentWithStep.Nothing), "§5.5.1: one Close is sent");
    }

    // A connection is brought into the phase, over memory; then it happens. While the kernel has no room nothing leaves.
    // What the connection awaits goes on where it is completed, as on a loop's thread: there is no synchronization context there.
    [TestCaseSource(nameof(ReachableCells))]
    public void AConnection_DoesWhatTheCellSays(object row, object column, int room)
    {
        (Phase phase, PhaseEvent happened) = ((Phase)row, (PhaseEvent)column);
        SynchronizationContext.SetSynchronizationContext(null);
        bool isHeld = phase is Phase.Expired or Phase.Aborted; // by a handler: else they would be over at once
        TaskCompletionSource handler = new();
        ProtocolOverTcpTests.Handler application = new((_, _, _) => new ValueTask(handler.Task));
        MemoryConnection peer = new(application, opened: phase != Phase.Handshake);
        Bring(peer, phase);
        Assert.That(peer.Connection.Life.Phase, Is.EqualTo(phase));
        int sentBefore = peer.Taken.Length;
        if (phase != Phase.Draining) peer.Room = room; // in Draining the kernel has none

        bool isOpenSocket = peer.ClosedWithReset is null;
        bool streamEnded = happened == PhaseEvent.StreamEnds && peer.WantsBytes;
        bool isHeard = Cause(peer, happened);
        PhaseStep step = isHeard ? PhaseTable.After(phase, happened) : new PhaseStep(phase);
        bool shut = step.Tcp == TcpEnd.Shut, reset = step.Tcp == TcpEnd.Reset, closed = reset || step.Tcp == TcpEnd.Closed;
        Phase expected = step.Next;

        // What follows by itself. An end of the stream closes at last; until then what does not fit into the kernel holds it up.
        bool canFlush = peer.Room > 0 || (step.Sends == SentWithStep.Nothing && phase != Phase.Draining);
        Follow(canFlush, PhaseEvent.Flushes, Phase.Draining);
        Follow(streamEnded, PhaseEvent.Finishes, Phase.Shut);
        Follow(!isHeld, PhaseEvent.Finishes, Phase.Expired);
        Follow(!isHeld, PhaseEvent.Finishes, Phase.Aborted);
        Assert.That(peer.Connection.Life.Phase, Is.EqualTo(expected));
        Assert.That(peer.IsShut, Is.EqualTo(shut || phase == Phase.Shut), "SHUT_WR");
        if (closed && isOpenSocket) Assert.That(peer.ClosedWithReset, Is.EqualTo(reset), "closed with a reset");

        if (expected < Phase.Expired)
        {
            peer.Room = int.MaxValue;
            peer.BecomeWritable();
        }

        byte[] sent = peer.Taken[sentBefore..];
        if (step.Sends == SentWithStep.Answer) Assert.That(Encoding.ASCII.GetString(sent), Does.StartWith("HTTP/1.1 "));
        else if (phase != Phase.Draining) Assert.That(sent.AsSpan().StartsWith(OurClose), Is.EqualTo(step.Sends == SentWithStep.Close));
        handler.TrySetResult();
        peer.Turn();
        peer.DisposeAsync().AsTask().GetAwaiter().GetResult();

        void Follow(bool does, PhaseEvent next, Phase from)
        {
            if (!does || expected != from) return;
            PhaseStep following = PhaseTable.After(from, next);
            (expected, shut, reset) = (following.Next, shut || following.Tcp == TcpEnd.Shut, reset || following.Tcp == TcpEnd.Reset);
            closed |= following.Tcp >= TcpEnd.Closed;
        }
    }

    private static void Bring(MemoryConnection peer, Phase phase)
    {
        switch (phase)
        {
            case Phase.Closing:
                peer.Turn(() => peer.Connection.Close());
                break;
            case Phase.Draining:
                peer.Room = 0;
                peer.Arrive(Close);
                break;
            case Phase.Shut:
                peer.Arrive(Close);
                break;
            case Phase.Expired:
                peer.Arrive(RawClient.Frame(Opcode.Text, "held"u8));
                peer.Turn(peer.Connection.EndDrain);
                break;
            case Phase.Aborted:
                peer.Arrive(RawClient.Frame(Opcode.Text, "held"u8));
                peer.Turn(peer.Connection.Abort);
                break;
            case Phase.Ended:
                peer.Turn(peer.Connection.Abort);
                break;
        }
    }

    // False when it cannot happen, because nothing is read, or what is read is no request any more.
    private static bool Cause(MemoryConnection peer, PhaseEvent happened)
    {
        bool isHandshake = peer.Connection.Life.IsHandshake;
        switch (happened)
        {
            case PhaseEvent.Upgrades:
                return Arrive(isHandshake, Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n"));
            case PhaseEvent.Answers:
                return Arrive(isHandshake, "NO\r\n\r\n"u8.ToArray());
            case PhaseEvent.PeerCloses:
                return Arrive(!isHandshake, Close);
            case PhaseEvent.Fails:
                return Arrive(!isHandshake, Violation);
            case PhaseEvent.StreamEnds:
                return Arrive(isPossible: true, []);
            case PhaseEvent.Closes:
                peer.Turn(() => peer.Connection.Close());
                return true;
            case PhaseEvent.Stops:
                peer.Turn(peer.Connection.Drain);
                return true;
            case PhaseEvent.Flushes:
                if (peer.Connection.Life.Phase == Phase.Draining) peer.Room = int.MaxValue;
                peer.BecomeWritable();
                return true;
            case PhaseEvent.Expires:
                peer.Turn(peer.Connection.EndDrain);
                return true;
            default:
                peer.Turn(peer.Connection.Abort);
                return true;
        }

        bool Arrive(bool isPossible, byte[] bytes)
        {
            if (!isPossible || !peer.WantsBytes) return false;
            peer.Arrive(bytes);
            return true;
        }
    }

    // The drawing stands in two pieces, each under a line that names the events.
    private static Dictionary<(Phase Phase, PhaseEvent Happened), string> Drawn()
    {
        Dictionary<(Phase, PhaseEvent), string> cells = [];
        int[] starts = [];
        PhaseEvent[] events = [];
        IEnumerable<string> lines = Repository.Read("Server", "Connections", "PhaseTable.cs").Split('\n');
        foreach (string line in lines.TakeWhile(static line => line.StartsWith("//", StringComparison.Ordinal)))
        {
            MatchCollection words = Word().Matches(line);
            if (line.Contains(@"phase \ event", StringComparison.Ordinal))
            {
                Match[] columns = [.. words.Skip(3)];
                starts = [.. columns.Select(static word => word.Index)];
                events = [.. columns.Select(static word => Enum.Parse<PhaseEvent>(word.Value))];
            }
            else if (line.StartsWith("//   ", StringComparison.Ordinal) && Enum.TryParse(words[0].Value, out Phase phase))
            {
                for (int i = 0; i < events.Length; i++)
                {
                    int end = i + 1 < events.Length ? Math.Min(starts[i + 1], line.Length) : line.Length;
                    cells.Add((phase, events[i]), line[starts[i]..end].Trim());
                }
            }
        }

        return cells;
    }

    [GeneratedRegex(@"[^\s/]+")]
    private static partial Regex Word();
}

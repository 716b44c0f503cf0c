// The ways to end stand in three places: in the code (Endings), which is what happens; in ARCHITECTURE.md; and, those with a code of ours,
// in README. All say the same, and what is sent and what becomes of TCP is what the table of phases says.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Connections;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class EndingsTests
{
    private static readonly string[][] Written = Rows("ARCHITECTURE.md", "| cause |");

    private static IEnumerable<TestCaseData> All => Endings.All.Select(static (ending, i) =>
        new TestCaseData(ending, i).SetArgDisplayNames($"{ending.Cause} {i}"));

    [Test]
    public void EveryCause_HasARow_AndEveryRowIsWritten()
    {
        Assert.That(Endings.All.Select(static ending => ending.Cause).Distinct(),
            Is.EquivalentTo(Enum.GetValues<EndCause>().Except([EndCause.None])));
        Assert.That(Written, Has.Length.EqualTo(Endings.All.Count));
    }

    [TestCaseSource(nameof(All))]
    public void ARow_IsWrittenAsItIs(object row, int index)
    {
        Ending ending = (Ending)row;
        string[] written = Written[index];
        Assert.That(written[0], Is.Not.Empty);
        string[] frames = written[1].Split(", ");
        Assert.That(frames[^1], Is.EqualTo(Step(ending).Sends switch
        {
            SentWithStep.Answer => "the answer",
            SentWithStep.Close => "Close",
            _ => "none",
        }));
        Assert.That(frames.Contains("what is begun"), Is.EqualTo(ending.DropsUnsent), "only what is begun is sent before the Close");
        Assert.That(frames.Contains("the application's last word"), Is.EqualTo(ending.Cause == EndCause.Heartbeat));
        Assert.That(written[2].Split(" (")[0], Is.EqualTo(CodeOf(ending)));
        Assert.That(written[3], Is.EqualTo(TcpsEnd(ending)));
        Assert.That(written[4], Is.EqualTo(ReportOf(ending)));
    }

    // Of one connection there is one end: what begins it does something, in the phase in which it begins.
    [TestCaseSource(nameof(All))]
    public void ARow_BeginsAnEnd(object row, int index)
    {
        Ending ending = (Ending)row;
        PhaseStep step = Step(ending);
        Assert.That((index, step.Next), Is.EqualTo((Endings.All.ToList().IndexOf(ending), step.Next)), "no row is there twice");
        Assert.That(step.Next, Is.GreaterThanOrEqualTo(Phase.Closing));
        Assert.That(ending.Code is not null, Is.EqualTo(ending.CodeFrom == CodeSource.Row));
        if (ending.Code is not { } code) return;
        Assert.That(CloseCodes.MaySend(Role.Server, code));
        Assert.That(ending.Reason.Length, Is.LessThanOrEqualTo(ClosePayload.ReasonBytesMax));
    }

    // README says it to whoever writes a client.
    [Test]
    public void ACloseOfOurs_StandsInReadme()
    {
        string[][] readme = [.. Rows("README.md", "| code | reason |").Where(static cells => !IsOfTheBackplane(cells))];
        IEnumerable<string> expected = Endings.All.Where(static ending => ending.CodeFrom == CodeSource.Row).Select(static ending =>
            $"{ending.Code} {(ending.Reason.Length == 0 ? "the rule" : ending.Reason)} {ending.Cause}");
        string[] violations = [.. CodesOfRules().Select(static code => $"{code} the rule {EndCause.ProtocolViolation}")];
        Assert.That(readme.Select(static cells => $"{cells[0]} {cells[1].Trim('`')} {cells[4]}").Distinct(),
            Is.EquivalentTo(expected.Concat(violations).Distinct()));
    }

    // A backplane closes as an application does.
    [Test]
    public void ACloseOfTheBackplane_StandsInReadme() => Assert.That(
        Rows("README.md", "| code | reason |").Where(IsOfTheBackplane).Select(static cells => $"{cells[0]} {cells[1].Trim('`')}"),
        Is.EquivalentTo((string[])
        [
            $"{CloseCodes.TryAgainLater} {NatsBackplane.Unknown}",
            $"{ServerCloseCodes.Replaced} {NatsBackplane.Replaced}",
        ]));

    private static bool IsOfTheBackplane(string[] cells) => cells[4] == nameof(EndCause.ApplicationClosed);

    private static PhaseStep Step(Ending ending) => PhaseTable.After(ending.Event switch
    {
        PhaseEvent.Answers => Phase.Handshake,
        PhaseEvent.Expires => Phase.Closing,
        _ => Phase.Open,
    }, ending.Event);

    private static string CodeOf(Ending ending) => ending.CodeFrom switch
    {
        CodeSource.Row => $"{ending.Code}",
        CodeSource.Peer => "the peer's",
        CodeSource.Rule => string.Join(", ", CodesOfRules()),
        CodeSource.Application => "the application's",
        CodeSource.Status => "the status",
        _ => "none",
    };

    private static IEnumerable<ushort> CodesOfRules() =>
        FrameRules.All.Select(static rule => rule.CloseCode).Where(static code => code != Endings.MessageTooBig.Code).Distinct().Order();

    private static string TcpsEnd(Ending ending) => Step(ending).Next switch
    {
        Phase.Closing => "awaited",
        Phase.Draining => "in order",
        Phase.Expired => "closed",
        Phase.Aborted => "reset",
        _ => "",
    };

    private static string ReportOf(Ending ending) => ending.Event switch
    {
        PhaseEvent.PeerCloses => $"{ending.Cause}, clean",
        PhaseEvent.Fails when ending.Cause != EndCause.OutOfMemory => $"{ending.Cause}, with the rule",
        _ => $"{ending.Cause}",
    };

    // The rows of the table whose heading begins so.
    private static string[][] Rows(string file, string heading) => [.. Repository.Read(file).Split('\n')
        .SkipWhile(line => !line.StartsWith(heading, StringComparison.Ordinal)).Skip(2)
        .TakeWhile(static line => line.StartsWith('|'))
        .Select(static line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))];
}

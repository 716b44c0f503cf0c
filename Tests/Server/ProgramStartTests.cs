// The built program where something is missing that a program has as a rule: a working directory, descriptors, memory, an output. Either it
// serves, or it says in one sentence what there is too little of.

using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[Platform("Linux")]
public sealed class ProgramStartTests
{
    [Test]
    public void ADeletedWorkingDirectory_HasNoSettings_AndHarmsNobody()
    {
        using RunningProgram program = RunningProgram.StartUnder("d=$(mktemp -d) && cd \"$d\" && rmdir \"$d\"", "--listen", "127.0.0.1:0", "--app", "echo");
        AssertServes(program, program.WaitForPortOrExit());
    }

    [Test]
    public void AFileNamedFromADeletedWorkingDirectory_IsOneLine()
    {
        using RunningProgram program = RunningProgram.StartUnder("d=$(mktemp -d) && cd \"$d\" && rmdir \"$d\"", "--config", "rawws.json");
        program.WaitForExit();
        Assert.That((program.ExitCode, program.Errors.Split('\n')), Is.EqualTo((2, program.Errors.Split('\n')[..2])), program.Errors);
        Assert.That(program.Errors, Does.StartWith("rawws: ").And.Contain("--config"));
    }

    // However many there are: it serves, or says how many there are, how many it needs, and what would help.
    [Test]
    public void FewDescriptors_ServeSomebody_OrAreOneSentence([Values(50, 64, 80, 100, 120, 128, 140, 150, 200, 256)] int limit, [Values("epoll", "socket")] string transport)
    {
        using RunningProgram program = RunningProgram.StartUnder($"ulimit -n {limit}", "--listen", "127.0.0.1:0", "--app", "echo", "--transport", transport);
        if (program.WaitForPortOrExit() is { } port)
        {
            AssertServes(program, port);
            return;
        }

        AssertOneSentence(program, $"open files is {limit}");
    }

    [Test]
    public void MoreLoopsThanDescriptors_AreOneSentence()
    {
        using RunningProgram program = RunningProgram.StartUnder("ulimit -n 400", "--listen", "127.0.0.1:0", "--loops", "200");
        Assert.That(program.WaitForPortOrExit(), Is.Null);
        AssertOneSentence(program, "open files is 400");
        Assert.That(program.Errors, Does.Contain("--loops"));
    }

    private static void AssertOneSentence(RunningProgram program, string named)
    {
        Assert.That((program.ExitCode, program.Errors.Count(static c => c == '\n')), Is.EqualTo((1, 1)), program.Errors);
        Assert.That(program.Errors, Does.StartWith("rawws: ").And.Contain(named).And.Contain("needs"));
    }

    private static void AssertServes(RunningProgram program, int? port)
    {
        Assert.That(port, Is.Not.Null, program.Output);
        for (int i = 0; i < 3; i++)
        {
            using RawClient client = RawClient.Open(port!.Value);
            client.SendText("anybody?");
            Assert.That(client.ReadText(), Is.EqualTo("anybody?"));
        }

        program.Stop();
        Assert.That(program.ExitCode, Is.Zero);
        Assert.That(program.Errors, Is.Empty);
    }
}

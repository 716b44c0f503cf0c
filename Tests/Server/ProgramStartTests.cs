// The built program where something is missing that a program has as a rule: a working directory, descriptors, memory, an output. Either it
// serves, or it says in one sentence what there is too little of.

using System.Net.Sockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[Platform("Linux")]
public sealed class ProgramStartTests
{
    [Test]
    public void ADeletedWorkingDirectory_HasNoSettings_AndHarmsNobody()
    {
        using RunningProgram program =
            RunningProgram.StartUnder("d=$(mktemp -d) && cd \"$d\" && rmdir \"$d\"", "--listen", "127.0.0.1:0", "--app", "echo");
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
    public void FewDescriptors_ServeSomebody_OrAreOneSentence(
        [Values(50, 64, 80, 100, 120, 128, 140, 150, 200, 256)] int limit, [Values("epoll", "socket")] string transport)
    {
        using RunningProgram program =
            RunningProgram.StartUnder($"ulimit -n {limit}", "--listen", "127.0.0.1:0", "--app", "echo", "--transport", transport);
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

    // A heap of 32 MiB, for which the server has to have limits that it can keep: whoever fills it is told 1013, and others are served.
    [Test]
    public void LittleMemory_IsSharedOut_AndServesOthers_WhenItIsFull([Values("epoll", "socket")] string transport)
    {
        const int Clients = 60;
        using RunningProgram program = StartInSmallHeap(transport);
        int? port = program.WaitForPortOrExit();
        Assert.That(port, Is.Not.Null, program.Output);
        List<RawClient> clients = [.. Enumerable.Range(0, Clients).Select(_ => RawClient.Open(port!.Value))];
        byte[] unfinished = RawClient.Frame(RawWs.Frame.Opcode.Binary, new byte[1_000_000])[..900_000];
        Task[] sending = [.. clients.Select(client => Task.Run(() => SendAsFarAsItIsTaken(client, unfinished)))];
        TestServer.Eventually(() => program.CountEndings("OutOfMemory") > 0, "the memory is full");
        clients.ForEach(static client => client.Dispose());
        Task.WaitAll(sending);
        TestServer.Eventually(() => program.CountEndings("") == Clients, "all have ended");
        AssertServes(program, port);
        Assert.That(program.Output, Does.Not.Contain("bug").And.Not.Contain("Exception"));
    }

    // Peers that send Pings and read nothing: the collector's addresses must last.
    [Test]
    public void ASmallHeap_HasAddresses_AndLivesOn([Values("epoll", "socket")] string transport)
    {
        const int Clients = 100;
        using RunningProgram program = StartInSmallHeap(transport);
        int? port = program.WaitForPortOrExit();
        Assert.That(port, Is.Not.Null, program.Output);
        List<RawClient> clients = [.. Enumerable.Range(0, Clients).Select(_ => RawClient.Open(port!.Value, receiveBuffer: 4096))];
        byte[] pings = [.. Enumerable.Repeat(RawClient.Frame(RawWs.Frame.Opcode.Ping, default), 4000).SelectMany(static frame => frame)];
        foreach (RawClient client in clients) client.Socket.Blocking = false;
        for (int round = 0; round < 400; round++)
            foreach (RawClient client in clients) client.Socket.Send(pings, System.Net.Sockets.SocketFlags.None, out _);
        clients.ForEach(static client => client.Dispose());
        AssertServes(program, port);
        Assert.That(program.Output, Does.Not.Contain("bug").And.Not.Contain("Exception"));
    }

    [Test]
    public void TooLittleMemory_IsOneSentence()
    {
        using RunningProgram program = RunningProgram.StartUnder("export DOTNET_GCHeapHardLimit=0x1000000", "--listen", "127.0.0.1:0");
        Assert.That(program.WaitForPortOrExit(), Is.Null);
        AssertOneSentence(program, "16 MiB of memory");
    }

    [Test]
    public void AMemoryLimitThatCannotBeKept_IsAWrongSetting()
    {
        using RunningProgram program =
            RunningProgram.StartUnder("export DOTNET_GCHeapHardLimit=0x2000000", "--listen", "127.0.0.1:0", "--max-memory", "64MiB");
        program.WaitForExit();
        Assert.That((program.ExitCode, program.Errors.Count(static c => c == '\n')), Is.EqualTo((2, 1)), program.Errors);
        Assert.That(program.Errors, Does.StartWith("rawws: --max-memory: 64 MiB").And.Contain("32 MiB"));
    }

    [Test]
    public void MoreConnectionsThanDescriptors_AreSaid()
    {
        using RunningProgram program =
            RunningProgram.StartUnder("ulimit -n 256", "--listen", "127.0.0.1:0", "--app", "echo", "--max-connections", "100000");
        int? port = program.WaitForPortOrExit();
        TestServer.Eventually(() => program.CountLines(
            "100000 connections are allowed (--max-connections), but the limit of open files is 256") == 1, "it is said");
        AssertServes(program, port);
    }

    // A closed output's number goes to something of the runtime's: no line may be written there.
    [Test]
    public void ClosedOutputs_AreNotWrittenTo([Values("<&-", ">&-", "2>&-", "<&- >&- 2>&-")] string closed)
    {
        // It cannot say where it listens, so it is told: a port that was free a moment ago.
        int port = Ports.Free();
        using RunningProgram program = RunningProgram.StartUnder($"exec {closed}", "--listen", $"127.0.0.1:{port}", "--app", "echo");
        TestServer.Eventually(() => Ports.IsListening(port), "it listens");
        for (int i = 0; i < 100; i++)
        {
            using RawClient client = RawClient.Open(port);
            client.SendText("anybody?");
            Assert.That(client.ReadText(), Is.EqualTo("anybody?"));
        }

        program.Stop();
        Assert.That(program.ExitCode, Is.Zero);
    }

    [TestCase("exec 2>&-", "--bogus", 2)]
    [TestCase("exec 2>/dev/full", "--bogus", 2)]
    [TestCase("exec >&-", "--help", 1)]
    [TestCase("exec >/dev/full", "--help", 1)]
    [TestCase("exec >&- 2>&-", "--help", 1)]
    [TestCase("export TMPDIR=/nowhere", "--help", 0)]
    public void WhatCannotBeWritten_ChangesNothingButTheExitCode(string command, string argument, int exitCode)
    {
        using RunningProgram program = RunningProgram.StartUnder(command, argument);
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.EqualTo(exitCode));
        Assert.That(program.Errors, Is.Empty.Or.StartsWith("rawws: the output cannot be written"));
    }

    private static void SendAsFarAsItIsTaken(RawClient client, byte[] bytes)
    {
        try
        {
            client.Send(bytes);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It was closed, by one side or the other.
        }
    }

    private static void AssertOneSentence(RunningProgram program, string named)
    {
        Assert.That((program.ExitCode, program.Errors.Count(static c => c == '\n')), Is.EqualTo((1, 1)), program.Errors);
        Assert.That(program.Errors, Does.StartWith("rawws: ").And.Contain(named).And.Contain("needs"));
    }

    private static RunningProgram StartInSmallHeap(string transport) => RunningProgram.StartUnder(
        "export DOTNET_GCHeapHardLimit=0x2000000", "--listen", "127.0.0.1:0", "--app", "echo", "--heartbeat", "0",
        "--transport", transport);

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

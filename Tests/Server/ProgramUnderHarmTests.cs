// The built program, a process of its own, under load and harm: told to stop in the middle of it, with a log that nobody reads, and with
// offenders of every kind, whose cost is read where it counts: in the process's resident memory.

using System.Diagnostics;
using System.Text;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.Ways))]
public sealed class ProgramUnderHarmTests(Setup setup)
{
    // What the runtime, 1,210 connections and the bounded buffers of 110 of them take, and a margin; a runtime that holds what the
    // offenders have sent or declared is past it.
    private const long ResidentBytesMax = 256L * 1024 * 1024;

    [Test]
    public async Task Sigterm_UnderLoad_EveryClientSees1001_AndTheExitCodeIs0([Values("router", "echo")] string application)
    {
        const int Clients = 200;
        using RunningProgram program = RunningProgram.StartOn(setup, "--app", application, "--heartbeat", "0", "--drain", "60");
        int port = program.WaitForPort();
        List<RawClient> clients = [.. Enumerable.Range(0, Clients).Select(i => RawClient.Open(port, $"/?uid={i}"))];
        using CountdownEvent busy = new(Clients);
        List<Task<string>> running = [];
        for (int i = 0; i < Clients; i++)
        {
            RawClient client = clients[i];
            string message = Message(i, i ^ 1);
            string expected = application == "echo" ? message : Message(i ^ 1, i).Split(':')[1];
            running.Add(Task.Factory.StartNew(() => PassOn(client, message, expected, busy), TaskCreationOptions.LongRunning));
        }

        Assert.That(busy.Wait(TestServer.Patience), "all are busy");
        program.Signal(15);
        Assert.That(await Task.WhenAll(running), Is.All.EqualTo("1001 server shutting down"));
        clients.ForEach(static client => client.Dispose());
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.Zero);
        Assert.That(program.Output, Does.Contain($"stopped: {Clients} of {Clients} "));

        // Two write to each other; one pair in ten has messages that seldom leave in one piece.
        static string Message(int from, int to) =>
            $"{to}:" + string.Concat(Enumerable.Repeat($"from {from} ", from / 2 % 10 == 0 ? 1500 : 3));
    }

    // Ctrl-Z, a frozen container: real time has to go by, twice what a client may be silent.
    [Test]
    [Platform("Linux")] // the signals' numbers
    public void AProcessThatWasStopped_CutsOffNobodyForTheTimeInWhichItDidNotListen()
    {
        const int Sigcont = 18, Sigstop = 19, Clients = 300;
        using RunningProgram program = RunningProgram.StartOn(setup, "--app", "echo", "--heartbeat", "1.5", "--message-timeout", "1.5");
        int port = program.WaitForPort();
        List<RawClient> clients = [.. Enumerable.Range(0, Clients).Select(_ => RawClient.Open(port))];
        byte[] message = RawClient.Frame(Opcode.Text, "all the while"u8);
        program.Signal(Sigstop);
        long stopped = Stopwatch.GetTimestamp();
        clients.ForEach(client => client.Send(message.AsSpan(0, 8)));
        TestServer.Eventually(() => Stopwatch.GetElapsedTime(stopped) > TimeSpan.FromSeconds(3), "three seconds go by");
        clients.ForEach(client => client.Send(message.AsSpan(8)));
        program.Signal(Sigcont);
        clients.ForEach(static client => Assert.That(client.ReadText(), Is.EqualTo("all the while")));
        clients.ForEach(static client => client.Send(Opcode.Close, [0x03, 0xE8]));
        clients.ForEach(static client => Assert.That(client.ReadClose().Code, Is.EqualTo(1000)));
        clients.ForEach(static client => client.Dispose());
        program.Stop();
    }

    [Test]
    public void TenThousandConnectionsEnd_WhileNobodyReadsTheLog_AndEchoGoesOn()
    {
        using RunningProgram program = RunningProgram.StartOn(setup, "--app", "echo");
        int port = program.WaitForPort();
        program.StopReading();
        using RawClient witness = RawClient.Open(port);
        byte[] openAndClose =
            [.. Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n"), .. RawClient.Frame(Opcode.Close, [0x03, 0xE8])];
        for (int round = 0; round < 100; round++)
        {
            List<RawClient> clients = [.. Enumerable.Range(0, 100).Select(_ => RawClient.Connect(port))];
            clients.ForEach(client => client.Send(openAndClose));
            clients.ForEach(static client =>
                Assert.That((client.ReadHead()[..12], client.ReadClose().Code), Is.EqualTo(("HTTP/1.1 101", (ushort?)1000))));
            clients.ForEach(static client => client.Dispose());
            witness.SendText($"round {round}");
            Assert.That(witness.ReadText(), Is.EqualTo($"round {round}"));
        }

        // It even ends as it should. Then what has lain in the pipe is read: a few lines a second, which account for every connection.
        program.Signal(15);
        Assert.That(witness.ReadClose(answer: true).Code, Is.EqualTo(1001));
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.Zero);
        string[] lines = [.. program.Output.Split('\n'), .. program.ReadTheRest()];
        Assert.That(lines, Has.Length.LessThan(5000));
        Assert.That(RunningProgram.CountEndings(lines, ""), Is.EqualTo(10_001));
    }

    // Resident memory is read from /proc.
    [Test]
    [Platform("Linux")]
    public void ResidentMemoryHasABound_WhileOffendersAreEnded_AndOthersAreServed()
    {
        const int Dribblers = 1000, Declarers = 100, Flooders = 100, Slow = 10;
        using RunningProgram program =
            RunningProgram.StartOn(setup, "--heartbeat", "0", "--message-timeout", "4", "--send-timeout", "4", "--close-timeout", "60",
            "--ping-interval", "3600");
        int port = program.WaitForPort();
        using RawClient honest = RawClient.Open(port, "/?uid=honest");
        List<RawClient> slow = [.. Enumerable.Range(0, Slow).Select(i => RawClient.Open(port, $"/?uid=slow{i}", receiveBuffer: 8192))];
        using RawClient sender = RawClient.Open(port, "/?uid=sender");
        for (int i = 0; i < Slow; i++) SendUntilTooSlow(sender, $"slow{i}");
        // They write to themselves, and keep at it.
        List<Flooder> flooders =
            [.. Enumerable.Range(0, Flooders)
                .Select(
                    i => new Flooder(port, $"/?uid=flood{i}",
                        RawClient.Frame(Opcode.Text, Encoding.ASCII.GetBytes($"flood{i}:{new string('x', 60_000)}"))))];
        List<(RawClient Client, bool Dribbles)> waiting =
            [.. Enumerable.Range(0, Dribblers + Declarers).Select(i => (RawClient.Open(port), i < Dribblers))];
        foreach ((RawClient client, bool dribbles) in waiting)
            client.Send(dribbles ? [0x82, 0xFE, 0x10, 0, 1, 2, 3, 4] : [0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4, 5]);

        flooders.ForEach(static flooder => flooder.Push());
        Stopwatch sinceBytes = Stopwatch.StartNew();
        Assert.That(SpinWait.SpinUntil(
            () =>
            {
                honest.SendText("honest:served?");
                Assert.That(honest.ReadText(), Is.EqualTo("served?"));
                waiting.RemoveAll(static offender => IsToldOfItsTimeout(offender.Client));
                if (sinceBytes.Elapsed < TimeSpan.FromSeconds(1)) return false;
                foreach ((RawClient client, bool dribbles) in waiting)
                    if (dribbles) client.Send([0]);
                flooders.ForEach(static flooder => flooder.Push());
                // Who still takes nothing is closed when one message more would have to wait.
                for (int i = 0; i < Slow; i++) SendOneMore(sender, $"slow{i}");
                sinceBytes.Restart();
                return waiting.Count == 0 && program.CountEndings("StalledSend") == Flooders;
            },
            TestServer.Patience * 4), "the harmful are gone");
        for (int i = 0; i < Slow; i++) ReadLate(slow[i], $"to slow{i} ");

        long resident = program.PeakResidentBytes;
        TestContext.Out.WriteLine($"{resident / 1048576.0:F1} MiB resident at most");
        Assert.That(resident, Is.LessThan(ResidentBytesMax));
        foreach (RawClient client in (RawClient[])[honest, sender])
        {
            client.Send(Opcode.Close, []);
            Assert.That(client.ReadClose().Code, Is.Null);
        }

        flooders.ForEach(static client => client.Dispose());
        program.Stop();
        Assert.That(program.CountEndings("MessageTimeout"), Is.EqualTo(Dribblers + Declarers));
        Assert.That(program.CountEndings("StalledSend"), Is.EqualTo(Flooders));
        Assert.That(program.CountLines("closed by server: TooSlow, code 4000, clean"), Is.EqualTo(Slow));
        Assert.That(program.CountEndings(""), Is.EqualTo(Dribblers + Declarers + Flooders + Slow + 2));
    }

    // Whatever comes is answered by one more message, so the load stays what it was until the Close. Returns what that says.
    private static string PassOn(RawClient client, string message, string expected, CountdownEvent busy)
    {
        for (int i = 0; i < 8; i++) client.SendText(message);
        for (int received = 0; client.ReadFrame() is { } frame;)
        {
            if (frame.Opcode == Opcode.Close)
            {
                client.Send(Opcode.Close, frame.Payload);
                Assert.That(client.ReadFrame(), Is.Null, "Nothing follows a Close.");
                return $"{(frame.Payload[0] << 8) | frame.Payload[1]} "
                    + $"{Encoding.UTF8.GetString(frame.Payload, 2, frame.Payload.Length - 2)}";
            }

            if (frame.Opcode == Opcode.Ping)
            {
                client.Send(Opcode.Pong, frame.Payload);
                continue;
            }

            string text = Encoding.UTF8.GetString(frame.Payload);
            if (text.StartsWith("error:offline:", StringComparison.Ordinal)) continue; // that one has been told already
            if (text != expected) throw new AssertionException($"Not what was expected: {text}");
            if (++received == 20) busy.Signal();
            client.SendText(message);
        }

        return "the stream ended without a Close";
    }

    private static void SendUntilTooSlow(RawClient sender, string uid)
    {
        string body = string.Concat(Enumerable.Repeat($"to {uid} ", 10_000));
        while (sender.Socket.Available == 0) sender.SendText($"{uid}:{body}");
        // Messages that were under way when the first was refused are refused too.
        Assert.That(sender.ReadText(), Is.EqualTo($"error:too-slow:{uid}"));
        sender.Send(Opcode.Ping, []);
        while (sender.ReadFrame() is { } frame && frame.Opcode != Opcode.Pong)
            Assert.That(Encoding.ASCII.GetString(frame.Payload), Does.EndWith(uid));
    }

    // Until one finds no room, for the kernel may have taken some meanwhile.
    private static void SendOneMore(RawClient sender, string uid)
    {
        string body = string.Concat(Enumerable.Repeat($"to {uid} ", 10_000));
        for (bool isTold = false; !isTold;)
        {
            sender.SendText($"{uid}:{body}");
            sender.Send(Opcode.Ping, []);
            while (sender.ReadFrame() is { Opcode: Opcode.Text, Payload: var told })
            {
                isTold = true;
                Assert.That(Encoding.ASCII.GetString(told), Is.EqualTo($"error:too-slow:{uid}").Or.EqualTo($"error:offline:{uid}"));
            }
        }
    }

    private static bool IsToldOfItsTimeout(RawClient client)
    {
        if (client.Socket.Available == 0) return false;
        (Opcode opcode, byte[] payload) = client.ReadFrame()!.Value;
        Assert.That((opcode, Encoding.ASCII.GetString(payload[2..])), Is.EqualTo((Opcode.Close, "message timeout")));
        client.Dispose();
        return true;
    }

    // What the kernel had taken is there, whole; and then the Close.
    private static void ReadLate(RawClient client, string unit)
    {
        int messages = 0;
        while (client.ReadFrame() is { } frame)
        {
            if (frame.Opcode == Opcode.Text)
            {
                messages++;
                Assert.That((frame.Payload.Length, Encoding.ASCII.GetString(frame.Payload).Replace(unit, "", StringComparison.Ordinal)),
                    Is.EqualTo((unit.Length * 10_000, "")));
                continue;
            }

            Assert.That((frame.Opcode, Encoding.ASCII.GetString(frame.Payload[2..])), Is.EqualTo((Opcode.Close, "too slow")));
            client.Send(Opcode.Close, frame.Payload);
            Assert.That(client.ReadFrame(), Is.Null, "Nothing follows a Close.");
            Assert.That(messages, Is.Positive);
            client.Dispose();
            return;
        }

        Assert.Fail("the stream ended without a Close");
    }
}

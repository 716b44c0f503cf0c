// When the program has the Lab: by default while only this machine is meant, else when it is told to.

using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LabSettingTests
{
    [TestCase("", 200)]
    [TestCase("--lab off", 426)]
    [TestCase("--allowed-host example.com", 426)]
    [TestCase("--allowed-host example.com --lab on", 200)]
    [TestCase("--app echo --lab all", 200)]
    public void TheLab_IsThereForThisMachine_OrAsTold(string arguments, int status)
    {
        using RunningProgram program = RunningProgram.Start(
            ["--listen", "127.0.0.1:0", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        using RawClient client = RawClient.Connect(program.WaitForPort());
        client.Send("GET /lab HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.That(client.ReadHead(), Does.StartWith($"HTTP/1.1 {status}"));
    }

    // Whatever stands between the Lab and the program's application.
    [TestCase("", true)]
    [TestCase("--app echo", false)]
    [TestCase("--app echo --scenarios on", false)]
    [TestCase("--scenarios on", true)]
    public async Task ThePage_KnowsWhetherTheProgramRoutes(string arguments, bool routes)
    {
        using RunningProgram program = RunningProgram.Start(
            ["--listen", "127.0.0.1:0", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        await using LabClient lab = await LabClient.Open(program.WaitForPort());
        Assert.That(lab.Hello.GetProperty("router").GetBoolean(), Is.EqualTo(routes));
    }
}

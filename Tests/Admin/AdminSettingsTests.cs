// The settings of the admin port: what is an address, what is a file of tokens, and what refuses to start. And that nothing of ASP.NET Core
// is loaded without them.

using RawWs.Server;
using RawWs.Server.Console.Admin;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class AdminSettingsTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-admin").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("2001", "127.0.0.1:2001", true)]
    [TestCase("127.0.0.1:2001", "127.0.0.1:2001", true)]
    [TestCase("[::1]:2001", "[::1]:2001", true)]
    [TestCase("*:2001", "0.0.0.0:2001", false)]
    [TestCase("192.0.2.1:2001", "192.0.2.1:2001", false)]
    [TestCase("unix:/run/a.sock", "unix:/run/a.sock", true)]
    [TestCase("unix:/run/a.sock,mode=660", "unix:/run/a.sock", true)]
    [TestCase("unix:/run/a.sock,mode=664", "unix:/run/a.sock", true)]
    [TestCase("unix:/run/a.sock,mode=666", "unix:/run/a.sock", false)]
    public void AnAddress(string text, string shown, bool isGuarded)
    {
        Assert.That(AdminAddress.TryParse(text, out ListenAddress address));
        Assert.That((address.ToString(), AdminAddress.IsGuarded(address)), Is.EqualTo((shown, isGuarded)));
    }

    [TestCase("")]
    [TestCase("here")]
    [TestCase("127.0.0.1")]
    [TestCase("unix:")]
    [TestCase("unix:a.sock")]
    [TestCase("unix:/run/")]
    [TestCase("unix:/a,mode=66")]
    [TestCase("unix:/a,mode=668")]
    [TestCase("unix:/a,mode=0660")]
    [TestCase("unix:/a\n")]
    [TestCase("unix:/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678")]
    public void NoAddress(string text) => Assert.That(AdminAddress.TryParse(text, out _), Is.False);

    [TestCase("", "0 bytes")]
    [TestCase("short\n", "token 1 of the file is not one")]
    [TestCase("0123456789abcdef\nwith a space in it\n", "token 2 of the file is not one")]
    [TestCase("\n\n", "0 tokens")]
    public void AFileWithoutTokens(string text, string reason)
    {
        string path = Path.Combine(_folder, "tokens");
        File.WriteAllText(path, text);
        Assert.That(AdminTokens.FindError(path), Does.Contain(reason));
        Assert.That(AdminTokens.FindError(path + "?"), Is.EqualTo("there is no such file"));
    }

    [TestCase("--admin *:0", "needs --admin-token-file")]
    [TestCase("--admin unix:/tmp/x,mode=777", "needs --admin-token-file")]
    [TestCase("--admin nowhere", "unix:/PATH")]
    [TestCase("--admin 2001 --admin-token-file FILE", "there is no such file")]
    [TestCase("--admin-token-file GOOD", "needs --admin")]
    public void WhatIsNotGuarded_DoesNotStart(string arguments, string reason)
    {
        string good = Path.Combine(_folder, "good");
        File.WriteAllText(good, "0123456789abcdef");
        string[] words = [.. arguments.Split(' ').Select(word => word == "GOOD" ? good : word)];
        using RunningProgram program = RunningProgram.Start(["--listen", "127.0.0.1:0", .. words]);
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.EqualTo(2));
        Assert.That(program.Errors, Does.StartWith("rawws: --admin").And.Contain(reason));
        Assert.That(program.Errors.Trim().Split('\n'), Has.Length.EqualTo(1));
    }

    [Test]
    [Platform("Linux")]
    public void WithoutTheSetting_NothingOfItIsLoaded([Values] bool isOn)
    {
        string[] arguments = isOn ? ["--admin", "127.0.0.1:0"] : [];
        using RunningProgram program = RunningProgram.Start(["--listen", "127.0.0.1:0", .. arguments]);
        program.WaitForPort();
        string[] foreign = ["Microsoft.AspNetCore.", "Microsoft.OpenApi", "Microsoft.Extensions.Hosting", "OpenTelemetry"];
        string[] loaded = [.. File.ReadLines($"/proc/{program.Id}/maps").Select(static line => line[(line.LastIndexOf('/') + 1)..])
            .Where(file => foreign.Any(name => file.StartsWith(name, StringComparison.Ordinal)))];
        Assert.That(loaded, isOn ? Is.Not.Empty : Is.Empty);
        Assert.That(program.CountLines("admin port on http://127.0.0.1:"), Is.EqualTo(isOn ? 1 : 0));
        program.Stop();
        Assert.That((program.ExitCode, program.Errors), Is.EqualTo((0, "")));
    }

    // What -p:AdminPort=false is to the compiler of native code, this switch is to the runtime.
    [Test]
    public void ABuildWithoutIt_SaysSo_AndServes()
    {
        string program = typeof(RawWs.Server.Console.Program).Assembly.Location;
        string configuration = Path.Combine(_folder, "configuration.json");
        File.WriteAllText(configuration, File.ReadAllText(Path.ChangeExtension(program, ".runtimeconfig.json"))
            .Replace("\"configProperties\": {", "\"configProperties\": { \"RawWs.AdminPort\": false,", StringComparison.Ordinal));
        using RunningProgram refused = Start("--admin", "127.0.0.1:0");
        refused.WaitForExit();
        Assert.That((refused.ExitCode, refused.Errors), Is.EqualTo((2, "rawws: --admin: this build has no admin port\n")));
        using RunningProgram served = Start("--listen", "127.0.0.1:0");
        RawClient.Open(served.WaitForPort()).Dispose();
        served.Stop();
        Assert.That((served.ExitCode, served.Errors), Is.EqualTo((0, "")));

        RunningProgram Start(params string[] arguments) =>
            RunningProgram.StartOther("dotnet", ["exec", "--runtimeconfig", configuration, program, .. arguments]);
    }
}

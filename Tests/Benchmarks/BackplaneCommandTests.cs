// The benchmarks of clusters: what is wrong with their arguments is one line. What they measure is measured by hand.

using RawWs.Benchmarks.Backplane;
using RawWs.Tests.Support;

namespace RawWs.Tests.Benchmarks;

[Platform("Linux")]
public sealed class BackplaneCommandTests
{
    [TestCase("interest", "x", "interest: 'x' is no number above 0.")]
    [TestCase("interest", "1000 -5", "interest: '-5' is no number above 0.")]
    [TestCase("claims", "0", "claims: '0' is no number above 0.")]
    [TestCase("claims", "99999999999", "claims: '99999999999' is no number above 0.")]
    [TestCase("scale", "5 100 7", "scale: at most two numbers: nodes and uids.")]
    [TestCase("forward", "", "forward: the program's command is needed, as 'dotnet PATH/rawws.dll'.")]
    public async Task WhatIsWrong_IsOneLine(string name, string arguments, string said)
    {
        using StringWriter output = new(), error = new();
        int exitCode = await BackplaneCommand.RunAsync(
            name, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), output, error);
        Assert.That((exitCode, error.ToString(), output.ToString()), Is.EqualTo((2, said + Environment.NewLine, "")));
    }

    [Test]
    public async Task AProgramThatDoesNotRun_IsOneLine()
    {
        Tools.Require("nats-server");
        using StringWriter output = new(), error = new();
        Assert.That(await BackplaneCommand.RunAsync("forward", ["false"], output, error), Is.EqualTo(1));
        Assert.That(error.ToString(), Does.Match("^forward: false .* ended with exit code 1 before it listened"));
        Assert.That(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1));
    }

    // So many that the node renews its lease more than once meanwhile: what is claimed in that moment is no sign that the store has begun
    // anew.
    [Test]
    public async Task Claims_AreMadeAndGivenBack()
    {
        Tools.Require("nats-server");
        using StringWriter output = new(), error = new();
        Assert.That(await BackplaneCommand.RunAsync("claims", ["20000"], output, error), Is.Zero, error.ToString());
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[2].Split('|'), Has.Length.EqualTo(lines[0].Split('|').Length));
    }
}

// The demo page of two nodes, in two browsers: one conversation.

using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Platform("Linux")]
public sealed class ClusterDemoPageTests
{
    [Test]
    public async Task TwoBrowsersOnTwoNodes_HaveOneConversation()
    {
        using ClusterPrograms cluster = new();
        (ProgramNode one, ProgramNode two) = cluster.StartTwo();
        using ChromeDriver first = Browser.Open(), second = Browser.Open();
        await first.GoTo(one.Port);
        await second.GoTo(two.Port);
        first.ConnectAs("100");
        second.ConnectAs("101");
        one.Knows(2);
        two.Knows(2);
        first.SendTo("101", "hello from one");
        second.WaitForText("messages", "hello from one");
        second.SendTo("100", "hello from two");
        first.WaitForText("messages", "hello from two");
        first.SendTo("all", "for everybody");
        foreach (ChromeDriver browser in (ChromeDriver[])[first, second])
            browser.WaitFor(static page => page.FindElements(By.CssSelector("#messages .received"))
                .Any(static row => row.Text.Contains("for everybody", StringComparison.Ordinal)), "it comes to everybody");
        first.SendTo("102", "nobody");
        first.WaitForText("messages", "error:offline:102");

        cluster.StopNats();
        ClusterPrograms.Eventually(() => one.Metric("rawws_cluster_connected") == 0, "it is away");
        first.SendTo("101", "lost");
        first.WaitForText("messages", "error:unreachable:101");
        first.WaitForText("messages", "other nodes cannot be reached");
        first.Click("language");
        first.SendTo("101", "lost");
        first.WaitForText("messages", "联系不上其他节点");
        Assert.That(first.Complaints().Concat(second.Complaints()), Is.Empty);
    }
}

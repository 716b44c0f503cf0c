// The demo page as a file: what its policy lets run, and what a browser test may rely on. What it does is the browser tests'.

using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using RawWs.Server;
using RawWs.Server.Console.Pages;

namespace RawWs.Tests.Server;

[TestFixture]
public partial class PageTests
{
    private readonly HttpPage _page = DemoPage.Load();

    private string Html => Encoding.UTF8.GetString(_page.Html.Span);

    [Test]
    public void Policy_AllowsNothingButThePageItself()
    {
        string[] parts = [.. _page.ContentSecurityPolicy.Split(';', StringSplitOptions.TrimEntries)];
        Assert.That(parts, Does.Contain("default-src 'none'").And.Contain("connect-src 'self'").And.Contain("base-uri 'none'"));
        Assert.That(parts, Does.Contain("form-action 'none'").And.Contain("frame-ancestors 'none'"));
        Assert.That(_page.ContentSecurityPolicy, Does.Not.Contain("unsafe").And.Not.Contain("*"));
        Assert.That(_page.ContentSecurityPolicy, Does.Not.Match("[^\\x20-\\x7e]"));
    }

    [TestCase("script")]
    [TestCase("style")]
    public void Policy_HasTheHashOfTheOneInlineElement(string element)
    {
        MatchCollection found = Regex.Matches(Html, $"<{element}[^>]*>(.*?)</{element}>", RegexOptions.Singleline);
        Assert.That(found, Has.Count.EqualTo(1));
        string hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(found[0].Groups[1].Value)));
        Assert.That(_page.ContentSecurityPolicy, Does.Contain($"{element}-src 'sha256-{hash}'"));
    }

    [Test]
    public void Html_FetchesNothing_AndHasNoInlineHandler()
    {
        Assert.That(Html, Does.Not.Match("""(?i)\s(src|style|on[a-z]+)\s*="|\shref="(?!/lab")"""));
        Assert.That(Html, Does.Not.Match("(?i)https?://"));
        Assert.That(Html, Does.Not.Match("(?i)innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\("));
        Assert.That(Html, Does.Contain("textContent"));
    }

    [Test]
    public void Html_HasTheElementsThatTestsRelyOn(
        [Values("uid", "connect", "disconnect", "tutorial", "to", "text", "send", "state", "buffered", "closecode", "closereason",
            "closemeaning", "messages", "problem", "beat", "keepalive", "language", "lab")] string id) =>
        Assert.That(Regex.Matches(Html, $"\\bid=\"{id}\""), Has.Count.EqualTo(1));

    [Test]
    public void Html_LabelsEveryField() =>
        Assert.That(LabelledFields().Count(Html), Is.EqualTo(Fields().Count(Html)).And.GreaterThanOrEqualTo(3));

    [Test]
    public void Html_IsAWholeDocumentInUtf8()
    {
        Assert.That(Html, Does.StartWith("<!DOCTYPE html>").IgnoreCase);
        Assert.That(Html, Does.Contain("<html lang=\"en\">").And.Match("(?i)<meta charset=\"utf-8\">").And.Contain("viewport"));
    }

    [GeneratedRegex("<(?:input|textarea|select)\\b")]
    private static partial Regex Fields();

    // A field inside of its label needs no "for".
    [GeneratedRegex("<label[^>]*>[^<]*[^<\\s][^<]*<(?:input|textarea|select)\\b[^>]*></label>")]
    private static partial Regex LabelledFields();
}

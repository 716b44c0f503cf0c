// The demo page: one HTML file in the assembly, with its script and style inside. The Content-Security-Policy allows exactly these two, by
// their hashes, and connections back to the page's server. Nothing else may run, load, or frame the page.

using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace RawWs.Server.Console.Pages;

internal static class DemoPage
{
    // In the file, for the program's defaults.
    private const string Facts = "data-heartbeat=\"10\" data-lab=\"on\"";

    /// <summary>Loads the page, which is at "/".</summary>
    /// <param name="heartbeat">The server's heartbeat, which the page counts down; zero for none. Null: 10 s.</param>
    /// <param name="hasLab">Whether there is a Lab to go to.</param>
    public static HttpPage Load(TimeSpan? heartbeat = null, bool hasLab = true)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("index.html")
            ?? throw new InvalidOperationException("The assembly has no index.html in it.");
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        string facts = string.Create(CultureInfo.InvariantCulture,
            $"data-heartbeat=\"{heartbeat?.TotalSeconds ?? 10}\" data-lab=\"{(hasLab ? "on" : "off")}\"");
        string text = Encoding.UTF8.GetString(copy.ToArray()).Replace(Facts, facts, StringComparison.Ordinal);
        string policy = $"default-src 'none'; script-src '{Hash(text, "script")}'; style-src '{Hash(text, "style")}'; "
            + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        return new HttpPage("/", Encoding.UTF8.GetBytes(text), policy);
    }

    // The hash of the one element with this name, in the policy's form.
    private static string Hash(string html, string element)
    {
        int start = html.IndexOf($"<{element}>", StringComparison.Ordinal) + element.Length + 2;
        int end = html.IndexOf($"</{element}>", start, StringComparison.Ordinal);
        return "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(html[start..end])));
    }
}

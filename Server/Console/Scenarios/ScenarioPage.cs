// The page at /scenarios: what there is, made of the tables. It has no script; its policy allows its one style, by hash, and nothing else.

using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace RawWs.Server.Console.Scenarios;

internal static class ScenarioPage
{
    private const string Style = """
        :root { color-scheme: light dark; --line: #8884; --accent: #0b6bcb; --dim: #666; }
        @media (prefers-color-scheme: dark) { :root { --accent: #6cb2ff; --dim: #aaa; } }
        body { margin: 0 auto; padding: 1.5rem 1rem; max-width: 54rem; font: 1rem/1.5 system-ui, sans-serif; }
        h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .25rem; }
        p { margin: 0 0 1rem; color: var(--dim); }
        dt { margin-top: .6rem; font-weight: 600; overflow-wrap: anywhere; } dd { margin: 0; }
        code { font-family: ui-monospace, monospace; color: var(--accent); }
        """;

    /// <summary>Makes the page.</summary>
    public static HttpPage Make()
    {
        StringBuilder html = new("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>RawWs scenarios</title>\n");
        html.Append($"<style>{Style}</style>\n</head>\n<body>\n<main>\n<h1>Scenarios</h1>\n");
        html.Append("<p>Endpoints for people who test clients: this server does there on purpose what servers do seldom, or must not do. "
            + $"Open them with your client. At most {ScenarioApplication.ConnectionsMax} at once, each for "
            + $"{ScenarioConnection.TimeMax.TotalSeconds:0} seconds; messages up to {ScenarioConnection.MessageBytesMax / 1024} KiB come "
            + "back. A wrong parameter is answered with 400 and a sentence.</p>\n");
        Add(html, "Endpoints",
            ScenarioTable.All.Select(static scenario => (scenario.Shown, scenario.What)).Append(ScenarioApplication.Burst));
        Add(html, "Rules for /badframe/", BadFrames.All.Select(static row => (row.Rule.Name, row.Rule.Text + Needs(row))));
        Add(html, "Faults for /handshake/", HandshakeFaults.All.Select(static fault => (fault.Name, Sentence(fault.What))));
        html.Append("</main>\n</body>\n</html>\n");
        string policy = $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        return new HttpPage("/scenarios", Encoding.UTF8.GetBytes(html.ToString()), policy);
    }

    private static void Add(StringBuilder html, string title, IEnumerable<(string Name, string What)> rows)
    {
        html.Append($"<h2>{title}</h2>\n<dl>\n");
        foreach ((string name, string what) in rows)
            html.Append($"<dt><code>{WebUtility.HtmlEncode(name)}</code></dt><dd>{WebUtility.HtmlEncode(what)}</dd>\n");
        html.Append("</dl>\n");
    }

    private static string Needs(BadFrame row) => row.Bytes.IsEmpty ? " Only a client can break this rule: 400."
        : row.NeedsDeflate ? " The client must offer permessage-deflate, else 400." : $" A client should close with {row.Rule.CloseCode}.";

    private static string Sentence(string what) => char.ToUpperInvariant(what[0]) + what[1..] + ".";
}

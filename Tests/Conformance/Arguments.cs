// The command line: a URL, and options that each take a value, but for three (--verbose, --list, --insecure). What is wrong with it is one
// sentence.

using System.Globalization;

namespace RawWs.Conformance;

/// <param name="Target">The server.</param>
/// <param name="Cases">What to play.</param>
/// <param name="JUnit">Where the JUnit report goes, or null.</param>
/// <param name="Html">Where the page goes, or null.</param>
/// <param name="Verbose">A line for each case.</param>
/// <param name="Server">What to call the server in the reports.</param>
/// <param name="List">The cases are to be named, and not played.</param>
internal sealed record Arguments(
    Target Target, IReadOnlyList<Case> Cases, string? JUnit, string? Html, bool Verbose, string Server, bool List)
{
    public static readonly string Usage =
        $"""
         Tests a WebSocket echo server against RFC 6455 and RFC 7692.

           conformance ws://HOST:PORT/PATH [options]       or wss://

           --only SECTION      a chapter ({string.Join(", ", Chapters.InOrder)}), or a section of the RFC such as 5.2; may be repeated
           --junit FILE        write a JUnit report
           --html FILE         write a page
           --name TEXT         what to call the server in the reports; default: its URL
           --timeout SECONDS   deadline of each single wait; default: 10
           --ca FILE           for wss://: the authorities that are trusted, in PEM; default: the system's
           --insecure          for wss://: any certificate is taken
           --verbose           a line for each case
           --list              name the cases, and run none

         Exit code: 0 every required and strict case passed, 1 one failed, 2 the suite could not run, or not to its end.
         """;

    /// <summary>Reads the command line.</summary>
    /// <returns>The arguments, or null with what is wrong.</returns>
    public static Arguments? TryParse(IReadOnlyList<string> words, out string error)
    {
        string? url = null, junit = null, html = null, name = null;
        double timeout = 10;
        bool verbose = false, list = false;
        TlsTrust? trust = null;
        List<Case> cases = [];
        for (int i = 0; i < words.Count; i++)
        {
            string word = words[i];
            if (word == "--verbose")
            {
                verbose = true;
                continue;
            }

            if (word == "--list")
            {
                list = true;
                continue;
            }

            if (word == "--insecure")
            {
                trust = new TlsTrust(null, Anybody: true);
                continue;
            }

            if (!word.StartsWith("--", StringComparison.Ordinal))
            {
                if (url is not null) return Wrong($"one URL, not both {url} and {word}", out error);
                url = word;
                continue;
            }

            if (word is not ("--only" or "--junit" or "--html" or "--name" or "--timeout" or "--ca"))
                return Wrong($"{word} is no option", out error);
            if (++i == words.Count) return Wrong($"{word} needs a value", out error);
            string value = words[i];
            switch (word)
            {
                case "--only":
                    IReadOnlyList<Case> chosen = Suite.Select(value);
                    if (chosen.Count == 0) return Wrong($"--only {value}: there is no such section", out error);
                    cases.AddRange(chosen.Except(cases));
                    break;
                case "--junit":
                    junit = value;
                    break;
                case "--html":
                    html = value;
                    break;
                case "--name":
                    name = value;
                    break;
                case "--ca":
                    trust = TlsTrust.TryRead(value, out string problem);
                    if (trust is null) return Wrong($"--ca {value} cannot be read: {problem}", out error);
                    break;
                default:
                    if (!double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out timeout)
                        || timeout is not (>= 0.1 and <= 3600))
                        return Wrong($"--timeout {value}: 0.1 to 3600 seconds", out error);
                    break;
            }
        }

        if (list) url ??= "ws://localhost/"; // nothing is asked of it
        if (url is null) return Wrong("the URL of the server is missing", out error);
        if (Target.TryParse(url, TimeSpan.FromSeconds(timeout), trust, out error) is not { } target) return null;
        return new Arguments(target, cases.Count > 0 ? [.. Suite.All.Where(cases.Contains)] : Suite.All, junit, html, verbose,
            name ?? target.ToString(), list);
    }

    private static Arguments? Wrong(string what, out string error)
    {
        error = what;
        return null;
    }
}

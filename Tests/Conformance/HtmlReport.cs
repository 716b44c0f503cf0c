// The report as a page: one file that needs nothing else and loads nothing. Bars for the chapters, then every case, which can be filtered.

using System.Globalization;
using System.Net;
using System.Text;

namespace RawWs.Conformance;

internal static class HtmlReport
{
    private static readonly (string Style, string Words)[] Columns =
        [("passed", "passed"), ("failed", "failed, required"), ("strict", "failed, strict"), ("skipped", "not negotiated"),
            ("noted", "noted")];

    private const string Style =
        """
        :root{--ink:#1d2330;--soft:#667085;--line:#e4e7ec;--paper:#fff;--ground:#f6f7f9;--passed:#1f9d61;--failed:#d92d20;--strict:#e08a00;
          --skipped:#98a2b3;--noted:#3b7ddd}
        @media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--line:#2c3340;--paper:#1a1f29;--ground:#12161d}}
        *{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
        main{max-width:1100px;margin:0 auto;padding:32px 20px 80px}h1{margin:0;font-size:26px}h2{margin:40px 0 12px;font-size:18px}
          .sub{color:var(--soft);margin:4px 0 24px}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
          .tile{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
        .tile b{display:block;font-size:28px;line-height:1.2;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}
        .passed b,td.passed{color:var(--passed)}.failed b,td.failed{color:var(--failed)}.strict b,td.strict{color:var(--strict)}
          .skipped b,td.skipped{color:var(--skipped)}.noted b,td.noted{color:var(--noted)}
        table{width:100%;border-collapse:collapse;background:var(--paper);border:1px solid var(--line);border-radius:10px;overflow:hidden}
        th,td{text-align:left;padding:7px 12px;border-top:1px solid var(--line);vertical-align:top}
          thead th{border-top:0;color:var(--soft);font-weight:600;font-size:13px}
        .n{text-align:right;font-variant-numeric:tabular-nums}
          .bar{display:flex;height:10px;min-width:160px;border-radius:5px;overflow:hidden;background:var(--line);margin-top:6px}
        .bar i{display:block}i.passed{background:var(--passed)}i.failed{background:var(--failed)}i.strict{background:var(--strict)}
          i.skipped{background:var(--skipped)}i.noted{background:var(--noted)}
        .filters{display:flex;flex-wrap:wrap;gap:8px;margin-bottom:12px}
          .filters button,.filters input{font:inherit;font-size:14px;color:inherit;background:var(--paper);border:1px solid var(--line);
            border-radius:8px;padding:5px 12px}
        .filters button{cursor:pointer}.filters button[aria-pressed=true]{border-color:var(--noted);box-shadow:0 0 0 1px var(--noted)}
          .filters input{flex:1;min-width:160px}
        details{margin-bottom:10px}summary{cursor:pointer;padding:8px 4px;font-weight:600}summary small{color:var(--soft);font-weight:400}
          td.outcome{font-weight:600;white-space:nowrap}
        td.section,td.kind{color:var(--soft);white-space:nowrap;font-size:13px}td.name{overflow-wrap:anywhere}
          td.name small{display:block;color:var(--soft)}td.name small.detail{color:var(--ink)}[hidden]{display:none}
        """;

    private const string Script =
        """
        const rows=[...document.querySelectorAll('tr[data-outcome]')],buttons=[...document.querySelectorAll('button[data-show]')],
          search=document.querySelector('input');
        let show='';
        function apply(){const words=search.value.toLowerCase();
          for(const row of rows)row.hidden=(show&&!row.dataset.outcome.includes(show))||
            (words&&!row.textContent.toLowerCase().includes(words));
          for(const d of document.querySelectorAll('details')){const left=d.querySelectorAll('tr[data-outcome]:not([hidden])').length;
            d.hidden=!left;d.open=!!(show||words)||d.hasAttribute('data-open')}
          for(const b of buttons)b.setAttribute('aria-pressed',b.dataset.show===show)}
        for(const b of buttons)b.onclick=()=>{show=b.dataset.show;apply()};search.oninput=apply;
        """;

    public static string Of(Run run)
    {
        StringBuilder page = new();
        page.Append("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">");
        page.Append(
            Invariant($"<title>{Text(run.Server)}: WebSocket conformance</title><style>{Style}</style><main><h1>{Text(run.Server)}</h1>"));
        page.Append(Invariant($"<p class=\"sub\">WebSocket conformance, RFC 6455 and RFC 7692 · {run.Begun:yyyy-MM-dd HH:mm} · "));
        page.Append(Invariant($"{run.Results.Count} cases in {run.Elapsed.TotalSeconds:0.0} s</p>"));
        if (run.CutShort is not null) page.Append(Invariant($"<p class=\"failed\"><b>{Text(run.CutShort)}</b></p>"));
        page.Append("<div class=\"tiles\">");
        foreach ((string style, string words, int count) in Counts(run.Results))
            page.Append(Invariant($"<div class=\"tile {style}\"><b>{count}</b><span>{words}</span></div>"));
        page.Append("</div><h2>Chapters</h2><table><thead><tr><th>Chapter<th class=\"n\">Cases");
        foreach ((_, string words, _) in Counts([])) page.Append(Invariant($"<th class=\"n\">{words}"));
        page.Append("</thead>");
        foreach ((string chapter, IReadOnlyList<Result> results) in run.ByChapter) AppendChapter(page, chapter, results);
        page.Append("</table><h2>Cases</h2><div class=\"filters\"><button data-show=\"\" aria-pressed=\"true\">all</button>");
        foreach ((string style, string words, _) in Counts([]))
            page.Append(Invariant($"<button data-show=\"{style}\" aria-pressed=\"false\">{words}</button>"));
        page.Append("<input type=\"search\" placeholder=\"search\" aria-label=\"search\"></div>");
        foreach ((string chapter, IReadOnlyList<Result> results) in run.ByChapter) AppendCases(page, chapter, results);
        page.Append("<p class=\"sub\">Required: the RFC says MUST. Strict: the RFC says SHOULD, or the failure has to come at the ");
        page.Append("earliest byte that proves it. Noted: the RFC leaves it open. Not negotiated: the server declined what the case is ");
        page.Append("about.</p></main><script>").Append(Script).Append("</script></html>");
        return page.ToString();
    }

    private static void AppendChapter(StringBuilder page, string chapter, IReadOnlyList<Result> results)
    {
        page.Append(Invariant($"<tr><td><a href=\"#{chapter}\" style=\"color:inherit\">{chapter}</a><div class=\"bar\">"));
        foreach ((string style, _, int count) in Counts(results))
            page.Append(Invariant($"<i class=\"{style}\" style=\"width:{100.0 * count / results.Count:0.###}%\"></i>"));
        page.Append(Invariant($"</div><td class=\"n\">{results.Count}"));
        foreach ((string style, _, int count) in Counts(results))
            page.Append(Invariant($"<td class=\"n {(count > 0 ? style : "")}\">{(count > 0 ? count : "·")}"));
    }

    private static void AppendCases(StringBuilder page, string chapter, IReadOnlyList<Result> results)
    {
        bool failed = Run.Count(results, Outcome.Failed) > 0;
        page.Append(Invariant($"<details id=\"{chapter}\"{(failed ? " open data-open" : "")}><summary>{chapter} "));
        page.Append(Invariant($"<small>{results.Count} cases</small></summary><table>"));
        foreach (Result result in results)
        {
            string style = StyleOf(result), outcome = TextReport.Word(result.Outcome).ToLowerInvariant();
            string kind = result.Case.Kind.ToString().ToLowerInvariant();
            page.Append(Invariant($"<tr data-outcome=\"{style}\"><td class=\"outcome {style}\">{outcome}<td class=\"kind\">{kind}"));
            page.Append(Invariant($"<td class=\"section\">{result.Case.Section}"));
            page.Append(Invariant($"<td class=\"name\">{Text(result.Case.Name)}<small>{Text(result.Case.Expected)}</small>"));
            if (result.Detail.Length > 0 && result.Outcome != Outcome.Passed)
                page.Append(Invariant($"<small class=\"detail\">→ {Text(result.Detail)}</small>"));
        }

        page.Append("</table></details>");
    }

    private static (string Style, string Words, int Count)[] Counts(IReadOnlyList<Result> results) =>
        [.. Columns.Select(column => (column.Style, column.Words, results.Count(result => StyleOf(result) == column.Style)))];

    private static string StyleOf(Result result) => result.Outcome switch
    {
        Outcome.Passed => "passed",
        Outcome.Failed => result.Case.Kind == Kind.Strict ? "strict" : "failed",
        Outcome.NotNegotiated => "skipped",
        _ => "noted",
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}

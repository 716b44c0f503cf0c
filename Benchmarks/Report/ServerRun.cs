// Runs the load matrix for the report, and finds out which versions it measures.

using System.Text.Json;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

/// <summary>Whole servers.</summary>
internal static class ServerRun
{
    /// <summary>Measures all servers that are installed. Linux only.</summary>
    /// <param name="run">What is known of the run before.</param>
    /// <param name="output">Gets a line for each measurement.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public static Results<ServerFigure> Measure(RunInfo run, TextWriter output, CancellationToken cancellation)
    {
        List<string> missing = [];
        IReadOnlyList<LoadServer> servers = LoadServer.FindInstalled(missing);
        foreach (string line in missing) output.WriteLine($"left out: {line}");
        LoadMatrixOptions options = new() { Brief = run.Brief, Servers = servers };
        IReadOnlyList<ServerFigure> figures = LoadMatrix.Run(options, output, cancellation).GetAwaiter().GetResult();
        IEnumerable<string> failures = figures.Where(static figure => figure.Problem is not null)
            .Select(static figure => $"{figure.Server}, {figure.Cell}: {figure.Problem}").Distinct();
        return new Results<ServerFigure>(
            run with { Versions = Versions(run, servers, missing), Failures = [.. run.Failures, .. failures] }, figures);
    }

    private static Dictionary<string, string> Versions(RunInfo run, IReadOnlyList<LoadServer> servers, List<string> missing)
    {
        Dictionary<string, string> versions = run.Versions.Where(static pair => pair.Key is "RawWs" or ".NET").ToDictionary();
        foreach (LoadServer server in servers)
        {
            string? version = server.Name switch
            {
                "kestrel" => Shell("dotnet --list-runtimes | grep '^Microsoft.AspNetCore.App ' | tail -n 1 | cut -d' ' -f2"),
                "ws" => $"{VersionOfWs()}, node {Shell("node --version")}",
                "bun" or "deno" => Shell(server.Command[..(server.Command.IndexOf('\'', 1) + 1)] + " --version"),
                "gorilla" => $"{DebiansVersion("golang-github-gorilla-websocket-dev")}, {Shell("go version | cut -d' ' -f3")}",
                "libwebsockets" => DebiansVersion("libwebsockets-dev"),
                "websockets" => DebiansVersion("python3-websockets")
                    + (server.Command.EndsWith(".so'", StringComparison.Ordinal) ? " with its speedups in C, " : ", ")
                    + Shell("/usr/bin/python3 --version"),
                _ => null,
            };
            if (version is not null) versions[server.Name] = version;
        }

        foreach (string line in missing) versions[line.Split(':')[0]] = "left out" + line[line.IndexOf(':', StringComparison.Ordinal)..];
        return versions;
    }

    private static string? Shell(string command) => Surroundings.FirstLineOf("sh", "-c", command);

    private static string? DebiansVersion(string package) => Shell($"dpkg-query -W -f '${{Version}}' {package}");

    private static string? VersionOfWs()
    {
        string package = Path.Combine(Surroundings.Root, "Benchmarks", "Peers", "node_modules", "ws", "package.json");
        return JsonDocument.Parse(File.ReadAllText(package)).RootElement.GetProperty("version").GetString();
    }
}

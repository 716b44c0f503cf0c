// A server that can be started: its command, and how it is spoken to. And where those are that come with this project.

namespace RawWs.Benchmarks.Load;

/// <summary>A server that the matrix starts and ends. It listens on 127.0.0.1.</summary>
/// <param name="Name">What it is called in tables.</param>
/// <param name="Command">
/// A shell's command for one program, with {port} where the port goes. It echoes at /, and at /all sends to everybody there.
/// </param>
/// <param name="RouterCommand">
/// For a server of the uid protocol: the command that makes it a router. Pairs and fan-out are then measured by uid:message and
/// all:message.
/// </param>
public sealed record LoadServer(string Name, string Command, string? RouterCommand = null)
{
    /// <summary>Ours.</summary>
    public static LoadServer RawWs { get; } = MakeRawWs();

    /// <summary>Ours, and of the others under Peers those that can be started here.</summary>
    /// <param name="missing">Gets a line for each that cannot.</param>
    public static IReadOnlyList<LoadServer> FindInstalled(ICollection<string>? missing = null)
    {
        List<LoadServer> servers = [RawWs];
        if (FindPeers() is not { } peers)
        {
            missing?.Add("the others: this program is not inside of its repository");
            return servers;
        }

        Add("kestrel", Built(Path.Combine(peers, "Kestrel")), "not built", static dll =>
            $"env DOTNET_gcServer=0 {Quote(Dotnet)} {Quote(dll)} {{port}}");
        Add("ws", Directory.Exists(Path.Combine(peers, "node_modules", "ws")) ? OnPath("node") : null,
            "needs node, and npm ci in Benchmarks/Peers",
            node => $"{Quote(node)} {Quote(Path.Combine(peers, "ws.mjs"))} {{port}}");
        Add("bun", FindProgram(peers, "bun"), "needs bun on the PATH, in Benchmarks/Peers/node_modules/.bin, or named by RAWWS_BUN",
            bun => $"{Quote(bun)} {Quote(Path.Combine(peers, "bun.js"))} {{port}}");
        string build = Path.Combine(peers, "build");
        const string ByScript = "needs Benchmarks/Peers/setup";
        Add("gorilla", Existing(Path.Combine(build, "gorilla")), ByScript, static program => $"{Quote(program)} {{port}}");
        Add("libwebsockets", Existing(Path.Combine(build, "libwebsockets")), ByScript, static program => $"{Quote(program)} {{port}}");
        string? speedups = Existing(Path.Combine(build, "speedups.so"));
        Add("websockets", Existing(DebiansWebsockets) is null ? null : Python, "needs python3-websockets, as Debian has it",
            python => $"{Quote(python)} {Quote(Path.Combine(peers, "websockets_server.py"))} {{port}}"
                + (speedups is null ? "" : " " + Quote(speedups)));
        Add("deno", FindProgram(peers, "deno"), "needs deno on the PATH, in Benchmarks/Peers/node_modules/.bin, or named by RAWWS_DENO",
            deno => $"{Quote(deno)} run --allow-net {Quote(Path.Combine(peers, "deno.js"))} {{port}}");
        return servers;

        void Add(string name, string? program, string otherwise, Func<string, string> command)
        {
            if (program is null) missing?.Add($"{name}: {otherwise}");
            else servers.Add(new LoadServer(name, command(program)));
        }
    }

    /// <summary>The command of ours, to which settings can be added.</summary>
    internal static string OwnCommand =>
        $"{Quote(Dotnet)} {Quote(typeof(Server.Console.Program).Assembly.Location)} --listen 127.0.0.1:{{port}}";

    private static LoadServer MakeRawWs() => new("rawws", OwnCommand + " --app echo", OwnCommand + " --app router");

    private const string Python = "/usr/bin/python3";
    private const string DebiansWebsockets = "/usr/lib/python3/dist-packages/websockets/__init__.py";

    private static string Dotnet => OnPath("dotnet") ?? "dotnet";

    private static string? FindPeers()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "RawWs.sln"))) return Path.Combine(directory.FullName, "Benchmarks", "Peers");
        return null;
    }

    // The newest build of whichever configuration.
    private static string? Built(string project)
    {
        string builds = Path.Combine(project, "bin");
        return !Directory.Exists(builds) ? null : Directory.EnumerateFiles(builds, "RawWs.Peers.*.dll", SearchOption.AllDirectories)
            .Where(static dll => File.Exists(Path.ChangeExtension(dll, ".runtimeconfig.json"))).MaxBy(File.GetLastWriteTimeUtc);
    }

    private static string? FindProgram(string peers, string name)
    {
        string local = Path.Combine(peers, "node_modules", ".bin", name);
        string? named = Environment.GetEnvironmentVariable("RAWWS_" + name.ToUpperInvariant());
        return string.IsNullOrEmpty(named) ? Existing(local) ?? OnPath(name) : named;
    }

    private static string? Existing(string path) => File.Exists(path) ? path : null;

    private static string? OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);

    private static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}

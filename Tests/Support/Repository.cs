// Where the sources lie: found from where the tests run, since a deterministic build may map the paths that the compiler knows.

namespace RawWs.Tests.Support;

internal static class Repository
{
    private static readonly string Root = Find();

    /// <summary>
    /// The configuration that the tests were built in, "Debug" or "Release", and the framework's folder in it: the end of every output
    /// path.
    /// </summary>
    public static string OutputFolder { get; } =
        Path.Combine(new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, new DirectoryInfo(AppContext.BaseDirectory).Name);

    /// <summary>A file or folder in the repository.</summary>
    public static string At(params IReadOnlyList<string> names) => Path.Combine([Root, .. names]);

    /// <summary>Whether what the docs have from the code is to be written anew, before it is compared: RAWWS_WRITE_DOCS=1.</summary>
    public static bool WritesDocs => Environment.GetEnvironmentVariable("RAWWS_WRITE_DOCS") == "1";

    /// <summary>A file's text.</summary>
    public static string Read(params IReadOnlyList<string> names) => File.ReadAllText(At(names));

    private static string Find()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "RawWs.sln"))) at = at.Parent;
        return at!.FullName;
    }
}

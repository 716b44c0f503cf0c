// Where the sources are, from a test that runs in the folder of its build.

namespace RawWs.Tests.Support;

internal static class SourceTree
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>A file's text.</summary>
    /// <param name="path">From the root on.</param>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string Find()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "RawWs.sln"))) at = at.Parent;
        return at!.FullName;
    }
}

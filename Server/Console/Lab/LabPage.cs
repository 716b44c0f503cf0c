// The Lab's page: files of Lab/Page/, in the assembly, each at its path under /lab/, and the page itself at /lab. They are what the browser
// gets: nothing is built. The policy lets the page load its own parts, and connect to its own server, and nothing else.

using System.Reflection;

namespace RawWs.Server.Console.Lab;

internal static class LabPage
{
    private const string Prefix = "lab/";
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

    /// <summary>Loads the page and its parts.</summary>
    public static IReadOnlyList<HttpPage> Load()
    {
        Assembly assembly = Assembly.GetExecutingAssembly();
        return [.. assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => new HttpPage(name == Prefix + "index.html" ? "/lab" : "/" + name, Read(assembly, name), Policy)
            {
                ContentType = TypeOf(Path.GetExtension(name)),
            })];
    }

    private static string TypeOf(string extension) => extension switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        _ => "text/javascript; charset=utf-8",
    };

    private static byte[] Read(Assembly assembly, string name)
    {
        using Stream stream = assembly.GetManifestResourceStream(name)!;
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}

// The server as a program:  dotnet run --project Tests/Conformance.Broken -- PORT [--break RULE ...]

using System.Globalization;
using RawWs.Conformance.Broken;

HashSet<string> broken = [.. args.Where(static (word, i) => i > 0 && word != "--break")];
if (args.Length == 0 || !int.TryParse(args[0], NumberStyles.None, CultureInfo.InvariantCulture, out int port)
    || broken.FirstOrDefault(static name => Break.All.All(item => item.Name != name)) is not null)
{
    Console.Error.WriteLine("usage: PORT [--break RULE ...], with the rules:");
    foreach (Break item in Break.All) Console.Error.WriteLine($"  {item.Name,-32} {item.What}");
    return 2;
}

await using BrokenServer server = new(port, broken);
Console.WriteLine($"listening on 127.0.0.1:{server.Port}");
await Task.Delay(Timeout.Infinite);
return 0;

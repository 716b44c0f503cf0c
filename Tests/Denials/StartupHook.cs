// Loaded into the program under test before its Main (DOTNET_STARTUP_HOOKS): it makes system calls fail, from the start or later.
// In: the variable DENIED_CALLS with what fails from the start; then a line of standard input for each set of what fails from there on
// (Denial has the form). Out: a line "denied" for each of these; exit code 99 where the system knows no such filters.

using RawWs.Denials;

internal static class StartupHook
{
    private const int ExitCodeUnknown = 99;

    public static void Initialize()
    {
        Deny(Environment.GetEnvironmentVariable("DENIED_CALLS") ?? "");
        new Thread(Listen) { IsBackground = true, Name = "denials" }.Start();
    }

    private static void Listen()
    {
        while (Console.In.ReadLine() is { } line)
        {
            Deny(line);
            Console.Out.WriteLine("denied");
        }
    }

    private static void Deny(string denials)
    {
        int error = Filter.IsKnown ? Filter.Install(Denial.ParseAll(denials)) : -1;
        if (error == 0) return;
        Console.Error.WriteLine($"no filter could be installed: errno {error}");
        Environment.Exit(ExitCodeUnknown);
    }
}

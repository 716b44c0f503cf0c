// The process's standard output and error output, where it has them. Whoever starts a program may have closed them (>&-). Then the number
// of one goes to whatever the runtime opens first, a pipe of its own as a rule, and a line that is written there harms the runtime. What
// was inherited is told from that by a flag: the runtime marks all that it opens as not to be inherited further, and what is marked so
// has not been inherited.

using System.Text;
using RawWs.Server.Native;

namespace RawWs.Server.Log;

internal static class Outputs
{
    private const int OutputDescriptor = 1;
    private const int ErrorDescriptor = 2;

    /// <summary>The standard output; a stream that takes everything and goes nowhere when it is closed.</summary>
    public static Stream OpenOutput() => IsOpen(OutputDescriptor) ? Console.OpenStandardOutput() : Stream.Null;

    /// <summary>Writes a text to the standard output, whole.</summary>
    /// <returns>Why it could not be written; null when it was.</returns>
    public static string? TryWrite(string text)
    {
        if (!IsOpen(OutputDescriptor)) return "the standard output is closed";
        try
        {
            using Stream output = Console.OpenStandardOutput();
            output.Write(Encoding.UTF8.GetBytes(text));
            output.Flush();
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return LogText.Escape(exception.Message);
        }
    }

    /// <summary>Writes a line about what is wrong to the error output. Where that cannot be done there is nobody to tell, and the exit code says it alone.</summary>
    public static void WriteError(string problem)
    {
        if (!IsOpen(ErrorDescriptor)) return;
        byte[] line = Encoding.UTF8.GetBytes($"rawws: {problem}\n");
        if (OperatingSystem.IsLinux())
        {
            // Not by way of Console, which needs descriptors of its own: it may be for want of those that something is wrong.
            Linux.Write(ErrorDescriptor, line);
            return;
        }

        try
        {
            using Stream output = Console.OpenStandardError();
            output.Write(line);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // As said above.
        }
    }

    private static bool IsOpen(int descriptor) => !OperatingSystem.IsLinux() || Linux.IsInherited(descriptor);
}

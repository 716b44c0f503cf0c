// The process's standard output and error output, if it has them. The one who starts a program may have closed them (>&-). Then the runtime
// gives their numbers to something else that it opens, mostly a pipe of its own, and a line that is written there harms the runtime. A flag
// shows the difference: the runtime marks everything that it opens as not to be inherited. So a descriptor with that mark was not
// inherited.

using System.Text;
using RawWs.Server.Log;
using RawWs.Server.Native;

namespace RawWs.Server.Console.Log;

internal static class Outputs
{
    private const int OutputDescriptor = 1;
    private const int ErrorDescriptor = 2;

    /// <summary>The standard output; if it is closed, a stream that discards everything.</summary>
    public static Stream OpenOutput() => IsOpen(OutputDescriptor) ? System.Console.OpenStandardOutput() : Stream.Null;

    /// <summary>Writes a text to the standard output, whole.</summary>
    /// <returns>Why it could not be written; null when it was.</returns>
    public static string? TryWrite(string text)
    {
        if (!IsOpen(OutputDescriptor)) return "the standard output is closed";
        try
        {
            using Stream output = System.Console.OpenStandardOutput();
            output.Write(Encoding.UTF8.GetBytes(text));
            output.Flush();
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return LogText.Escape(exception.Message);
        }
    }

    /// <summary>
    /// Writes a line about an error to the error output. If that cannot be done nobody can be told, and only the exit code says it.
    /// </summary>
    public static void WriteError(string problem)
    {
        if (!IsOpen(ErrorDescriptor)) return;
        byte[] line = Encoding.UTF8.GetBytes($"rawws: {problem}\n");
        if (OperatingSystem.IsLinux())
        {
            // Console is not used, because it needs descriptors of its own: a lack of those may be the error.
            Linux.Write(ErrorDescriptor, line);
            return;
        }

        try
        {
            using Stream output = System.Console.OpenStandardError();
            output.Write(line);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // See above: nobody can be told.
        }
    }

    private static bool IsOpen(int descriptor) => !OperatingSystem.IsLinux() || Linux.IsInherited(descriptor);
}

// corpus DIR: writes the corpus as files into a directory that is empty or not there. 0: done. 2: told something else, or it cannot
// be written; one line says why.

using RawWs.Benchmarks.Corpus;

namespace RawWs.Benchmarks;

internal static class CorpusCommand
{
    public static int Run(string[] arguments)
    {
        if (arguments is not [{ Length: > 0 } directory]) return Refuse("the name of one directory is wanted: corpus DIR");
        try
        {
            DirectoryInfo created = Directory.CreateDirectory(directory);
            if (created.EnumerateFileSystemInfos().Any()) return Refuse($"{directory} is not empty");
            (int wires, long bytes) = CorpusFiles.Write(created.FullName);
            Console.WriteLine($"{wires} wires, {bytes} bytes; README.txt tells what is what");
            return 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Refuse($"cannot write to {directory}: {exception.Message}");
        }
    }

    private static int Refuse(string why)
    {
        Console.Error.WriteLine($"corpus: {why}");
        return 2;
    }
}

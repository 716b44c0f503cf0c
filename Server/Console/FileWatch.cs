// Has files read again when they have changed. They are small, and what is in them is compared: that works for links and mounted folders
// too, of which some systems report nothing. Files that belong together are not written at once. So a change is acted on when the next look
// finds the same.

using System.Security.Cryptography;

namespace RawWs.Server.Console;

internal class FileWatch : IDisposable
{
    /// <summary>The time between two looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<string> _paths;
    private readonly Action _reload;
    private readonly ITimer _timer;
    private readonly Lock _looking = new();
    private string _inForce;
    private string _before;

    /// <summary>Begins to look.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="reload">Reads them again, and does not throw.</param>
    /// <param name="time">The clock.</param>
    public FileWatch(IReadOnlyList<string> paths, Action reload, TimeProvider time)
    {
        (_paths, _reload) = (paths, reload);
        _inForce = _before = ReadMark();
        _timer = time.CreateTimer(static watch => ((FileWatch)watch!).Look(), this, Interval, Interval);
    }

    public void Dispose()
    {
        _timer.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Look()
    {
        lock (_looking)
        {
            string mark = ReadMark();
            bool isSettled = mark == _before;
            _before = mark;
            if (!isSettled || mark == _inForce) return;
            _inForce = mark;
            _reload();
        }
    }

    // What is in the files, in short.
    private string ReadMark()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in _paths)
        {
            try
            {
                hash.AppendData(SHA256.HashData(File.ReadAllBytes(path)));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                hash.AppendData([0]); // it is not there now
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}

// Has files read again when they have changed. They are small, and what is in them is compared: that works for links and mounted folders
// too, of which some systems report nothing. Files that belong together are not written at once. So a change is acted on when the next look
// finds the same, and that is within five seconds, as the docs say.

using System.Security.Cryptography;

namespace RawWs.Server.Console;

internal sealed class FileWatch : IDisposable
{
    /// <summary>The time between two looks. A change is acted on after one or two of them.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    // What is larger is none of the files that are watched. Of more the length is looked at.
    private const int BytesMax = 1 << 20;

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

    /// <summary>Has them read again at once, whether they have changed or not.</summary>
    public void Reload()
    {
        lock (_looking)
        {
            _inForce = _before = ReadMark();
            _reload();
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        // Reading may take long, from a disk that does not answer. The clock does not wait for it: one look at a time.
        if (!_looking.TryEnter()) return;
        try
        {
            string mark = ReadMark();
            bool isSettled = mark == _before;
            _before = mark;
            if (!isSettled || mark == _inForce) return;
            _inForce = mark;
            _reload();
        }
        finally
        {
            _looking.Exit();
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
                AppendFile(hash, path);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                hash.AppendData([0]); // it is not there now
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static void AppendFile(IncrementalHash hash, string path)
    {
        // What is no plain file has no length, and reading it may never end.
        FileInfo file = new(path);
        if (!file.Exists || file.Length == 0)
        {
            hash.AppendData([0]);
            return;
        }

        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        byte[] bytes = new byte[Math.Min(stream.Length, BytesMax)];
        int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        hash.AppendData(SHA256.HashData(bytes.AsSpan(0, length)));
        hash.AppendData(BitConverter.GetBytes(stream.Length));
    }
}

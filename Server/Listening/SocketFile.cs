// A listening socket in the file system: bound, with its mode before anybody can connect, and in place of one that a killed program has
// left there. A file of another kind is never removed.

using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace RawWs.Server.Listening;

internal static unsafe partial class SocketFile
{
    // struct sockaddr_un has room for so many bytes and a zero.
    private const int PathBytesMax = 107;

    /// <summary>What is wrong with a path, to be read after it; null when nothing is.</summary>
    public static string? FindError(string path)
    {
        if (!Path.IsPathRooted(path) || path.EndsWith('/')) return "is no absolute path of a file";
        if (path.Any(char.IsControl)) return "has a control character";
        int bytes = Encoding.UTF8.GetByteCount(path);
        return bytes > PathBytesMax ? $"has {bytes} bytes; the path of a socket has {PathBytesMax} at most" : null;
    }

    /// <summary>
    /// A socket that is bound to the path. Nobody can connect before it listens. The file is removed when the socket is disposed.
    /// </summary>
    /// <exception cref="SocketException">The system refuses it.</exception>
    /// <exception cref="IOException">The file's mode cannot be set, or the old socket not removed.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static Socket Bind(string path, UnixFileMode mode)
    {
        if (IsSocket(path) && !IsListenedOn(path)) File.Delete(path);
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Why a path could not be bound, in words.</summary>
    public static string Describe(string path, Exception failure) => (failure as SocketException)?.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse when IsSocket(path) => "another program listens on it",
        SocketError.AddressAlreadyInUse => "a file is there that is no socket",
        SocketError.AccessDenied => "not permitted",
        _ when !Directory.Exists(Path.GetDirectoryName(path)) => "there is no such directory",
        _ => failure.Message,
    };

    private static bool IsListenedOn(string path)
    {
        // Not blocking: with a full backlog a connect would wait.
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode != SocketError.ConnectionRefused;
        }
    }

    private static bool IsSocket(string path)
    {
        const int CurrentDirectory = -100, ModeAt = 28, KindOfFile = 0xF000, Socket = 0xC000; // AT_FDCWD, stx_mode, S_IFMT, S_IFSOCK
        const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW: what would be removed is the link
        const uint WantsType = 1; // STATX_TYPE
        if (!OperatingSystem.IsLinux()) return false;
        byte* found = stackalloc byte[256]; // struct statx
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            return statx(CurrentDirectory, name, NoFollow, WantsType, found) == 0 && (*(ushort*)(found + ModeAt) & KindOfFile) == Socket;
    }

    [LibraryImport("libc")] private static partial int statx(int folder, byte* path, int flags, uint mask, byte* found);
}

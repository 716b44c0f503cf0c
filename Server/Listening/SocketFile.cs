// A listening socket in the file system: bound, with its mode before anybody can connect, and in place of one that a killed program has
// left there. A file of another kind is never removed.

using System.Net.Sockets;
using System.Text;
using RawWs.Server.Native;

namespace RawWs.Server.Listening;

internal static class SocketFile
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

    private static bool IsSocket(string path) => OperatingSystem.IsLinux() && Linux.IsSocket(path);
}

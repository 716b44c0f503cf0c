// The admin port's socket in the file system: bound, with its mode before anybody can connect, and in place of one that a killed program
// has left there. A file of another kind is never removed.

using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace RawWs.Server.Console.Admin;

internal static unsafe partial class SocketFile
{
    /// <summary>A socket that is bound to the path. Nobody can connect before it listens.</summary>
    public static Socket Bind(string path, UnixFileMode mode)
    {
        if (IsSocket(path) && !IsListenedOn(path)) File.Delete(path);
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(new UnixDomainSocketEndPoint(path));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
        return socket;
    }

    private static bool IsListenedOn(string path)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
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
        const uint WantsType = 1; // STATX_TYPE
        if (!OperatingSystem.IsLinux()) return false;
        byte* found = stackalloc byte[256]; // struct statx
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            return statx(CurrentDirectory, name, 0, WantsType, found) == 0 && (*(ushort*)(found + ModeAt) & KindOfFile) == Socket;
    }

    [LibraryImport("libc")] private static partial int statx(int folder, byte* path, int flags, uint mask, byte* found);
}

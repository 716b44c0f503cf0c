// What is asked of the file system.

using System.Runtime.InteropServices;
using System.Text;

namespace RawWs.Server.Native;

internal static unsafe partial class Linux
{
    /// <summary>Whether a socket is there. A link to one is none: what would be removed is the link. False if nobody can say it.</summary>
    public static bool IsSocket(string path)
    {
        const int CurrentDirectory = -100, ModeAt = 28, KindOfFile = 0xF000, Socket = 0xC000; // AT_FDCWD, stx_mode, S_IFMT, S_IFSOCK
        const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
        const uint WantsType = 1; // STATX_TYPE
        byte* found = stackalloc byte[256]; // struct statx
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            return statx(CurrentDirectory, name, NoFollow, WantsType, found) == 0 && (*(ushort*)(found + ModeAt) & KindOfFile) == Socket;
    }

    [LibraryImport("libc")] private static partial int statx(int folder, byte* path, int flags, uint mask, byte* found);
}

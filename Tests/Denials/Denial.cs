// One system call that is to fail, and with what: "accept4:1" is accept4 with errno 1; "epoll_ctl:28:1=1" only where the argument with the
// index 1 (counted from 0) is 1. Of an argument the lower 32 bits are compared.

using System.Globalization;
using System.Runtime.InteropServices;

namespace RawWs.Denials;

internal sealed record Denial(int Number, ushort Error, IReadOnlyList<(int Index, uint Value)> Arguments)
{
    // The numbers on x64, and on arm64.
    private static readonly Dictionary<string, (int X64, int Arm64)> Calls = new(StringComparer.Ordinal)
    {
        ["read"] = (0, 63),
        ["write"] = (1, 64),
        ["close"] = (3, 57),
        ["mmap"] = (9, 222),
        ["munmap"] = (11, 215),
        ["socket"] = (41, 198),
        ["sendto"] = (44, 206),
        ["recvfrom"] = (45, 207),
        ["sendmsg"] = (46, 211),
        ["recvmsg"] = (47, 212),
        ["shutdown"] = (48, 210),
        ["bind"] = (49, 200),
        ["listen"] = (50, 201),
        ["getsockname"] = (51, 204),
        ["getpeername"] = (52, 205),
        ["setsockopt"] = (54, 208),
        ["epoll_wait"] = (232, -1), // on arm64 there is only the next
        ["epoll_pwait"] = (281, 22),
        ["epoll_ctl"] = (233, 21),
        ["accept4"] = (288, 242),
        ["eventfd2"] = (290, 19),
        ["epoll_create1"] = (291, 20),
        ["prlimit64"] = (302, 261),
        ["io_uring_setup"] = (425, 425),
        ["io_uring_enter"] = (426, 426),
    };

    /// <summary>Reads some, with a space between two.</summary>
    public static IReadOnlyList<Denial> ParseAll(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];

    private static Denial Parse(string text)
    {
        string[] parts = text.Split(':');
        (int x64, int arm64) = Calls[parts[0]];
        return new Denial(
            RuntimeInformation.ProcessArchitecture == Architecture.X64 ? x64 : arm64,
            ushort.Parse(parts[1], CultureInfo.InvariantCulture),
            [.. parts.Skip(2).Select(static part => part.Split('=')).Select(
                static pair => (int.Parse(pair[0], CultureInfo.InvariantCulture), uint.Parse(pair[1], CultureInfo.InvariantCulture)))]);
    }
}

// The names of Linux's errors, for messages, and which of them mean what. The numbers are those of x64 and arm64 (asm-generic).

using System.Globalization;

namespace RawWs.Server.Native;

internal static class Errno
{
    /// <summary>The error's name, or its number if it has none here.</summary>
    public static string NameOf(int error) => error switch
    {
        1 => "EPERM",
        2 => "ENOENT",
        4 => "EINTR",
        5 => "EIO",
        9 => "EBADF",
        11 => "EAGAIN",
        12 => "ENOMEM",
        13 => "EACCES",
        14 => "EFAULT",
        16 => "EBUSY",
        17 => "EEXIST",
        22 => "EINVAL",
        23 => "ENFILE",
        24 => "EMFILE",
        28 => "ENOSPC",
        32 => "EPIPE",
        38 => "ENOSYS",
        40 => "ELOOP",
        53 => "EBADR",
        64 => "ENONET",
        71 => "EPROTO",
        88 => "ENOTSOCK",
        92 => "ENOPROTOOPT",
        93 => "EPROTONOSUPPORT",
        95 => "EOPNOTSUPP",
        97 => "EAFNOSUPPORT",
        98 => "EADDRINUSE",
        99 => "EADDRNOTAVAIL",
        100 => "ENETDOWN",
        101 => "ENETUNREACH",
        103 => "ECONNABORTED",
        104 => "ECONNRESET",
        105 => "ENOBUFS",
        107 => "ENOTCONN",
        110 => "ETIMEDOUT",
        111 => "ECONNREFUSED",
        112 => "EHOSTDOWN",
        113 => "EHOSTUNREACH",
        125 => "ECANCELED",
        _ => "errno " + error.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>"accept4 failed with EPERM".</summary>
    public static string Describe(string call, int error) => $"{call} failed with {NameOf(error)}";

    /// <summary>
    /// Whether an error of accept4 belongs to the connection that was to be accepted, and not to this process: the next accept may succeed.
    /// accept(2) names these errors: accept4 reports what has happened to the connection on the network meanwhile.
    /// </summary>
    public static bool IsOfTheConnection(int acceptError) => NameOf(acceptError)
        is "ENETDOWN" or "EPROTO" or "ENOPROTOOPT" or "EHOSTDOWN" or "ENONET" or "EHOSTUNREACH" or "EOPNOTSUPP" or "ENETUNREACH"
            or "ECONNABORTED" or "EINTR";

    /// <summary>
    /// Whether an error of receiving or sending means that the peer is gone or cannot be reached. That ends the connection, and is no fault
    /// of this process.
    /// </summary>
    public static bool IsOfThePeer(int error) => NameOf(error)
        is "EPIPE" or "ECONNRESET" or "ETIMEDOUT" or "EHOSTUNREACH" or "ENETUNREACH" or "ENETDOWN" or "EHOSTDOWN" or "ECONNABORTED"
            or "ECONNREFUSED" or "ENOTCONN" or "EPROTO";
}

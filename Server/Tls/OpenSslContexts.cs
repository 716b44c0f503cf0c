// What SslStream has no setting for, where OpenSSL speaks TLS:
// - One session ticket for each full handshake of TLS 1.3. OpenSSL sends two by itself. A client that comes back to one server needs one,
//   and gets the next when it is back.
// - An idle connection has no buffers of OpenSSL's, of 16 KiB and more each.
//
// The runtime makes one context of OpenSSL for each certificate, at its first handshake, and keeps it with the certificate. OpenSSL tells
// those who have asked for it of each context that is made or freed. So whoever makes the first handshake (TlsTrial) has the contexts that
// its thread has made meanwhile and that still live, and sets them. Where any of this is otherwise, there are two tickets, and the buffers
// stay.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace RawWs.Server.Tls;

internal static unsafe class OpenSslContexts
{
    private const int ContextIndex = 1; // CRYPTO_EX_INDEX_SSL_CTX
    private const int ControlMode = 33; // SSL_CTRL_MODE
    private const int ModeReleaseBuffers = 0x10; // SSL_MODE_RELEASE_BUFFERS

    // While it is held nobody frees a context that is noted.
    private static readonly Lock Noting = new();
    private static readonly List<(nint Context, int Thread)> Noted = [];

    private static readonly delegate* unmanaged[Cdecl]<nint, nuint, int> SetTickets; // SSL_CTX_set_num_tickets
    private static readonly delegate* unmanaged[Cdecl]<nint, int, CLong, nint, CLong> Control; // SSL_CTX_ctrl
    private static readonly bool IsWatching;

    [ThreadStatic] private static bool _notes;

    static OpenSslContexts()
    {
        if (!OperatingSystem.IsLinux()) return;
        // The libraries that the runtime has loaded already: "libssl.so.3".
        long version = SafeEvpPKeyHandle.OpenSslVersion >> 28;
        string suffix = version < 3 ? ".so.1.1" : $".so.{version}";
        if (!NativeLibrary.TryLoad("libssl" + suffix, out nint ssl) || !NativeLibrary.TryLoad("libcrypto" + suffix, out nint crypto)
            || !NativeLibrary.TryGetExport(ssl, "SSL_CTX_set_num_tickets", out nint setTickets)
            || !NativeLibrary.TryGetExport(ssl, "SSL_CTX_ctrl", out nint control)
            || !NativeLibrary.TryGetExport(crypto, "CRYPTO_get_ex_new_index", out nint getIndex)) return;
        SetTickets = (delegate* unmanaged[Cdecl]<nint, nuint, int>)setTickets;
        Control = (delegate* unmanaged[Cdecl]<nint, int, CLong, nint, CLong>)control;
        delegate* unmanaged[Cdecl]<nint, nint, nint, int, CLong, nint, void> onMade = &OnMade, onFreed = &OnFreed;
        IsWatching = ((delegate* unmanaged[Cdecl]<int, CLong, nint, nint, nint, nint, int>)getIndex)(
            ContextIndex, default, 0, (nint)onMade, 0, (nint)onFreed) >= 0;
    }

    /// <summary>From now on the contexts that are made on this thread are noted.</summary>
    public static void BeginHandshake() => _notes = IsWatching;

    /// <summary>The handshake is over: those of its contexts that live are set. Returns how many.</summary>
    public static int EndHandshake()
    {
        _notes = false;
        int thread = Environment.CurrentManagedThreadId;
        lock (Noting)
        {
            foreach ((nint context, int maker) in Noted)
            {
                if (maker != thread) continue;
                SetTickets(context, 1);
                Control(context, ControlMode, new CLong(ModeReleaseBuffers), 0);
            }

            return Noted.RemoveAll(noted => noted.Thread == thread);
        }
    }

    // On any thread of the process, for anybody.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnMade(nint context, nint data, nint all, int index, CLong number, nint argument)
    {
        if (!_notes) return;
        lock (Noting) Noted.Add((context, Environment.CurrentManagedThreadId));
    }

    // The same. When this returns the memory is somebody else's. The runtime itself makes some for a moment, when it loads OpenSSL.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnFreed(nint context, nint data, nint all, int index, CLong number, nint argument)
    {
        lock (Noting) Noted.RemoveAll(noted => noted.Context == context);
    }
}

// The contexts of OpenSSL that a handshake has made are set while they live, and never afterwards: their memory is somebody else's then.

using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using RawWs.Server.Tls;

namespace RawWs.Tests.Server;

[Platform("Linux")]
[SupportedOSPlatform("linux")]
public sealed class OpenSslContextsTests
{
    private const int ControlMode = 33;
    private const int ModeReleaseBuffers = 0x10;

    private readonly OpenSsl _openSsl = OpenSsl.Load();

    [Test]
    public void AContext_IsSet()
    {
        OpenSslContexts.BeginHandshake();
        nint context = _openSsl.Make(_openSsl.Method());
        Assert.That(OpenSslContexts.EndHandshake(), Is.EqualTo(1));
        Assert.That(_openSsl.CountTickets(context), Is.EqualTo((nuint)1));
        Assert.That(_openSsl.Control(context, ControlMode, default, 0).Value & ModeReleaseBuffers, Is.Not.Zero);
        _openSsl.Free(context);
    }

    [Test]
    public void AContextThatWasFreed_IsNotTouched()
    {
        OpenSslContexts.BeginHandshake();
        _openSsl.Free(_openSsl.Make(_openSsl.Method()));
        Assert.That(OpenSslContexts.EndHandshake(), Is.Zero);
    }

    [Test]
    public void AContextOfSomebodyElse_IsNotTouched()
    {
        OpenSslContexts.BeginHandshake();
        nint context = 0;
        Thread other = new(() => context = _openSsl.Make(_openSsl.Method()));
        other.Start();
        other.Join();
        Assert.That(OpenSslContexts.EndHandshake(), Is.Zero);
        Assert.That(_openSsl.CountTickets(context), Is.EqualTo((nuint)2), "OpenSSL's own number");
        _openSsl.Free(context);
    }

    /// <summary>Functions of OpenSSL's.</summary>
    private sealed record OpenSsl(
        OpenSsl.MethodFunction Method, OpenSsl.MakeFunction Make, OpenSsl.FreeFunction Free, OpenSsl.CountFunction CountTickets,
        OpenSsl.ControlFunction Control)
    {
        public delegate nint MethodFunction();

        public delegate nint MakeFunction(nint method);

        public delegate void FreeFunction(nint context);

        public delegate nuint CountFunction(nint context);

        public delegate CLong ControlFunction(nint context, int command, CLong number, nint argument);

        public static OpenSsl Load()
        {
            nint library = NativeLibrary.Load("libssl.so.3");
            return new OpenSsl(
                Find<MethodFunction>("TLS_method"), Find<MakeFunction>("SSL_CTX_new"), Find<FreeFunction>("SSL_CTX_free"),
                Find<CountFunction>("SSL_CTX_get_num_tickets"), Find<ControlFunction>("SSL_CTX_ctrl"));

            TDelegate Find<TDelegate>(string name) =>
                Marshal.GetDelegateForFunctionPointer<TDelegate>(NativeLibrary.GetExport(library, name));
        }
    }
}

// TLS by the runtime's SslStream, driven from the outside: it reads from and writes to memory (CipherStream), and every step of it runs
// inside of the call that gave it records or bytes.
//
// While nothing is there, a read of zero bytes waits in it: SslStream takes its buffer only when a record has come, and gives it back when
// all of it is read. An idle connection has none. When that read completes, there is something: bytes, or the end.

using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using RawWs.Server.Channels;

namespace RawWs.Server.Tls;

[SuppressMessage("Design", "CA1001", Justification = "Free gives them back.")]
[SuppressMessage("Reliability", "CA2012", Justification = "The read that waits is looked at, and its result taken once.")]
internal sealed class SslStreamSession : TlsSession
{
    private static readonly ServerOptionsSelectionCallback Choose = static (_, hello, certificates, _) =>
        new ValueTask<SslServerAuthenticationOptions>(((TlsCertificates)certificates!).Choose(hello.ServerName));

    private readonly CipherStream _cipher;
    private readonly SslStream _tls;
    private TlsCertificates? _certificates; // until the handshake is over
    private Task? _handshake; // while it is under way
    private ValueTask<int> _next; // the read of zero bytes
    private bool _isReading;
    private bool _hasEnded;
    private string? _fault;

    /// <param name="sink">Gets the records that go to the peer.</param>
    /// <param name="certificates">Among which the peer's first words choose.</param>
    public SslStreamSession(ITlsSink sink, TlsCertificates certificates)
    {
        _cipher = new CipherStream(sink);
        _tls = new SslStream(_cipher, leaveInnerStreamOpen: true);
        _certificates = certificates;
    }

    public override bool IsOpen => _certificates is null;

    public override string? Fault => _fault;

    public override bool HasPlain => _hasEnded || (_isReading && _next.IsCompleted);

    public override bool IsHandshakeSlow => _certificates is { IsHandshakeSlow: true };

    public override int Take(ArraySegment<byte> records)
    {
        if (_hasEnded) return records.Count;
        int taken = 0;
        try
        {
            taken = _cipher.Give(records, IsOpen || _handshake is not null ? null : BeginHandshake);
            if (_handshake is { IsCompleted: true }) taken += EndHandshake(records[taken..]);
        }
        catch (Exception exception)
        {
            Fail(exception);
        }

        return taken;
    }

    public override int Open(Span<byte> plain)
    {
        if (_hasEnded) return 0;
        if (!_isReading || !_next.IsCompleted) return Channel.Nothing;
        try
        {
            _isReading = false;
            _next.GetAwaiter().GetResult();
            int opened = Read(plain);
            if (opened == 0) _hasEnded = true;
            else BeginRead();
            return opened;
        }
        catch (Exception exception)
        {
            Fail(exception);
            return 0;
        }
    }

    public override bool TrySeal(ReadOnlySpan<byte> plain)
    {
        if (_fault is not null) return false;
        try
        {
            Write(plain);
            return true;
        }
        catch (Exception exception)
        {
            Fail(exception);
            return false;
        }
    }

    public override void SayGoodbye()
    {
        if (!IsOpen || _fault is not null) return;
        // Its write is done when it returns. What it may throw says that TLS has failed before, and then there is nobody to take leave of.
        _ = _tls.ShutdownAsync().Exception;
    }

    public override void Break(string fault)
    {
        _hasEnded = true;
        _fault ??= fault;
    }

    public override void Free()
    {
        _cipher.End(); // what waits in the SslStream ends with it, and gives its buffer back
        _ = _handshake?.Exception;
        if (_isReading && _next.IsCompleted)
        {
            try
            {
                _next.GetAwaiter().GetResult();
            }
            catch (IOException)
            {
                // It ended inside of a record.
            }
        }

        _tls.Dispose();
    }

    private void BeginHandshake() => _handshake = _tls.AuthenticateAsServerAsync(Choose, _certificates, CancellationToken.None);

    // Returns how many of the bytes behind the handshake were taken.
    private int EndHandshake(ArraySegment<byte> more)
    {
        _handshake!.GetAwaiter().GetResult();
        (_handshake, _certificates) = (null, null);
        return _cipher.Give(more, BeginRead);
    }

    private void BeginRead()
    {
        _next = _tls.ReadAsync(Memory<byte>.Empty);
        _isReading = true;
    }

    // It is open already, so this does not wait.
    private unsafe int Read(Span<byte> plain)
    {
        LentMemory lent = LentMemory.OfThread;
        fixed (byte* start = plain)
        {
            try
            {
                return _tls.ReadAsync(lent.Lend(start, plain.Length)).GetAwaiter().GetResult();
            }
            finally
            {
                lent.TakeBack();
            }
        }
    }

    // The stream below takes everything at once.
    private unsafe void Write(ReadOnlySpan<byte> plain)
    {
        LentMemory lent = LentMemory.OfThread;
        fixed (byte* start = plain)
        {
            try
            {
                _tls.WriteAsync(lent.Lend(start, plain.Length)).GetAwaiter().GetResult();
            }
            finally
            {
                lent.TakeBack();
            }
        }
    }

    private void Fail(Exception exception) => Break(Sentence(exception.GetBaseException().Message));

    // OpenSSL says "error:0A000102:SSL routines::unsupported protocol".
    private static string Sentence(string message) => message.StartsWith("error:", StringComparison.Ordinal)
        ? message[(message.LastIndexOf(':') + 1)..]
        : message;
}

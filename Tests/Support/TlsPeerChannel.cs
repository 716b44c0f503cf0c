// A client's TLS, below the server's: what the wire brings is sealed on its way up to TlsChannel, and what that seals is opened on its way
// down. So every client can talk to it in plain bytes, and the whole suite runs over TLS. It also checks what a client would see: that
// the server says good-bye before its stream ends.

using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using RawWs.Server.Channels;
using RawWs.Server.Tls;

namespace RawWs.Tests.Support;

[SuppressMessage("Design", "CA1001", Justification = "Close gives them back.")]
[SuppressMessage("Reliability", "CA2012", Justification = "The read that waits is looked at, and its result taken once.")]
internal sealed class TlsPeerChannel : Channel, ITlsSink
{
    private static int _withoutGoodbye;

    private readonly Channel _below;
    private readonly CipherStream _cipher;
    private readonly SslStream _tls;
    private readonly Task _handshake;
    private readonly Bytes _up = new(); // sealed, for the server
    private readonly Bytes _down = new(); // opened, for the wire
    private readonly byte[] _plain = new byte[64 * 1024];
    private readonly Action _open;
    private byte[] _records = new byte[4096];
    private ValueTask<int> _read;
    private bool _isReading;
    private bool _heardGoodbye;
    private bool _isShut;
    private long _ownBytes;

    public TlsPeerChannel(Channel below)
    {
        (_below, _open) = (below, Open);
        _cipher = new CipherStream(this);
        _tls = new SslStream(_cipher, leaveInnerStreamOpen: true);
        _handshake = _tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
        });
    }

    /// <summary>How many connections have ended in order without a good-bye.</summary>
    public static int WithoutGoodbye => Volatile.Read(ref _withoutGoodbye);

    public override bool HasPending => _up.Count > 0 || _below.HasPending;

    public override bool WantsWrite => _down.Count > 0 || _below.WantsWrite;

    public override bool IsWritable => _below.IsWritable;

    public override int BytesThere => _up.Count + _below.BytesThere;

    public override int BytesUnacknowledged => _below.BytesUnacknowledged is >= 0 and int count ? count + _down.Count : -1;

    public override long BytesOfItsOwn => _ownBytes + _below.BytesOfItsOwn;

    public override void Attach(Transport transport) => _below.Attach(transport);

    public override Readiness OnReady(Transport transport, uint events)
    {
        Readiness ready = _below.OnReady(transport, events);
        if ((ready & Readiness.Writable) == 0 || _down.Count == 0) return ready;
        if (Flush() < 0 || (WantsWrite && _below.WantWritable(transport) < 0)) return Readiness.Broken;
        return WantsWrite ? ready & ~Readiness.Writable : ready;
    }

    public override int Settle(Transport transport, bool wanted) => _below.Settle(transport, wanted);

    public override int Receive(Span<byte> destination)
    {
        if (_up.Count == 0)
        {
            if (!_handshake.IsCompletedSuccessfully) return Nothing;
            int received = _below.Receive(_plain);
            if (received <= 0) return received;
            _tls.Write(_plain, 0, received);
        }

        return _up.Take(destination);
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        if (_down.Count > 0 && Flush() is < 0 and int error) return error;
        if (WantsWrite) return 0;
        Open(bytes);
        return Flush() is < 0 and int failed ? failed : bytes.Length;
    }

    public override ArraySegment<byte> BatchRoom(Transport transport, int bytes) =>
        WantsWrite ? default : _below.BatchRoom(transport, bytes);

    public override bool TryAddToBatch(Transport transport, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes)
    {
        Open(bytes);
        ArraySegment<byte> room = _below.BatchRoom(transport, _down.Count);
        _down.Take(room);
        return _below.TryAddToBatch(transport, frames, room);
    }

    public override bool TryKeepBatched(ReadOnlySpan<byte> bytes)
    {
        _down.Add(bytes);
        return true;
    }

    public override int WantReadable(Transport transport) => _below.WantReadable(transport);

    public override int WantWritable(Transport transport) => _below.WantWritable(transport);

    public override void ShutdownWrite()
    {
        if (!_heardGoodbye && _handshake.IsCompletedSuccessfully) Interlocked.Increment(ref _withoutGoodbye);
        _isShut = true;
        if (_down.Count == 0) _below.ShutdownWrite();
    }

    public override void Close(Transport transport, bool reset)
    {
        while (!reset && _down.Count > 0 && Flush() > 0)
        {
        }

        _below.Close(transport, reset || _down.Count > 0);
        _cipher.End();
        _ = _handshake.Exception;
        _tls.Dispose();
    }

    public override IPEndPoint? FindLocalEndPoint() => _below.FindLocalEndPoint();

    public override void SetUserTimeout(TimeSpan timeout) => _below.SetUserTimeout(timeout);

    public override string Describe(string call, int error) => _below.Describe(call, error);

    void ITlsSink.OnSealed(ReadOnlySpan<byte> records) => _up.Add(records);

    // Opens records; nothing is left over of others.
    private void Open(ReadOnlySpan<byte> records)
    {
        if (_records.Length < records.Length) _records = new byte[records.Length * 2];
        records.CopyTo(_records);
        for (int at = 0; at < records.Length;) at += _cipher.Give(new ArraySegment<byte>(_records, at, records.Length - at), _open);
        Open();
        _ownBytes += _down.Count - records.Length;
    }

    private void Open()
    {
        if (!_handshake.IsCompleted || _heardGoodbye) return;
        if (!_isReading) (_read, _isReading) = (_tls.ReadAsync(Memory<byte>.Empty), true);
        while (_read.IsCompleted)
        {
            _read.GetAwaiter().GetResult();
            int opened = _tls.Read(_plain, 0, _plain.Length);
            if (opened == 0)
            {
                (_heardGoodbye, _isReading) = (true, false);
                return;
            }

            _down.Add(_plain.AsSpan(0, opened));
            _read = _tls.ReadAsync(Memory<byte>.Empty);
        }
    }

    private int Flush()
    {
        int sent = _below.Send(_down.Span, more: false);
        if (sent > 0) _down.Remove(sent);
        if (sent >= 0 && _down.Count == 0 && _isShut) _below.ShutdownWrite();
        return sent;
    }

    /// <summary>Bytes that wait.</summary>
    private sealed class Bytes
    {
        private byte[] _array = new byte[4096];
        private int _start;

        public int Count { get; private set; }

        public ReadOnlySpan<byte> Span => _array.AsSpan(_start, Count);

        public void Add(ReadOnlySpan<byte> bytes)
        {
            byte[] all = _array.Length >= Count + bytes.Length ? _array : new byte[(Count + bytes.Length) * 2];
            Span.CopyTo(all);
            bytes.CopyTo(all.AsSpan(Count));
            (_array, _start, Count) = (all, 0, Count + bytes.Length);
        }

        public int Take(Span<byte> destination)
        {
            int length = Math.Min(destination.Length, Count);
            Span[..length].CopyTo(destination);
            Remove(length);
            return length;
        }

        public void Remove(int count)
        {
            _start += count;
            Count -= count;
        }
    }
}

// A layer as it might be worst: it changes every byte, cuts what comes and what goes at random, holds bytes back in both directions, and
// says good-bye only when the last one has left.

using System.Net;
using RawWs.Server.Channels;

namespace RawWs.Tests.Support;

/// <param name="below">The channel over which it lies.</param>
/// <param name="key">Each byte is XORed with it, both ways.</param>
/// <param name="seed">Of the cuts.</param>
internal sealed class XorChannel(Channel below, byte key, int seed) : Channel
{
    private const int BytesMax = 16 * 1024;

    private readonly Random _random = new(seed);
    private readonly Piece _incoming = new(new byte[BytesMax]);
    private readonly Piece _outgoing = new(new byte[BytesMax]);
    private bool _shutdown;

    /// <summary>Two of them, of which the upper one changes back what the lower one has changed: so any client can talk over it.</summary>
    public static Channel Twice(Channel plain)
    {
        int seed = Interlocked.Increment(ref _seeds);
        return new XorChannel(new XorChannel(plain, 0xA5, seed), 0xA5, -seed);
    }

    private static int _seeds;

    public override bool HasPending => _incoming.Length > 0 || below.HasPending;

    public override bool WantsWrite => _outgoing.Length > 0 || below.WantsWrite;

    public override bool IsWritable => below.IsWritable;

    public override int BytesThere => _incoming.Length + below.BytesThere;

    public override void Attach(Transport transport) => below.Attach(transport);

    public override Readiness OnReady(Transport transport, uint events)
    {
        Readiness ready = below.OnReady(transport, events);
        if ((ready & Readiness.Writable) == 0 || _outgoing.Length == 0) return ready;
        int sent = Flush(_outgoing.Length);
        if (sent < 0 || (WantsWrite && below.WantWritable(transport) < 0)) return Readiness.Broken;
        return WantsWrite ? ready & ~Readiness.Writable : ready;
    }

    public override int Settle(Transport transport, bool wanted) => below.Settle(transport, wanted);

    public override int Receive(Span<byte> destination)
    {
        if (_incoming.Length == 0)
        {
            int received = below.Receive(_incoming.Array);
            if (received <= 0) return received;
            _incoming.Fill(received, key);
        }

        int given = Math.Min(destination.Length, Cut(_incoming.Length));
        _incoming.Bytes[..given].CopyTo(destination);
        _incoming.Remove(given);
        return given;
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        if (_outgoing.Length > 0)
        {
            int sent = Flush(_outgoing.Length);
            if (sent < 0) return sent;
            if (_outgoing.Length > 0) return 0;
        }

        int taken = Math.Min(Math.Min(bytes.Length, BytesMax), Cut(bytes.Length));
        bytes[..taken].CopyTo(_outgoing.Array);
        _outgoing.Fill(taken, key);
        int left = Flush(Cut(taken)); // the rest waits for the next readiness
        return left < 0 ? left : taken;
    }

    public override int WantReadable(Transport transport) => below.WantReadable(transport);

    public override int WantWritable(Transport transport) => below.WantWritable(transport);

    public override void ShutdownWrite()
    {
        _shutdown = true;
        if (_outgoing.Length == 0) below.ShutdownWrite();
    }

    public override void Close(Transport transport, bool reset)
    {
        while (!reset && _outgoing.Length > 0 && Flush(_outgoing.Length) > 0)
        {
        }

        below.Close(transport, reset || _outgoing.Length > 0);
    }

    public override IPEndPoint? FindLocalEndPoint() => below.FindLocalEndPoint();

    public override void SetUserTimeout(TimeSpan timeout) => below.SetUserTimeout(timeout);

    public override string Describe(string call, int error) => below.Describe(call, error);

    // Mostly all of it, sometimes a part, and sometimes one byte.
    private int Cut(int length) => _random.Next(8) switch
    {
        0 => 1,
        1 or 2 => _random.Next(length) + 1,
        _ => length,
    };

    private int Flush(int most)
    {
        int sent = below.Send(_outgoing.Bytes[..most], more: false);
        if (sent > 0) _outgoing.Remove(sent);
        if (sent >= 0 && _outgoing.Length == 0 && _shutdown) below.ShutdownWrite();
        return sent;
    }

    /// <summary>Changed bytes that wait in the layer.</summary>
    private sealed class Piece(byte[] array)
    {
        private int _start;

        public byte[] Array => array;

        public int Length { get; private set; }

        public Span<byte> Bytes => array.AsSpan(_start, Length);

        public void Fill(int length, byte key)
        {
            (_start, Length) = (0, length);
            foreach (ref byte value in Bytes) value ^= key;
        }

        public void Remove(int count)
        {
            _start += count;
            Length -= count;
        }
    }
}

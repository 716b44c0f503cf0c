// The other side of an SslStream: a stream in memory. What is read from it are records that somebody has given; what is written to it goes
// to the sink at once. A read that finds nothing is pending until records are given, and then goes on inline, inside of Give. One read is
// pending at a time.

using System.Threading.Tasks.Sources;

namespace RawWs.Server.Tls;

internal sealed class CipherStream(ITlsSink sink) : Stream, IValueTaskSource<int>
{
    private ArraySegment<byte> _given;
    private Memory<byte> _destination; // of the pending read
    private Action<object?>? _continuation;
    private object? _state;
    private int _result;
    private short _version;
    private bool _isPending;
    private bool _hasEnded;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Gives bytes to the reader, while <paramref name="read"/> and the pending read run. Returns how many were taken.</summary>
    /// <param name="bytes">The bytes. They are the caller's again when this returns.</param>
    /// <param name="read">Begins a read, if none is pending; null for nothing.</param>
    public int Give(ArraySegment<byte> bytes, Action? read = null)
    {
        _given = bytes;
        read?.Invoke();
        if (_isPending && _given.Count > 0) Complete(ReadGiven(_destination.Span));
        int taken = bytes.Count - _given.Count;
        _given = default;
        return taken;
    }

    /// <summary>No more will be given: a pending read completes with nothing, as does every further one.</summary>
    public void End()
    {
        _hasEnded = true;
        if (_isPending) Complete(0);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_given.Count > 0 || _hasEnded) return new ValueTask<int>(ReadGiven(buffer.Span));
        (_isPending, _destination) = (true, buffer);
        return new ValueTask<int>(this, _version);
    }

    // A read that cannot wait: the session makes it only when something is there already.
    public override int Read(Span<byte> buffer) => _given.Count > 0 || _hasEnded
        ? ReadGiven(buffer)
        : throw new InvalidOperationException("There is nothing to read.");

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => sink.OnSealed(buffer);

    public override void Write(byte[] buffer, int offset, int count) => sink.OnSealed(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        sink.OnSealed(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token)
    {
        _version++;
        return _result;
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) =>
        _isPending ? ValueTaskSourceStatus.Pending : ValueTaskSourceStatus.Succeeded;

    void IValueTaskSource<int>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        (_continuation, _state) = (continuation, state);

    private int ReadGiven(Span<byte> destination)
    {
        int length = Math.Min(destination.Length, _given.Count);
        if (length == 0) return 0; // nothing may be given, and of no array there is no piece
        // No record is cut if one before it fits: what that says may fill the reader's room, and what is left must begin with a record.
        if (length < _given.Count && TlsRecord.WholeBytes(_given.AsSpan(0, length), out _) is > 0 and int whole) length = whole;
        _given[..length].AsSpan().CopyTo(destination);
        _given = _given[length..];
        return length;
    }

    private void Complete(int result)
    {
        (Action<object?>? continuation, object? state) = (_continuation, _state);
        (_isPending, _destination, _continuation, _state) = (false, default, null, null);
        _result = result;
        continuation?.Invoke(state);
    }
}

// Frames that are to be sent are read once more in two places: where the kernel has not taken all of them, since only whole frames may be
// left out and a control frame may not come into the midst of one, and where somebody watches. Both are rare, so the cork does not note
// where its frames end.

using RawWs.Frame;
using RawWs.Server.Native;

namespace RawWs.Server.Sending;

/// <summary>Reads frame after frame, wherever their payloads lie.</summary>
internal ref struct CorkReader(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments)
{
    private readonly ReadOnlySpan<byte> _frames = frames;
    private readonly ReadOnlySpan<byte> _source = source;
    private readonly ReadOnlySpan<PayloadSegment> _segments = segments;
    private ReadOnlySpan<byte> _inline;
    private ReadOnlySpan<byte> _segment;
    private int _at;
    private int _segmentIndex;

    /// <summary>Where the frame begins, counted in bytes as they go over the wire.</summary>
    public int Start { get; private set; }

    public readonly int Length => _inline.Length + _segment.Length;

    public readonly int End => Start + Length;

    public FrameHeader Header { get; private set; }

    public readonly bool IsPong => Header.Opcode == Opcode.Pong;

    public readonly bool IsControl => Header.IsControl;

    public bool TryRead()
    {
        Start = End;
        if (_at == _frames.Length) return false;
        FrameReader.TryRead(_frames[_at..], out FrameHeader header);
        int length = header.HeaderLength;
        bool isSegment = _segmentIndex < _segments.Length && _segments[_segmentIndex].FramesEnd == _at + length;
        _segment = isSegment ? _source.Slice(_segments[_segmentIndex].Start, _segments[_segmentIndex].Length) : default;
        if (isSegment) _segmentIndex++;
        else length += (int)header.PayloadLength;
        _inline = _frames.Slice(_at, length);
        _at += length;
        Header = header;
        return true;
    }

    public readonly void CopyTo(Span<byte> destination)
    {
        _inline.CopyTo(destination);
        _segment.CopyTo(destination[_inline.Length..]);
    }
}

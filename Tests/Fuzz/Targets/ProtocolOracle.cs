// A reader of a connection's bytes that follows RFC 6455 and nothing else: one byte at a time, every byte kept, no fast path. It says what
// WebSocketProtocol must find, and at which byte.

using RawWs.Frame;

namespace RawWs.Fuzz;

internal sealed class ProtocolOracle(Role role, int permitted, ProtocolLimits limits)
{
    private readonly List<byte> _header = [];
    private readonly List<byte> _payload = []; // of the frame being read, unmasked
    private readonly List<byte> _message = []; // of the message that is open
    private int _openOpcode;
    private int _openReserved;
    private int _fragments;
    private Utf8Oracle _text;
    private int _bytesTaken;

    public Transcript Transcript { get; } = new();

    /// <summary>The rule that was broken, and how many bytes proved it.</summary>
    public Rule? Rule { get; private set; }

    public int FailedAt { get; private set; }

    /// <summary>A Close frame came, or a rule was broken: nothing is read any more.</summary>
    public bool Over { get; private set; }

    public bool CloseCame => Over && Rule is null;

    /// <summary>
    /// The opcode of the last frame of which something counts: a control frame that is whole, a data frame's payload, a refused frame.
    /// </summary>
    public Opcode? LastOpcode { get; private set; }

    /// <summary>A message has begun, if only with a byte of a header, and has not ended.</summary>
    public bool InMessage => !Over && (_openOpcode != 0 || (_header.Count > 0 && _header[0] % 16 < 8));

    /// <summary>The payload of the unfinished message.</summary>
    public ReadOnlySpan<byte> Unfinished => _message.ToArray();

    public void Take(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (Over) return;
            _bytesTaken++;
            Take(value);
        }
    }

    private void Take(byte value)
    {
        byte[] header = [.. _header];
        int headerLength = FrameOracle.HeaderLength(header);
        if (headerLength == 0 || header.Length < headerLength)
        {
            _header.Add(value);
            header = [.. _header];
            headerLength = FrameOracle.HeaderLength(header);
            if (FrameOracle.Broken(header, role, permitted, _openOpcode, limits.MessageBytesMax - _message.Count,
                limits.FragmentsMax - _fragments) is { } broken) Fail(broken);
            else if (header.Length == headerLength && Length == 0) BeginFrame();
        }
        else
        {
            if (_payload.Count == 0) BeginFrame();
            value ^= FrameOracle.KeyByte(header, _payload.Count);
            _payload.Add(value);
            if (IsControl) TakeControl();
            else TakeData(value);
        }

        if (!Over && headerLength > 0 && _header.Count == headerLength && (ulong)_payload.Count == Length) EndFrame();
    }

    private ulong Length => FrameOracle.Lengths([.. _header]).Least;

    private bool IsControl => _header[0] % 16 >= 8;

    private bool Fin => _header[0] >= 128;

    private bool IsText => _openOpcode == 1 && _openReserved == 0;

    private void BeginFrame()
    {
        if (IsControl) return;
        LastOpcode = (Opcode)(_header[0] % 16);
        _fragments++;
        if (_header[0] % 16 == 0) return;
        _openOpcode = _header[0] % 16;
        _openReserved = _header[0] & 0x70;
        _text = default;
    }

    private void TakeControl()
    {
        if (_header[0] % 16 != 8) return;
        if (_payload.Count == 2 && !IsCloseCode((_payload[0] * 256) + _payload[1])) Fail(FrameRules.CloseCodeInvalid);
        else if (_payload.Count > 2 && ReasonPrefix(out _) < _payload.Count - 2) Fail(FrameRules.CloseReasonNotUtf8);
    }

    private void TakeData(byte value)
    {
        _message.Add(value);
        if (IsText && !_text.Take(value)) Fail(FrameRules.TextNotUtf8);
    }

    private void EndFrame()
    {
        if (IsControl)
        {
            EndControl();
        }
        else if (Fin)
        {
            if (IsText && !_text.IsComplete)
            {
                Fail(FrameRules.TextEndsInsideCharacter);
                return;
            }

            Transcript.Message(_openOpcode, _openReserved, _message.ToArray());
            _message.Clear();
            (_openOpcode, _openReserved, _fragments) = (0, 0, 0);
        }

        _header.Clear();
        _payload.Clear();
    }

    private void EndControl()
    {
        int opcode = _header[0] % 16;
        if (opcode == 8 && _payload.Count > 2)
        {
            _ = ReasonPrefix(out bool complete);
            if (!complete)
            {
                Fail(FrameRules.CloseReasonNotUtf8);
                return;
            }
        }

        LastOpcode = (Opcode)opcode;
        Transcript.Control(opcode, _payload.ToArray());
        Over = opcode == 8;
    }

    private int ReasonPrefix(out bool complete) => Utf8Oracle.ValidPrefix(_payload.ToArray().AsSpan(2), out complete);

    // §7.4.1, §7.4.2 and the registry, one by one.
    private static bool IsCloseCode(int code) =>
        code is 1000 or 1001 or 1002 or 1003 or 1007 or 1008 or 1009 or 1010 or 1011 or 1012 or 1013 or 1014
            || (code >= 3000 && code < 5000);

    private void Fail(Rule rule)
    {
        LastOpcode = (Opcode)(_header[0] % 16);
        (Rule, FailedAt, Over) = (rule, _bytesTaken, true);
    }
}

// Two extensions on one connection, which are one to everybody else; one of the two may be a pair itself. The one that the answer names
// first has a message first when it goes out, and last when it comes in (RFC 6455 §9.1: "foo, bar" means bar(foo(data))). A message may be
// marked by either alone: then the other has nothing to do with it.

using RawWs.Frame;
using RawWs.Server.Memory;

namespace RawWs.Server.Extensions;

internal sealed class ExtensionPairAgreement(ExtensionAgreement first, ExtensionAgreement second, MemoryBudget budget)
    : ExtensionAgreement(first.Bits | second.Bits, $"{first.ResponseText}, {second.ResponseText}")
{
    public override bool HasRoom => first.HasRoom && second.HasRoom && budget.HasRoomFor(ExtensionPair.BetweenBytes);

    public override ConnectionExtension Begin() => new ExtensionPair(first.Begin(), second.Begin(), budget);
}

internal sealed class ExtensionPair(ConnectionExtension first, ConnectionExtension second, MemoryBudget budget)
    : ConnectionExtension(first.Bits | second.Bits)
{
    /// <summary>
    /// What is charged to the budget while a message of both is decoded: room for what has passed the second and not yet the first.
    /// </summary>
    public const int BetweenBytes = 4096;

    private readonly EncoderPair _forMany = new(first.ForMany, second.ForMany, budget);
    private ConnectionExtension? _last; // the one that has decoded last: a fault is its fault
    private ConnectionExtension? _only; // the message is marked by this one alone
    private byte[]? _between;
    private int _start;
    private int _end;

    public override Rule Malformed => _last!.Malformed;

    public override bool EncodesInOrder => first.EncodesInOrder || second.EncodesInOrder;

    public override MessageEncoder ForMany => _forMany;

    public override bool Encodes(int payloadBytes) => first.Encodes(payloadBytes) || second.Encodes(payloadBytes);

    public override bool TryBegin(ReservedBits marks)
    {
        bool isFirsts = (marks & first.Bits) != 0, isSeconds = (marks & second.Bits) != 0;
        _only = isFirsts && isSeconds ? null : isFirsts ? first : second;
        if (_only is not null) return _only.TryBegin(marks);
        (_between, _start, _end) = (budget.TryRent(BetweenBytes), 0, 0);
        if (_between is not null && second.TryBegin(marks & second.Bits))
        {
            if (first.TryBegin(marks & first.Bits)) return true;
            second.End();
        }

        ReturnBetween();
        return false;
    }

    public override DecodeStatus Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        _last = _only ?? first;
        if (_only is not null) return _only.Decode(input, output, out consumed, out written);
        consumed = written = 0;
        while (true)
        {
            _last = first;
            DecodeStatus status = first.Decode(_between.AsSpan(_start.._end), output[written..], out int taken, out int made);
            _start += taken;
            written += made;
            if (status != DecodeStatus.NeedMoreData) return status;

            _last = second;
            status = second.Decode(input[consumed..], _between, out taken, out made);
            (_start, _end) = (0, made);
            consumed += taken;
            bool goesOn = status is DecodeStatus.NeedMoreData or DecodeStatus.OutputFull;
            if (!goesOn || made == 0) return status;
            if (written == output.Length) return DecodeStatus.OutputFull;
        }
    }

    public override DecodeStatus Finish()
    {
        _last = _only ?? second;
        DecodeStatus status = _last.Finish();
        if (_only is not null || status != DecodeStatus.Done) return status;
        _last = first;
        return first.Finish();
    }

    public override void End()
    {
        if (_only is not null)
        {
            _only.End();
            return;
        }

        second.End();
        first.End();
        ReturnBetween();
    }

    public override int RoomBytes(int payloadBytes) => EncoderPair.RoomBytes(first, second, payloadBytes);

    public override ReservedBits Encode(ReadOnlySpan<byte> payload, Span<byte> output, out int written) =>
        EncoderPair.Encode(first, second, budget, payload, output, out written);

    public override void OnSentToMany()
    {
        first.OnSentToMany();
        second.OnSentToMany();
    }

    public override void Release()
    {
        first.Release();
        second.Release();
    }

    private void ReturnBetween()
    {
        if (_between is not null) budget.Return(_between);
        _between = null;
    }
}

internal sealed class EncoderPair(MessageEncoder first, MessageEncoder second, MemoryBudget budget) : MessageEncoder
{
    private readonly MessageEncoder _first = first;
    private readonly MessageEncoder _second = second;

    public override int RoomBytes(int payloadBytes) => RoomBytes(_first, _second, payloadBytes);

    public override ReservedBits Encode(ReadOnlySpan<byte> payload, Span<byte> output, out int written) =>
        Encode(_first, _second, budget, payload, output, out written);

    public override bool Equals(object? other) => other is EncoderPair pair && _first.Equals(pair._first) && _second.Equals(pair._second);

    public override int GetHashCode() => HashCode.Combine(_first, _second);

    // Either may leave the message as it is, and the first may also make it longer.
    public static int RoomBytes(MessageEncoder first, MessageEncoder second, int payloadBytes)
    {
        int between = Math.Max(first.RoomBytes(payloadBytes), payloadBytes);
        return Math.Max(between, second.RoomBytes(between));
    }

    public static ReservedBits Encode(MessageEncoder first, MessageEncoder second, MemoryBudget budget, ReadOnlySpan<byte> payload,
        Span<byte> output, out int written)
    {
        written = 0;
        // It is asked for before anything is encoded: what is encoded in order must be sent.
        byte[]? rented = budget.TryRent(first.RoomBytes(payload.Length));
        if (rented is null) return ReservedBits.None;
        ReservedBits marks = first.Encode(payload, rented, out int length);
        ReadOnlySpan<byte> between = marks == ReservedBits.None ? payload : rented.AsSpan(0, length);
        ReservedBits more = second.Encode(between, output, out written);
        if (more == ReservedBits.None && marks != ReservedBits.None)
        {
            between.CopyTo(output);
            written = length;
        }

        budget.Return(rented);
        return marks | more;
    }
}

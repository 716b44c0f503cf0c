// A second extension, so that permessage-deflate is not the only user of what the server knows of extensions: "xor-payload; key=K" changes
// every byte of a payload by XOR with K, 1 to 255, and marks the message with RSV2. While it decodes a message it has a hundred bytes
// charged to the budget, for nothing.

using System.Globalization;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;

namespace RawWs.Tests.Support;

internal sealed class XorExtension(
    MemoryBudget budget, string name = XorExtension.DefaultName, ReservedBits bits = ReservedBits.Rsv2, int bytesMin = 1)
    : Extension(name, bits)
{
    public const string DefaultName = "xor-payload";
    public const int MessageBytes = 100;

    public MemoryBudget Budget { get; } = budget;

    public override bool Encodes(int payloadBytes) => payloadBytes >= bytesMin;

    public override ExtensionAgreement? Negotiate(ExtensionOffer offer, out string declined)
    {
        declined = "NoKey";
        if (offer.Parameters is not [{ Name: "key", Value: { } value }] || !byte.TryParse(
            value, NumberStyles.None, CultureInfo.InvariantCulture, out byte key)
            || key == 0) return null;
        declined = "";
        return new Agreement(this, key);
    }

    public override void Dispose()
    {
    }

    public static void Apply(byte key, ReadOnlySpan<byte> input, Span<byte> output)
    {
        for (int i = 0; i < input.Length; i++) output[i] = (byte)(input[i] ^ key);
    }

    private sealed class Agreement(XorExtension extension, byte key) : ExtensionAgreement(extension.Bits, $"{extension.Name}; key={key}")
    {
        public override bool HasRoom => extension.Budget.HasRoomFor(MessageBytes);

        public override ConnectionExtension Begin() => new Connection(extension, key);
    }

    private sealed class Connection(XorExtension extension, byte key) : ConnectionExtension(extension.Bits)
    {
        private readonly Encoder _forMany = new(extension, key);
        private bool _isCharged;

        public override Rule Malformed => throw new InvalidOperationException("Every payload can be decoded.");

        public override MessageEncoder ForMany => _forMany;

        public override bool Encodes(int payloadBytes) => extension.Encodes(payloadBytes);

        public override bool TryBegin(ReservedBits marks)
        {
            Holds(marks == Bits && !_isCharged, "a message begins");
            return _isCharged = extension.Budget.TryCharge(MessageBytes);
        }

        public override DecodeStatus Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
        {
            Holds(_isCharged && output.Length > 0, "a piece of it comes");
            consumed = written = Math.Min(input.Length, output.Length);
            Apply(key, input[..written], output);
            return written == output.Length ? DecodeStatus.OutputFull : DecodeStatus.NeedMoreData;
        }

        public override DecodeStatus Finish() => DecodeStatus.Done;

        public override void End()
        {
            Holds(_isCharged, "each message ends once");
            _isCharged = false;
            extension.Budget.Discharge(MessageBytes);
        }

        public override void Release() => Holds(!_isCharged, "its message has ended before");

        public override int RoomBytes(int payloadBytes) => _forMany.RoomBytes(payloadBytes);

        public override ReservedBits Encode(ReadOnlySpan<byte> payload, Span<byte> output, out int written) =>
            _forMany.Encode(payload, output, out written);

        // An assertion would allocate.
        private static void Holds(bool condition, string what)
        {
            if (!condition) throw new InvalidOperationException($"The contract is broken: {what}.");
        }
    }

    private sealed class Encoder(XorExtension extension, byte key) : MessageEncoder
    {
        private readonly byte _key = key;

        public override int RoomBytes(int payloadBytes) => payloadBytes;

        public override ReservedBits Encode(ReadOnlySpan<byte> payload, Span<byte> output, out int written)
        {
            written = 0;
            if (!extension.Encodes(payload.Length)) return ReservedBits.None;
            written = payload.Length;
            Apply(_key, payload, output);
            return extension.Bits;
        }

        public override bool Equals(object? other) => other is Encoder encoder && encoder._key == _key;

        public override int GetHashCode() => _key;
    }
}

// What one connection has of an extension. Receiving is the owning loop's:
//
//   TryBegin   { Decode(piece, room) until NeedMoreData }   Finish   End      for each message that is marked
//   End may come at any time after TryBegin: the message is dropped.
//
// Sending is anybody's. With EncodesInOrder a message may refer to those before it: then Encode is called under the connection's lock, in
// the order in which messages leave, and what it has encoded is sent.

using RawWs.Frame;

namespace RawWs.Server.Extensions;

/// <param name="bits">The reserved bits that were agreed on.</param>
internal abstract class ConnectionExtension(ReservedBits bits) : MessageEncoder
{
    /// <summary>The reserved bits that were agreed on.</summary>
    public ReservedBits Bits { get; } = bits;

    /// <summary>The rule that a message has broken which could not be decoded.</summary>
    public abstract Rule Malformed { get; }

    /// <summary>Whether messages must leave in the order in which they were encoded.</summary>
    public virtual bool EncodesInOrder => false;

    /// <summary>Encodes a message without reference to any other one, as this connection's peer can read it.</summary>
    public abstract MessageEncoder ForMany { get; }

    /// <summary>Whether a message of so many bytes may be encoded.</summary>
    public abstract bool Encodes(int payloadBytes);

    /// <summary>A marked message begins. What it needs is charged to the budget. False when the memory limit is reached.</summary>
    /// <param name="marks">The message's reserved bits: at least one of <see cref="Bits"/>.</param>
    public abstract bool TryBegin(ReservedBits marks);

    /// <summary>Decodes a piece of the message.</summary>
    /// <param name="input">What has arrived, unmasked; may be empty.</param>
    /// <param name="output">Room of at least a byte.</param>
    /// <param name="consumed">How much of the input is done with.</param>
    /// <param name="written">How much of the output is filled.</param>
    /// <returns>NeedMoreData, OutputFull, Malformed or OutOfMemory.</returns>
    public abstract DecodeStatus Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written);

    /// <summary>The message has ended, and Decode has said NeedMoreData for its last byte.</summary>
    /// <returns>Done, Malformed or OutOfMemory.</returns>
    public abstract DecodeStatus Finish();

    /// <summary>Nothing more is decoded of the message. Gives back what only the message needed.</summary>
    public abstract void End();

    /// <summary>
    /// A message was sent that <see cref="ForMany"/> has encoded: the peer has seen it, and this object has not. Under the connection's
    /// lock.
    /// </summary>
    public virtual void OnSentToMany()
    {
    }

    /// <summary>The connection ends. Gives back all that was charged to the budget. Nothing is encoded or decoded afterwards.</summary>
    public abstract void Release();
}

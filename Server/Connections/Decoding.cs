// Messages that come in marked, for an extension to decode (§5.8, §9). The payload of an event is decoded in bounded pieces, straight into
// the assembled message. What comes out is judged as it comes, so neither a wrong byte nor one byte too many waits for the message's end.

using RawWs.Frame;
using RawWs.Server.Extensions;

namespace RawWs.Server.Connections;

/// <summary>On the owner's thread. Nothing is kept here: the assembler has the unfinished message and its decoder.</summary>
internal static class Decoding
{
    /// <summary>Decodes the payload of an event, and delivers the message when it is whole.</summary>
    public static void Decode(WebSocketConnection connection, MessageAssembler assembler, in ProtocolEvent found)
    {
        if (found.EndOfMessage) assembler.MessageDeadline = long.MaxValue;
        if (!connection.Life.IsOpen)
        {
            // §1.4: after our Close data is not delivered, and so it is not decoded.
            if (found.EndOfMessage) assembler.Release(connection.Loop.Budget);
            return;
        }

        if (found.StartOfMessage)
        {
            if (!connection.Extension!.TryBegin(found.MessageReserved))
            {
                connection.Life.Close(connection, Endings.OutOfMemory);
                return;
            }

            assembler.Decoder = connection.Extension;
        }

        DecodeStatus status = DecodeInto(connection.Loop, assembler, assembler.Decoder!, found, out Rule? broken);
        if (broken is not null) connection.Life.Fail(connection, broken);
        else if (status == DecodeStatus.OutOfMemory) connection.Life.Close(connection, Endings.OutOfMemory);
        else if (status == DecodeStatus.Done) Deliver(connection, assembler, found.MessageKind);
    }

    private static DecodeStatus DecodeInto(
        ConnectionLoop loop, MessageAssembler assembler, ConnectionExtension decoder, in ProtocolEvent found, out Rule? broken)
    {
        ReadOnlySpan<byte> rest = found.Payload;
        DecodeStatus status;
        broken = null;
        do
        {
            if (!assembler.TryGetRoom(loop.Budget, out Span<byte> room)) return DecodeStatus.OutOfMemory;
            status = decoder.Decode(rest, room, out int consumed, out int written);
            rest = rest[consumed..];
            broken = assembler.Fill(written, found.MessageKind);
            loop.Share.SpendDecoded(written);
        }
        while (status == DecodeStatus.OutputFull && broken is null);

        if (broken is not null) return status;
        if (status == DecodeStatus.NeedMoreData && found.EndOfMessage) status = decoder.Finish();
        broken = status switch
        {
            DecodeStatus.Malformed => decoder.Malformed,
            DecodeStatus.Done => assembler.Protocol.CheckDecoded(default, found.MessageKind, endOfMessage: true),
            _ => null,
        };
        return status;
    }

    private static void Deliver(WebSocketConnection connection, MessageAssembler assembler, MessageKind kind)
    {
        // Its memory may serve others while a handler has the message.
        assembler.Decoder!.End();
        assembler.Decoder = null;
        connection.CountReceived(kind);
        connection.Handling.DeliverAssembled(connection, assembler, kind);
    }
}

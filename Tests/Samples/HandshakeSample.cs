// The example of Handshake/README.md: what stands between the marks, behind the usings.

using System.Buffers;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Samples;

internal static class HandshakeSample
{
    public static void Run()
    {
        // README begins
        ReadOnlySequence<byte> arrived = new(Encoding.ASCII.GetBytes(
            "GET /ws/chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
        ArrayBufferWriter<byte> answer = new();
        RequestStatus status = RequestReader.TryRead(
            ref arrived, new RequestLimits(), out UpgradeRequest? request, out HandshakeRule? broken);
        if (status == RequestStatus.NeedMoreData) return; // nothing was consumed: call again when more has arrived
        UpgradeResult result = status == RequestStatus.Done ? UpgradeRules.Check(request!, new UpgradePolicy()) : default;
        if ((broken ?? result.Rule) is { } rule) UpgradeResponse.WriteRefusal(answer, rule);
        else UpgradeResponse.WriteSwitchingProtocols(answer, request!, result.Subprotocol);
        Console.Write(Encoding.ASCII.GetString(answer.WrittenSpan));

        // README ends
    }
}

// What a request leaves behind for the garbage collector.

using System.Buffers;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class RequestAllocationTests
{
    // What each handshake leaves behind is a part of what an idle connection costs, until it is collected.
    [Test]
    public void ASecondRequest_WithoutLists_AllocatesNothing()
    {
        byte[] bytes =
        [
            .. "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"u8,
            .. "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"u8,
        ];
        UpgradeRequest request = new();
        UpgradePolicy policy = new();
        Judge(); // makes what all requests share
        long before = GC.GetAllocatedBytesForCurrentThread();
        UpgradeResultKind kind = Judge();
        Assert.That((GC.GetAllocatedBytesForCurrentThread() - before, kind), Is.EqualTo((0L, UpgradeResultKind.Upgrade)));

        UpgradeResultKind Judge()
        {
            ReadOnlySequence<byte> buffer = new(bytes);
            RequestProgress progress = default;
            RequestReader.TryRead(ref buffer, RequestLimits.Default, request, ref progress, out _);
            UpgradeResult result = UpgradeRules.Check(request, policy);
            return request.Extensions.Count + request.Subprotocols.Count == 0 ? result.Kind : UpgradeResultKind.Refuse;
        }
    }
}

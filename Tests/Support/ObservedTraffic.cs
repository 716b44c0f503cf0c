// What tests of observers have in common: an observation of everything, and the comparison with what raw clients have sent and received.

using RawWs.Frame;
using RawWs.Server;

namespace RawWs.Tests.Support;

internal static class ObservedTraffic
{
    private const int Plenty = 512 * 1024 * 1024;

    public static readonly byte[] Goodbye = RawClient.Frame(Opcode.Close, [0x03, 0xE8, (byte)'b', (byte)'y', (byte)'e']);

    public static byte[] Some(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    public static Task<Observation> Everything(TestServer server) =>
        server.Server.ObserveAsync(new ObservationOptions { Payload = true, WaitingBytesMax = Plenty });

    // Each client has sent and received what the observer has been told of its connection. Returns what was told, in the clients' order.
    public static List<ObservedStreams> Compare(Observation observation, IReadOnlyList<RecordingClient> clients)
    {
        Dictionary<long, ObservedStreams> all = ObservedStreams.UntilEnded(observation, clients.Count);
        List<ObservedStreams> inOrder = [];
        foreach (RecordingClient client in clients)
        {
            ObservedStreams streams = all.Values.Single(streams => streams.Events[0].Connection!.RemoteEndPoint.Port == client.LocalPort);
            streams.Are([.. client.Sent], [.. client.Received], $"client {inOrder.Count}");
            CloseReport report = streams.Events[^1].Report!;
            Assert.That((report.BytesIn, report.BytesOut), Is.EqualTo((client.Sent.Count, client.Received.Count)));
            inOrder.Add(streams);
        }

        return inOrder;
    }
}

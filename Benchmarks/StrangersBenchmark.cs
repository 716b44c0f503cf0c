// Everything that a stranger can have worked through before anybody knows him: each list, field and parameter filled with as much as the
// limits let be, with half of that, and with as much as the head can hold. Twice the input is twice the time at most; what is past a limit
// is counted and not read. And a head that comes in single bytes.

using System.Buffers;
using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using RawWs.Handshake;

namespace RawWs.Benchmarks;

public class StrangersBenchmark
{
    private const string Start = " HTTP/1.1\r\nHost: 127.0.0.1:2000\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    private static readonly RequestLimits Limits = new();
    private static readonly UpgradePolicy Policy = new() { Subprotocols = ["x"], AllowedOrigins = ["https://example.com"] };
    private static readonly DeflatePolicy Deflate = new();

    private readonly UpgradeRequest _request = new();
    private byte[] _bytes = [];

    /// <summary>What the request is filled with.</summary>
    [Params("subprotocols", "extensions", "parameters", "quoted", "connection", "upgrade", "query", "fields", "path", "origin",
        "host", "cookie")]
    public string Filler { get; set; } = "";

    /// <summary>Half of what is allowed, all of it, and what the head can hold.</summary>
    [Params("half", "limit", "past")]
    public string Amount { get; set; } = "";

    /// <summary>Makes the request.</summary>
    [GlobalSetup]
    public void Setup() => _bytes = Make(Filler, Amount);

    /// <summary>All that is done with a request before the application is asked, and what the router asks.</summary>
    [Benchmark(Description = "read, judged, negotiated")]
    public int Whole()
    {
        ReadOnlySequence<byte> buffer = new(_bytes);
        RequestStatus status = RequestReader.TryRead(ref buffer, Limits, _request, out _);
        return status == RequestStatus.Done ? Judge() : 0;
    }

    /// <summary>The same, one byte more at a time.</summary>
    [Benchmark(Description = "the same, byte by byte")]
    public int ByteByByte()
    {
        RequestProgress progress = default;
        for (int length = 1; length <= _bytes.Length; length++)
        {
            ReadOnlySequence<byte> buffer = new(_bytes, 0, length);
            RequestStatus status = RequestReader.TryRead(ref buffer, Limits, _request, ref progress, out _);
            if (status != RequestStatus.NeedMoreData) return status == RequestStatus.Done ? Judge() : 0;
        }

        return 0;
    }

    /// <summary>A request of this kind.</summary>
    public static byte[] Make(string filler, string amount)
    {
        int Count(int most) => amount switch { "half" => most / 2, "limit" => most, _ => 1_000_000 };
        string Many(int most, string separator, string element = "p{0}", int bytesMax = 31_000)
        {
            StringBuilder list = new();
            for (int i = 0; i < Count(most) && list.Length < bytesMax; i++)
                list.Append(i == 0 ? "" : separator)
                    .Append(element.Replace("{0}", i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
            return list.ToString();
        }

        string field = filler switch
        {
            "subprotocols" => $"Sec-WebSocket-Protocol: {Many(100, ",")}\r\n",
            "extensions" => $"Sec-WebSocket-Extensions: {Many(32, ",", "permessage-deflate;x{0}")}\r\n",
            "parameters" => $"Sec-WebSocket-Extensions: permessage-deflate;{Many(16, ";")}\r\n",
            "quoted" => $"Sec-WebSocket-Extensions: {Many(32, ",", "a;b=\"\\c\\d{0}\"")}\r\n",
            "connection" => $"Connection: {Many(99, ",")}\r\n",
            "upgrade" => $"Upgrade: {Many(99, ",")}\r\n",
            "fields" => Many(95, "", "X-{0}: y\r\n"),
            "origin" => $"Origin: https://{new string('o', Math.Min(Count(255), 31_000))}\r\n",
            "cookie" => $"Cookie: {new string('c', Math.Min(Count(31_000), 32_000))}\r\n",
            _ => "",
        };
        string target = filler switch
        {
            "query" => "/?" + Many(256, "&", "%70{0}=1", 7_000),
            "path" => "/" + string.Concat(Enumerable.Repeat("%61", Math.Min(Count(2_600), 2_700))),
            "host" => $"http://{new string('h', Math.Min(Count(255), 8_000))}/",
            _ => "/",
        };
        return Encoding.ASCII.GetBytes($"GET {target}{Start}{field}\r\n");
    }

    private int Judge()
    {
        UpgradeResult result = UpgradeRules.Check(_request, Policy);
        if (result.Kind != UpgradeResultKind.Upgrade) return result.Rule?.Status ?? 200;
        _ = _request.TryGetQuery("uid"u8, out _, out int count);
        return 101 + count + (DeflateNegotiation.Negotiate(_request.Extensions, Deflate) is null ? 0 : 1);
    }
}

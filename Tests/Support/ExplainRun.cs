// `rawws explain` in this process, with what it is to say; and a talk that it is given.

using System.Text;
using RawWs.Tests.Handshake;

namespace RawWs.Tests.Support;

internal static class ExplainRun
{
    public const string MaskedHello = "818537fa213d7f9f4d5158";

    public static readonly byte[] Hello = Convert.FromHexString(MaskedHello);
    public static readonly byte[] Request = Encoding.ASCII.GetBytes(RequestVectors.Valid);
    public static readonly byte[] Response = Encoding.ASCII.GetBytes(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");

    public static readonly (bool FromClient, byte[] Bytes)[] Talk =
    [
        (true, Request), (false, Response), (true, Hello[..3]), (false, [0x89, 0x00]), (true, Hello[3..]),
        (false, [0x81, 0x02, 0x68, 0x69]),
    ];

    public static string Good(string[] arguments, byte[]? input = null)
    {
        int exitCode = Run(arguments, input, out string output, out string error);
        Assert.That((exitCode, error), Is.EqualTo((0, "")));
        return output;
    }

    public static string Wrong(string[] arguments, byte[]? input = null)
    {
        int exitCode = Run(arguments, input, out string output, out string error);
        Assert.That((exitCode, output), Is.EqualTo((2, "")));
        Assert.That(error, Has.No.Member('\n').And.StartsWith("explain: "));
        return error;
    }

    public static int Run(string[] arguments, byte[]? input, out string output, out string error)
    {
        CommandRun run = CommandRun.Of(["explain", .. arguments], Path.GetTempPath(), input: input);
        Assert.That(run.Result.Settings, Is.Null);
        (int exitCode, output, error) = run;
        return exitCode;
    }
}

// Bytes as tests write them: in hexadecimal, with spaces where the reader wants them.

namespace RawWs.Tests.Support;

internal static class Hex
{
    public static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}

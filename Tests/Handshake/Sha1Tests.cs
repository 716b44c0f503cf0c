// SHA-1 by RFC 3174's own examples, and beside the system's.

using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

[TestFixture]
[SuppressMessage("Security", "CA5350", Justification = "RFC 6455 §1.3 prescribes SHA-1; nothing is protected by it.")]
public class Sha1Tests
{
    // RFC 3174 §7.3 (TEST1, TEST2a and b, TEST4a and b), and nothing at all.
    [TestCase("abc", 1, "A9993E364706816ABA3E25717850C26C9CD0D89D")]
    [TestCase("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983E441C3BD26EBAAE4AA1F95129E5E54670F1")]
    [TestCase("0123456701234567012345670123456701234567012345670123456701234567", 10, "DEA356A2CDDD90C7A7ECEDC5EBB563934F460452")]
    [TestCase("a", 1_000_000, "34AA973CD4C4DAA4F61EEB2BDBAD27316534016F")]
    [TestCase("", 1, "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709")]
    public void Rfc3174_7_3(string text, int times, string expected) =>
        Assert.That(Convert.ToHexString(Hash(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(text, times))))),
            Is.EqualTo(expected));

    [Test]
    public void EveryLength_GivesWhatTheSystemGives()
    {
        Random random = new(3174);
        for (int length = 0; length <= 300; length++)
        {
            byte[] message = new byte[length];
            random.NextBytes(message);
            Assert.That(Hash(message), Is.EqualTo(SHA1.HashData(message)), $"{length} bytes");
        }
    }

    private static byte[] Hash(byte[] message)
    {
        byte[] hash = new byte[Sha1.HashBytes];
        Sha1.HashData(message, hash);
        return hash;
    }
}

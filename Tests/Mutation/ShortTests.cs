// What RawWs.Tests tries with very many inputs, tried with a few of them. Stryker runs the tests once for each change, so they have to be
// short; and the widths of masking and of the UTF-8 lookup are called directly, so that each is judged whatever this processor prefers.

using RawWs.Fuzz;

namespace RawWs.Tests.Mutation;

public sealed class ShortTests
{
    [Test]
    public void Section_8_1_Text_IsCheckedAlike_AtEveryWidth()
    {
        (long wrong, long all) = Utf8Differential.Run(400_000, 20261128);
        Assert.That(wrong, Is.GreaterThan(all / 10).And.LessThan(all - (all / 10)));
    }

    // Each length that begins another form, each distance from an aligned address modulo 8, text and bytes of any kind.
    [Test]
    public void Section_5_3_Masking_IsAnXorWithTheKey_AtEveryWidth()
    {
        Random random = new(20261128);
        foreach (int length in Enumerable.Range(0, 280).Concat([511, 512, 513, 514, 575, 576, 577, 640, 767, 768, 769, 1023, 1024, 1100]))
        {
            byte[] input = new byte[17 + length]; // key, offset, distance, cuts, payload: see MaskingTarget
            random.NextBytes(input);
            MaskingTarget.Run(input);
            input.AsSpan(0, 4).Clear();
            foreach (ref byte value in input.AsSpan(17)) value &= 0x7F;
            MaskingTarget.Run(input);
        }
    }
}

// Arrays that the pools have no place for are garbage, which the limit does not count. Whoever collects it is told before it is much beside
// the limit.

using RawWs.Server.Memory;

namespace RawWs.Tests.Server;

public sealed class DroppedMemoryTests
{
    private const long Mebibyte = 1024 * 1024;

    [TestCase(8, 1)]
    [TestCase(64, 8)]
    [TestCase(128, 16)]
    [TestCase(4096, 16)]
    public void WhatIsDropped_IsTold_EachTimeThatItIsAnEighthOfTheLimit_OrSixteenMebibytes(int limit, int step)
    {
        MemoryBudget budget = new(limit * Mebibyte);
        int told = 0;
        budget.Dropped = () => told++;
        List<byte[]> held = [];
        while (budget.DroppedBytes <= 3 * step * Mebibyte)
        {
            Assert.That(told, Is.EqualTo(budget.DroppedBytes / (step * Mebibyte)), $"{budget.DroppedBytes} bytes");
            // More than the pool of this size keeps.
            for (int i = 0; i < 4096; i++) held.Add(budget.Rent(1024));
            foreach (byte[] array in held) budget.Return(array);
            held.Clear();
        }
    }
}

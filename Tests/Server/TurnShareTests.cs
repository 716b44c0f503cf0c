// What one connection may have handled in one turn, to the message: over memory, where a turn is what the test says. What others notice of
// it is in FairnessTests.

using RawWs.Frame;
using RawWs.Server.Sending;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class TurnShareTests
{
    [Test]
    public async Task TinyMessages_AreCounted_AndTheRestGoesOnWhereItWas()
    {
        const int Burst = 25_000; // in 250 KB
        int taken = 0;
        await using MemoryConnection peer = new(new ProtocolOverTcpTests.Handler((_, _, message) =>
        {
            Assert.That(BitConverter.ToInt32(message.Span), Is.EqualTo(taken), "in order");
            taken++;
            return ValueTask.CompletedTask;
        }));
        peer.Arrive([.. Enumerable.Range(0, Burst).SelectMany(static i => RawClient.Frame(Opcode.Binary, BitConverter.GetBytes(i)))]);
        List<int> turns = [taken];
        while (taken < Burst)
        {
            peer.Turn();
            turns.Add(taken);
            Assert.That(turns, Has.Count.LessThan(10));
        }

        Assert.That(turns, Is.EqualTo((int[])[TurnShare.WorkMax, 2 * TurnShare.WorkMax, Burst]));
    }

    // A reset does not make what came before it a burden for others.
    [Test]
    public async Task WhatABrokenConnectionHasSentBefore_IsTakenInItsShares()
    {
        const int Burst = 25_000;
        int taken = 0;
        await using MemoryConnection peer = new(new ProtocolOverTcpTests.Handler((_, _, _) =>
        {
            taken++;
            return ValueTask.CompletedTask;
        }));
        peer.Arrive([.. Enumerable.Repeat(RawClient.Frame(Opcode.Binary, "four"u8), Burst).SelectMany(static frame => frame)]);
        Assert.That(taken, Is.EqualTo(TurnShare.WorkMax));
        peer.Break();
        Assert.That(taken, Is.LessThanOrEqualTo(2 * TurnShare.WorkMax));
        for (int i = 0; i < 3; i++) peer.Turn();
        Assert.That(taken, Is.EqualTo(Burst));
    }

    [Test]
    public async Task PingsAndFragments_AreCountedLikeMessages([Values] bool pings)
    {
        byte[] frame = pings ? RawClient.Frame(Opcode.Ping, []) : RawClient.Frame(Opcode.Continuation, [], fin: false);
        int taken = 0;
        await using MemoryConnection peer = new(
            new ProtocolOverTcpTests.Handler((_, _, _) =>
            {
                taken++;
                return ValueTask.CompletedTask;
            }),
            static options => options with { FragmentsMax = 100_000 });
        byte[] begins = RawClient.Frame(Opcode.Binary, [], fin: pings), ends = RawClient.Frame(Opcode.Continuation, []);
        peer.Arrive(
            [.. begins, .. Enumerable.Repeat(frame, 2 * TurnShare.WorkMax).SelectMany(static bytes => bytes), .. pings ? begins : ends]);
        int[] wanted = pings ? [1, 1, 2] : [0, 0, 1];
        foreach (int count in wanted)
        {
            Assert.That(taken, Is.EqualTo(count));
            peer.Turn();
        }
    }
}

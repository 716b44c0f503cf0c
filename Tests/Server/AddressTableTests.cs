// The table of addresses against a plain count: what it holds has a bound, and goes.

using System.Net;
using Microsoft.Extensions.Time.Testing;
using RawWs.Handshake;
using RawWs.Server;
using RawWs.Server.Limits;
using RawWs.Server.Native;

namespace RawWs.Tests.Server;

public sealed class AddressTableTests
{
    private const HandshakeRule? Admitted = null; // no rule is broken

    [TestCase("192.0.2.1", "192.0.2.2", false)]
    [TestCase("192.0.2.1", "::ffff:192.0.2.1", true)]
    [TestCase("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [TestCase("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [TestCase("::1", "0.0.0.0", false)]
    public void AnAddress_OfIPv6_IsItsNetwork(string one, string other, bool same) =>
        Assert.That(Network(one) == Network(other), Is.EqualTo(same));

    [Test]
    public void ATable_CountsAsAPlainListDoes([Range(1, 10)] int seed)
    {
        Random random = new(seed);
        FakeTimeProvider time = new();
        using AddressTable table = Table(5, null, time: time);
        List<(NetworkAddress Address, bool Admitted)> here = [];
        for (int step = 0; step < 3000; step++)
        {
            NetworkAddress address = new((ulong)random.Next(6), IsV6: random.Next(2) == 0);
            if (random.Next(2) == 0)
            {
                int admitted = here.Count(one => one.Address == address && one.Admitted);
                int told = here.Count(one => one.Address == address) - admitted;
                HandshakeRule? refusal = table.Enter(address, out long wait, out bool hasPlace);
                Assert.That((refusal, wait), Is.EqualTo((admitted < 5 ? null : HandshakeRules.TooManyFromAddress, 0L)));
                Assert.That(hasPlace, Is.EqualTo(admitted < 5 || told < AddressTable.ToldMax));
                if (hasPlace) here.Add((address, refusal is null));
            }
            else if (here.Count > 0)
            {
                int i = random.Next(here.Count);
                table.Leave(here[i].Address, here[i].Admitted);
                here.RemoveAt(i);
            }

            Assert.That(table.Count, Is.EqualTo(here.DistinctBy(static one => one.Address).Count()));
        }
    }

    [Test]
    public void HowFastAnAddressComes_IsRemembered_UntilItsBucketIsFull()
    {
        FakeTimeProvider time = new();
        using AddressTable table = Table(null, new RateLimit(1, 2), time: time);
        NetworkAddress fast = Network("192.0.2.1"), other = Network("192.0.2.2");
        Assert.That((Come(table, fast), Come(table, fast)), Is.EqualTo((Admitted, Admitted)));
        Assert.That((Come(table, fast), Come(table, other)), Is.EqualTo((HandshakeRules.TooManyHandshakes, Admitted)));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That((Come(table, fast), Come(table, fast)), Is.EqualTo((Admitted, HandshakeRules.TooManyHandshakes)));
        Assert.That(table.Count, Is.EqualTo(2));
        time.Advance(TimeSpan.FromSeconds(10)); // the timer has been here
        Assert.That(table.Count, Is.Zero);
    }

    // Who is here stays, and is counted on. Another rate begins anew; one that stays does not.
    [Test]
    public void OtherLimits_HoldAtOnce()
    {
        using AddressTable table = Table(null, new RateLimit(1, 2));
        NetworkAddress stays = Network("192.0.2.1"), comes = Network("192.0.2.2");
        Assert.That((table.Enter(stays, out _, out _), table.Enter(stays, out _, out _)), Is.EqualTo((Admitted, Admitted)));
        Assert.That((Come(table, comes), Come(table, comes)), Is.EqualTo((Admitted, Admitted)));
        table.Change(2, new RateLimit(1, 2), waitMax: 0);
        Assert.That((Come(table, stays), Come(table, comes)),
            Is.EqualTo((HandshakeRules.TooManyFromAddress, HandshakeRules.TooManyHandshakes)));
        table.Change(3, new RateLimit(1, 1), waitMax: 0);
        Assert.That((Come(table, stays), Come(table, stays)), Is.EqualTo((Admitted, HandshakeRules.TooManyHandshakes)));
        Assert.That((Come(table, comes), Come(table, comes)), Is.EqualTo((Admitted, HandshakeRules.TooManyHandshakes)));
        table.Change(null, null, waitMax: 0);
        Assert.That((Come(table, stays), Come(table, comes), table.Count), Is.EqualTo((Admitted, Admitted, 1)));
        table.Leave(stays, wasAdmitted: true);
        table.Leave(stays, wasAdmitted: true);
        Assert.That(table.Count, Is.Zero);
    }

    [Test]
    public void WhoMayWait_Waits_InTurn()
    {
        using AddressTable table = Table(null, new RateLimit(2, 1), waitMax: 1200);
        List<(HandshakeRule?, long)> come = [];
        for (int i = 0; i < 5; i++) come.Add((table.Enter(Network("192.0.2.1"), out long wait, out _), wait));
        HandshakeRule tooMany = HandshakeRules.TooManyHandshakes;
        Assert.That(come, Is.EqualTo(
            ((HandshakeRule?, long)[])[(Admitted, 0), (Admitted, 500), (Admitted, 1000), (tooMany, 0), (tooMany, 0)]));
    }

    // A stranger has 2^64 networks of IPv6 in a row.
    [Test]
    public void AddressesThatComeAndGo_AreNotRememberedWithoutBound()
    {
        using AddressTable table = Table(3, new RateLimit(1, 100));
        Assert.That(table.Enter(Network("192.0.2.1"), out _, out _), Is.EqualTo(Admitted));
        int most = 0;
        for (ulong i = 0; i < 200_000; i++)
        {
            table.Enter(new NetworkAddress(i, IsV6: true), out _, out _);
            table.Leave(new NetworkAddress(i, IsV6: true), wasAdmitted: true);
            most = Math.Max(most, table.Count);
        }

        Assert.That(most, Is.InRange(AddressTable.IdleMax, AddressTable.IdleMax + 2));
        table.Leave(Network("192.0.2.1"), wasAdmitted: true); // who is connected is never forgotten
    }

    private static AddressTable Table(int? connectionsMax, RateLimit? handshakes, long waitMax = 0, FakeTimeProvider? time = null)
    {
        AddressTable table = new(time ?? new FakeTimeProvider());
        table.Change(connectionsMax, handshakes, waitMax);
        return table;
    }

    // Comes and goes.
    private static HandshakeRule? Come(AddressTable table, NetworkAddress address)
    {
        HandshakeRule? refusal = table.Enter(address, out _, out bool hasPlace);
        if (hasPlace) table.Leave(address, refusal is null);
        return refusal;
    }

    private static NetworkAddress Network(string address) => new PeerAddress(new IPEndPoint(IPAddress.Parse(address), 1)).Network;
}

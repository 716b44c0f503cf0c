// A connection is a face and parts. Each part owns its fields; one gives bytes to the transport; one place changes the phase.

using System.Reflection;
using System.Text.RegularExpressions;
using RawWs.Server;
using RawWs.Server.Connections;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class ConnectionPartsTests
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static IEnumerable<Type> Parts => typeof(WebSocketConnection).GetFields(Fields).Select(static one => one.FieldType)
        .Where(static type => type.Namespace == typeof(Life).Namespace && type.IsValueType).Append(typeof(BroadcastPosition));

    [Test]
    public void TheParts_AreThese() => Assert.That(Parts, Is.EquivalentTo((Type[])
    [
        typeof(Life), typeof(Incoming), typeof(Handling), typeof(OutgoingQueue), typeof(BroadcastPosition), typeof(Outgoing),
        typeof(Deadlines), typeof(Counts),
    ]));

    [TestCaseSource(nameof(Parts))]
    public void APart_OwnsItsFields(Type part)
    {
        Assert.That(part.GetFields(Fields).Where(static one => !one.IsPrivate), Is.Empty);
        Assert.That(part.GetProperties().Where(static one => one.SetMethod is { IsPrivate: false }), Is.Empty);
    }

    [TestCase(@"\.TryWrite\(|\.TryAddToBatch\(|\.SendBatched\(|\.ShutdownWrite\(|Transport\.Close\(", "Outgoing.cs")]
    [TestCase(@"_phase = ", "Life.cs")]
    [TestCase(@"PhaseTable\.After\(", "Life.cs")]
    [TestCase(@"\.OnMessage\(", "Handling.cs")]
    public void OnePart_DoesIt(string what, string part)
    {
        foreach (string path in Directory.EnumerateFiles(Repository.At("Server", "Connections"), "*.cs"))
            Assert.That(Regex.IsMatch(File.ReadAllText(path), what), Is.EqualTo(Path.GetFileName(path) == part), path);
    }

    [Test]
    public void ThePhase_ChangesInOnePlace() =>
        Assert.That(Regex.Count(Repository.Read("Server", "Connections", "Life.cs"), @"_phase = "), Is.EqualTo(1));

    [Test]
    public void NoConnectionIsPartial()
    {
        foreach (string path in Directory.EnumerateFiles(Repository.At("Server", "Connections"), "*.cs"))
            Assert.That(File.ReadAllText(path), Does.Not.Contain("partial class WebSocketConnection"), path);
    }
}

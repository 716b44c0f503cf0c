// Arrows between the rooms of the server go one way. ARCHITECTURE.md has the rooms, what each may know, and the few arrows that go up.
// What a room does know is read from the built assemblies: fields, parameters, calls, casts, bases. What the compiler puts in place
// (a constant) is not seen there.

using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Dependencies;
using ArchUnitNET.NUnit;
using RawWs.Tests.Support;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace RawWs.Tests;

public sealed partial class ArrowsTests
{
    private static IEnumerable<Room> All => Rooms.All;

    private static IEnumerable<UpwardArrow> Upward => Rooms.Upward;

    [TestCaseSource(nameof(All))]
    public void ARoom_KnowsWhatItsRowSays_AndNoMore(Room room)
    {
        Check(type => Rooms.Of(type) == room && !IsExcepted(type), type => !Rooms.MayKnow(room, type), room.Name);
        foreach (IGrouping<string, UpwardArrow> excepted in Upward.GroupBy(static arrow => arrow.From))
            Check(type => Rooms.Of(type) == room && Rooms.OuterName(type) == excepted.Key,
                type => !Rooms.MayKnow(room, type) && excepted.All(arrow => arrow.To != Rooms.OuterName(type)),
                $"{room.Name}, as {excepted.Key}");

        static bool IsExcepted(IType type) => Upward.Any(arrow => arrow.From == Rooms.OuterName(type));

        // A failure has a line for each type: who does depend on whom. Predicates of the same description are taken for the same.
        static void Check(Func<IType, bool> isOwn, Func<IType, bool> isForbidden, string name) => Types()
            .That().FollowCustomPredicate(isOwn, $"lie in {name}")
            .Should().NotDependOnAny(Types().That().FollowCustomPredicate(isForbidden, $"{name} may not know"))
            .Because("ARCHITECTURE.md says so (The rooms of the server)")
            .WithoutRequiringPositiveResults().Check(Rooms.Built);
    }

    // So nobody who follows the arrows comes back to where he began.
    [TestCaseSource(nameof(All))]
    public void ARow_NamesOnlyRowsAboveIt(Room room) => Assert.That(
        room.Known.Where(static known => known != Rooms.Public),
        Is.SubsetOf(All.TakeWhile(other => other != room).Select(static other => other.Name)));

    // A row that says more than there is would let an arrow come back unseen.
    [TestCaseSource(nameof(All))]
    public void ARow_SaysNoMoreThanThereIs(Room room)
    {
        IEnumerable<string> known = Rooms.Built.Types.Where(type => Rooms.Of(type) == room)
            .SelectMany(static type => type.Dependencies).Select(static arrow => Rooms.Of(arrow.Target)?.Name ?? "");
        Assert.That(room.Known.Where(static name => name != Rooms.Public), Is.SubsetOf(known.ToHashSet()));
    }

    [TestCaseSource(nameof(Upward))]
    public void AnArrowUp_IsThere_AndHasItsReason(UpwardArrow arrow)
    {
        Assert.That(arrow.Why, Is.Not.Empty);
        Assert.That(Rooms.Built.Types.Where(type => Rooms.OuterName(type) == arrow.From).SelectMany(static type => type.Dependencies),
            Has.Some.Matches<ITypeDependency>(found => Rooms.OuterName(found!.Target) == arrow.To));
    }

    [Test]
    public void EveryFolder_IsARoom() => Assert.That(
        Sources().Select(static file => Folder(file).Split('.')[0]).Where(static folder => folder.Length > 0).Distinct(),
        Is.EquivalentTo(All.Where(static room => room.IsFolder).Select(static room => room.Name)));

    // Only a public type may be in the namespace of the face from inside of a room: what an application names has one namespace.
    [Test]
    public void ANamespace_IsItsFolder()
    {
        foreach (string file in Sources())
        {
            string text = Repository.Read("Server", file), folder = Folder(file);
            string expected = folder.Length == 0 ? "RawWs.Server" : $"RawWs.Server.{folder}";
            if (folder.Length > 0 && Rooms.Placed(TypeName().Match(text).Groups[1].Value)?.Name == folder) expected = "RawWs.Server";
            Assert.That(text, Does.Contain($"\nnamespace {expected};\n"), file);
        }
    }

    [Test]
    public void TheTypesOfTheFace_ThatARoomHas_ArePublic() => Assert.That(
        All.Where(static room => room.IsFolder).SelectMany(static room => room.Types).Where(static name => !Rooms.Built.Types.Any(
            type => type.FullName == $"RawWs.Server.{name}" && type.Visibility == Visibility.Public)),
        Is.Empty);

    private static string Folder(string file) => (Path.GetDirectoryName(file) ?? "").Replace(Path.DirectorySeparatorChar, '.');

    private static IEnumerable<string> Sources() => Directory.EnumerateFiles(Repository.At("Server"), "*.cs", SearchOption.AllDirectories)
        .Select(static path => Path.GetRelativePath(Repository.At("Server"), path))
        .Where(static path => !path.Split(Path.DirectorySeparatorChar).Any(static part => part is "bin" or "obj"));

    [GeneratedRegex(@"^public (?:[a-z]+ )*(?:class|struct|interface|enum|record) (\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeName();
}

// The rooms of the server and what each may know: the two tables in ARCHITECTURE.md, read from there, so that it is written down once.

using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using RawWs.Server;

namespace RawWs.Tests.Support;

/// <summary>A row: a folder of Server/, or a part of its public face.</summary>
/// <param name="Name">A folder's name; for a part of the face "the words" or the like.</param>
/// <param name="Types">The types of it that are in the namespace of the face, because they are public.</param>
/// <param name="Known">The rooms that it may know.</param>
public sealed record Room(string Name, IReadOnlyList<string> Types, IReadOnlyList<string> Known)
{
    /// <summary>Whether it is a folder, whose name is a namespace too.</summary>
    public bool IsFolder => char.IsUpper(Name[0]);

    public override string ToString() => Name;
}

/// <summary>An arrow that the table of rooms does not have: a type may know one type of a room above it.</summary>
public sealed record UpwardArrow(string From, string To, string Why);

internal static class Rooms
{
    /// <summary>What stands in a row for every public type of every room.</summary>
    public const string Public = "what is public";

    private const string Face = "RawWs.Server";
    private const string Words = "the words";

    /// <summary>The rows, from the lowest to the highest.</summary>
    public static IReadOnlyList<Room> All { get; } = [.. Rows("| room |").Select(static cells => new Room(
        cells[0].Trim('`', '/'), Names(cells[2]), cells[3] == "nothing" ? [] : Names(cells[3])))];

    /// <summary>The arrows that go up.</summary>
    public static IReadOnlyList<UpwardArrow> Upward { get; } =
        [.. Rows("| goes up from |").Select(static cells => new UpwardArrow(cells[0].Trim('`'), cells[1].Trim('`'), cells[2]))];

    /// <summary>The houses, as they were built.</summary>
    public static Architecture Built { get; } = new ArchLoader().LoadAssemblies(
        typeof(RawWs.Frame.Opcode).Assembly, typeof(RawWs.Handshake.UpgradeRequest).Assembly, typeof(WebSocketServer).Assembly,
        typeof(RawWs.Server.Hosting.RawWsHosting).Assembly, typeof(RawWs.Server.Nats.NatsBackplane).Assembly,
        typeof(RawWs.Server.Console.Program).Assembly).Build();

    /// <summary>The room of a type; null for what is not the server's, and for the parameter of a method.</summary>
    public static Room? Of(IType type)
    {
        if (type is not { Namespace.FullName: { } space } || !type.FullName.StartsWith(space + ".", StringComparison.Ordinal)) return null;
        if (space == Face) return Placed(OuterName(type)) ?? Named(Words);
        return space.StartsWith(Face + ".", StringComparison.Ordinal) ? Named(space.Split('.')[2]) : null;
    }

    /// <summary>Whether what lies in a room may know a type.</summary>
    public static bool MayKnow(Room room, IType type) => Of(type) is not { } other || other == room || room.Known.Contains(other.Name)
        || (room.Known.Contains(Public) && type.Visibility == Visibility.Public);

    /// <summary>The room that has a type of the face, by its name; null for none.</summary>
    public static Room? Placed(string type) => All.SingleOrDefault(room => room.Types.Contains(type));

    /// <summary>A type's name, without those of the types inside of it and without the number of its parameters.</summary>
    public static string OuterName(IType type) => type.FullName.Split('+', '/', '`', '<')[0].Split('.')[^1];

    private static Room Named(string name) => All.SingleOrDefault(room => room.Name == name)
        ?? throw new InvalidOperationException($"ARCHITECTURE.md has no row for {name} in its table of rooms.");

    private static string[] Names(string cell) =>
        [.. cell.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(static name => name.Trim('`', '/'))];

    // The rows below the heading that begins so, without the line under it.
    private static IEnumerable<string[]> Rows(string heading) => Repository.Read("ARCHITECTURE.md").Split('\n')
        .SkipWhile(line => !line.StartsWith(heading, StringComparison.Ordinal)).Skip(2)
        .TakeWhile(static line => line.StartsWith('|')).Select(static line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries));
}

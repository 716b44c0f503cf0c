// What nodes say to each other, byte by byte. Numbers are little-endian.
//
//   message    = version (1 byte: 1) kind (1 byte) incarnation (8) length of the node's id (1) id
//                and then by kind:
//   Hello      nothing: a node has begun. Whoever hears it says Alive.
//   Alive      number of its last event (8), standing, 1 if it claims uids and else 0 (1)
//   Bye        nothing
//   Taken      incarnation (8), standing: the sender has the same id and goes on, and that one ends
//   standing   1 if the sender has joined and else 0 (1), when it began in milliseconds since 1970 (8)
//   Events     number of the first event (8), and each event: 1 for a uid that came or 0 for one that went (1), hash (8)
//   Wanted     incarnation (8) of whom it asks, number of the first event that is missing (8)
//   Snapshot   number of the last event in it (8), number of the snapshot (4), part (4), whether it is the last (1), hashes (8 each)
//   Direct     incarnation (8) of whom it is for, number of the sender's link to it (4), then a piece
//   Everybody  a piece
//   piece      its number (8), number of the first message that begins in it (8), length of what belongs to one that began before (4),
//              bytes
//   bytes      of messages, each: length of the rest (4), 1 for text or 2 for binary (1), length of the uid (2), uid, payload.
//              A message that is longer than what is left of a piece goes on in the next one.
//   Answers    incarnation (8) of whom it is for, number of the link that Direct came over (4), and for Direct and then for Everybody:
//              number of the first message that it is about (8), number behind the last (8), count of exceptions (4), and each: first (8),
//              number behind the last (8), result (1)
//   Probe      uid: another connection wants it, and asks whether the one that has it lives
//
// Nothing that comes in is trusted: what is cut, too long or unknown is dropped and counted.
//
// Whoever changes what a kind has, or adds one, raises the version. Up to the node's id every version is the same: so a node that meets
// another version can say whose it is.

namespace RawWs.Server.Nats;

internal enum WireKind : byte
{
    Hello = 1,
    Alive,
    Bye,
    Taken,
    Events,
    Wanted,
    Snapshot,
    Direct,
    Everybody,
    Answers,
    Probe,
}

/// <summary>Who says what: the beginning of every message.</summary>
/// <param name="version">In which version it says it.</param>
/// <param name="kind">What it is.</param>
/// <param name="incarnation">Which life of its sender it is of.</param>
/// <param name="id">Its sender's id, in ASCII.</param>
internal readonly ref struct WireHead(byte version, WireKind kind, ulong incarnation, ReadOnlySpan<byte> id)
{
    /// <summary>What this node speaks.</summary>
    public const byte OwnVersion = 1;

    public const int IdBytesMax = 64;

    public byte Version { get; } = version;

    public WireKind Kind { get; } = kind;

    public ulong Incarnation { get; } = incarnation;

    public ReadOnlySpan<byte> Id { get; } = id;
}

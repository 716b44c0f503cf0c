// A server that can be started: its command, and how it is spoken to.

namespace RawWs.Benchmarks.Load;

/// <summary>A server that the matrix starts and ends. It listens on 127.0.0.1.</summary>
/// <param name="Name">What it is called in tables.</param>
/// <param name="Command">A shell's command for one program, with {port} where the port goes. It echoes at /, and at /all sends to everybody there.</param>
/// <param name="RouterCommand">
/// For a server of the uid protocol: the command that makes it a router. Pairs and fan-out are then measured by uid:message and all:message.
/// </param>
public sealed record LoadServer(string Name, string Command, string? RouterCommand = null);

// What counts as one address where connections are counted.

namespace RawWs.Server.Native;

/// <param name="Bits">An IPv4 address, or the first half of an IPv6 one.</param>
/// <param name="IsV6">Which of the two.</param>
internal readonly record struct NetworkAddress(ulong Bits, bool IsV6);

// A page of a list of uids, in the order of their characters.

namespace RawWs.Server.Console.Admin;

internal static class UidList
{
    /// <summary>The next ones behind a uid.</summary>
    /// <param name="all">All of them, in the order of their characters.</param>
    /// <param name="uidOf">The uid of one.</param>
    /// <param name="after">The last one of the page before; null for the first page.</param>
    /// <param name="limit">How many there may be in a page.</param>
    /// <returns>The page, and what to give as after for the one that follows; null when this was the last.</returns>
    public static (T[] Page, string? Next) Cut<T>(T[] all, Func<T, string> uidOf, string? after, int limit)
    {
        T[] left = after is null ? all : [.. all.SkipWhile(one => string.CompareOrdinal(uidOf(one), after) <= 0)];
        T[] page = left[..Math.Min(limit, left.Length)];
        return (page, left.Length > limit ? uidOf(page[^1]) : null);
    }
}

// Used objects of one loop, kept for its next taker. Only the loop's thread comes here, so there is nothing to lock.

namespace RawWs.Server.Loops;

internal sealed class OwnedSpares<T>(int countMax)
    where T : class
{
    private readonly Stack<T> _items = new();

    /// <summary>A spare one, or null.</summary>
    public T? TryTake() => _items.TryPop(out T? item) ? item : null;

    /// <summary>Leaves them all to the collector.</summary>
    public void Clear()
    {
        _items.Clear();
        _items.TrimExcess();
    }

    /// <summary>Keeps one; past the maximum it is left to the collector.</summary>
    public void Give(T item)
    {
        if (_items.Count < countMax) _items.Push(item);
    }
}

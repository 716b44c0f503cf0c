// Used objects, kept for the next taker, from any thread. What a loop rents is often given back by another (an outbox is filled
// by the sender's loop and emptied by the receiver's), so the spares are common; the lock is held for a few instructions.

namespace RawWs.Server.Memory;

internal sealed class Spares<T>(int countMax)
    where T : class
{
    private readonly Lock _lock = new();
    private T[] _items = [];
    private int _count;

    /// <summary>A spare one, or null.</summary>
    public T? TryTake()
    {
        lock (_lock)
        {
            if (_count == 0) return null;
            T item = _items[--_count];
            _items[_count] = null!;
            return item;
        }
    }

    /// <summary>Keeps one. False past the maximum: then it is not kept, and is left to the caller or the collector.</summary>
    public bool Give(T item)
    {
        lock (_lock)
        {
            if (_count == countMax) return false;
            if (_count == _items.Length) Array.Resize(ref _items, Math.Min(Math.Max(16, _count * 2), countMax));
            _items[_count++] = item;
            return true;
        }
    }
}

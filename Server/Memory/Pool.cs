// A pool of objects for any thread. What one loop rents is often returned by another (a send queue is filled by the sender's loop and
// emptied by the receiver's), so the pool is common to all. The lock is held for a few instructions.

namespace RawWs.Server.Memory;

internal sealed class Pool<T>(int countMax)
    where T : class
{
    private readonly Lock _lock = new();
    private T[] _items = [];
    private int _count;

    /// <summary>Rents an object; null when the pool is empty.</summary>
    public T? TryRent()
    {
        lock (_lock)
        {
            if (_count == 0) return null;
            T item = _items[--_count];
            _items[_count] = null!;
            return item;
        }
    }

    /// <summary>Returns an object. False when the pool is full: then it is left to the caller, or to the garbage collector.</summary>
    public bool Return(T item)
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

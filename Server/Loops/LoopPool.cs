// A pool of one loop's objects. Only the loop's thread uses it, so there is nothing to lock.

namespace RawWs.Server.Loops;

internal sealed class LoopPool<T>(int countMax)
    where T : class
{
    private readonly Stack<T> _items = new();

    /// <summary>Rents an object; null when the pool is empty.</summary>
    public T? TryRent() => _items.TryPop(out T? item) ? item : null;

    /// <summary>Empties the pool; the garbage collector takes the objects.</summary>
    public void Clear()
    {
        _items.Clear();
        _items.TrimExcess();
    }

    /// <summary>Returns an object. When the pool is full the garbage collector takes it.</summary>
    public void Return(T item)
    {
        if (_items.Count < countMax) _items.Push(item);
    }
}

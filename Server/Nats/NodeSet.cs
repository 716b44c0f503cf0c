// The nodes that have a uid: mostly one, so that no array is needed for it.

namespace RawWs.Server.Nats;

/// <summary>Some nodes, by their numbers. Nobody changes the array.</summary>
internal readonly struct NodeSet
{
    private readonly int _onePlus1; // 0: the array, or nobody
    private readonly int[]? _many;

    private NodeSet(int onePlus1, int[]? many) => (_onePlus1, _many) = (onePlus1, many);

    public static NodeSet Nobody => default;

    public int Count => _onePlus1 > 0 ? 1 : _many?.Length ?? 0;

    public int this[int index] => _onePlus1 > 0 ? _onePlus1 - 1 : _many![index];

    public static NodeSet Of(int node) => new(node + 1, null);

    public static NodeSet Of(int[] nodes) => new(0, nodes);

    public bool Contains(int node)
    {
        for (int i = 0; i < Count; i++)
            if (this[i] == node) return true;
        return false;
    }
}

// The header fields that the rules ask for. One pass over the head finds for each the index of its first occurrence, and how many there
// are. Without it every question would be a search through up to a hundred names.

using System.Runtime.CompilerServices;
using System.Text;

namespace RawWs.Handshake;

internal enum KnownField : byte
{
    Host,
    Origin,
    Upgrade,
    Connection,
    ContentLength,
    TransferEncoding,
    Key,
    Version,
    Subprotocols,
    Extensions,
}

internal struct KnownFields
{
    private const int Count = (int)KnownField.Extensions + 1;

    private Entries _entries;

    /// <summary>How many fields of this name there are.</summary>
    public readonly int CountOf(KnownField field) => _entries[(int)field].Count;

    /// <summary>The index of the first field of this name. It has no meaning when there is none.</summary>
    public readonly int FirstOf(KnownField field) => _entries[(int)field].First;

    /// <summary>Adds the next field of the head.</summary>
    public void Add(ReadOnlySpan<byte> name, int index)
    {
        KnownField field;
        // Each length has one candidate; 17 has two, which differ in their first letter.
        switch (name.Length)
        {
            case 4: field = KnownField.Host; break;
            case 6: field = KnownField.Origin; break;
            case 7: field = KnownField.Upgrade; break;
            case 10: field = KnownField.Connection; break;
            case 14: field = KnownField.ContentLength; break;
            case 17: field = (name[0] | 0x20) == 't' ? KnownField.TransferEncoding : KnownField.Key; break;
            case 21: field = KnownField.Version; break;
            case 22: field = KnownField.Subprotocols; break;
            case 24: field = KnownField.Extensions; break;
            default: return;
        }

        if (!Ascii.EqualsIgnoreCase(name, NameOf(field))) return;
        ref Entry entry = ref _entries[(int)field];
        if (entry.Count++ == 0) entry.First = index;
    }

    public static ReadOnlySpan<byte> NameOf(KnownField field) => field switch
    {
        KnownField.Host => "Host"u8,
        KnownField.Origin => "Origin"u8,
        KnownField.Upgrade => "Upgrade"u8,
        KnownField.Connection => "Connection"u8,
        KnownField.ContentLength => "Content-Length"u8,
        KnownField.TransferEncoding => "Transfer-Encoding"u8,
        KnownField.Key => "Sec-WebSocket-Key"u8,
        KnownField.Version => "Sec-WebSocket-Version"u8,
        KnownField.Subprotocols => "Sec-WebSocket-Protocol"u8,
        _ => "Sec-WebSocket-Extensions"u8,
    };

    private struct Entry
    {
        public int First;
        public int Count;
    }

    [InlineArray(Count)]
    private struct Entries
    {
        private Entry _first;
    }
}

/// <summary>Enumerates the values of the fields of one name.</summary>
internal ref struct KnownFieldEnumerator(UpgradeRequest request, KnownField field, int first, int left)
{
    private int _index = first - 1;
    private int _left = left;

    public readonly ReadOnlySpan<byte> Current => request.ValueAt(_index);

    public readonly KnownFieldEnumerator GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_left == 0) return false;
        _left--;
        do
        {
            _index++;
        }
        while (!Ascii.EqualsIgnoreCase(request.NameAt(_index), KnownFields.NameOf(field)));
        return true;
    }
}

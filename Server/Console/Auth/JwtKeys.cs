// The keys that count now. They are read from their files all together, and only if every file can be used do they replace those before. So
// a key is never lost by a file that is half written.

namespace RawWs.Server.Console.Auth;

/// <summary>Any thread.</summary>
internal sealed class JwtKeys
{
    /// <summary>The most keys: a token without a key id is tried with all of its algorithm.</summary>
    public const int KeysMax = 32;

    private readonly IReadOnlyList<JwtKeyFile> _files;
    private volatile JwtKey[] _keys;

    /// <summary>Reads keys from files.</summary>
    /// <exception cref="JwtKeyException">A file cannot be used.</exception>
    public JwtKeys(IReadOnlyList<JwtKeyFile> files)
    {
        _files = files;
        _keys = Read();
    }

    /// <summary>The files.</summary>
    public IReadOnlyList<JwtKeyFile> Files => _files;

    /// <summary>Reads the files again.</summary>
    /// <exception cref="JwtKeyException">A file cannot be used: the keys before stay.</exception>
    public void Reload() => _keys = Read();

    /// <summary>How many keys count at this time.</summary>
    public int Count(DateTimeOffset now) => _keys.Count(key => Counts(key, now));

    /// <summary>The keys for a token: those of its algorithm, and of its key id if it and they have one.</summary>
    public IReadOnlyList<JwtKey> Find(string algorithm, string? id, DateTimeOffset now) =>
        [.. _keys.Where(key => key.Algorithm == algorithm && (id is null || key.Id is null || key.Id == id) && Counts(key, now))];

    private static bool Counts(JwtKey key, DateTimeOffset now) => key.Until is not { } end || now < end;

    private JwtKey[] Read()
    {
        JwtKey[] keys = [.. _files.SelectMany(JwtKey.Read)];
        return keys.Length <= KeysMax ? keys : throw new JwtKeyException(_files[^1], $"and the files before have more than {KeysMax} keys");
    }
}

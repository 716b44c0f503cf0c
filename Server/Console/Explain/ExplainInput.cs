// Where the bytes of `rawws explain` come from: the arguments, a file, or the standard input. What they are is seen from them: a capture
// file begins with its magic number; text that begins as a head of HTTP is one; other text is hexadecimal, or base64 where that is asked
// for; and anything else is the bytes themselves. Everything is read up to a bound.

using System.Globalization;
using System.Text;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Explain;

/// <summary>What was read: bytes of one direction, or the packets of a capture. One of the two.</summary>
internal sealed record ExplainInput(byte[]? Bytes, IReadOnlyList<CapturedPacket>? Packets)
{
    /// <summary>The most bytes of one direction.</summary>
    public const int BytesMax = 1 << 20;

    /// <summary>The largest file.</summary>
    public const int FileBytesMax = 64 << 20;

    /// <summary>Reads the text of the arguments. Returns what is wrong, or null.</summary>
    public static string? OfText(string text, bool isBase64, out ExplainInput? input)
    {
        input = null;
        string? problem = isBase64 ? InputText.ReadBase64(text, out byte[] bytes) : InputText.ReadHex(text, out bytes);
        problem ??= CheckSize(bytes);
        if (problem is null) input = new ExplainInput(bytes, null);
        return problem;
    }

    /// <summary>Reads a file. Returns what is wrong, or null.</summary>
    public static string? OfFile(string path, bool isBase64, out ExplainInput? input)
    {
        input = null;
        try
        {
            using FileStream file = File.OpenRead(path);
            return OfStream(file, isBase64, out input);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return "it cannot be read: " + LogText.Escape(exception.Message);
        }
    }

    /// <summary>Reads a stream to its end. Returns what is wrong, or null.</summary>
    public static string? OfStream(Stream stream, bool isBase64, out ExplainInput? input)
    {
        input = null;
        using MemoryStream copy = new();
        byte[] piece = new byte[64 * 1024];
        int read;
        while ((read = stream.Read(piece)) > 0)
        {
            if (copy.Length + read > FileBytesMax) return $"it has more than {FileBytesMax >> 20} MiB";
            copy.Write(piece, 0, read);
        }

        byte[] bytes = copy.ToArray();
        if (!isBase64 && CaptureFile.IsOne(bytes))
        {
            string? wrong = CaptureFile.Read(bytes, out IReadOnlyList<CapturedPacket> packets);
            if (wrong is null) input = new ExplainInput(null, packets);
            return wrong is null ? null : wrong + "; accepted are capture files of the forms pcap and pcapng";
        }

        bool isHead = ConversationExplainer.IsRequest(bytes) || ConversationExplainer.IsResponse(bytes);
        bool isText = !isHead && !bytes.AsSpan().ContainsAnyExcept(TextBytes);
        if (isBase64 || isText) return OfText(Encoding.ASCII.GetString(bytes), isBase64, out input);
        if (CheckSize(bytes) is { } problem) return problem;
        input = new ExplainInput(bytes, null);
        return null;
    }

    private static readonly System.Buffers.SearchValues<byte> TextBytes =
        System.Buffers.SearchValues.Create(
            [(byte)'\t', (byte)'\n', (byte)'\r', .. Enumerable.Range(' ', '~' - ' ' + 1).Select(static c => (byte)c)]);

    private static string? CheckSize(byte[] bytes) => bytes.Length switch
    {
        0 => "there are no bytes in it",
        > BytesMax => string.Create(
            CultureInfo.InvariantCulture, $"there are {bytes.Length} bytes in it; at most {BytesMax} are explained"),
        _ => null,
    };
}

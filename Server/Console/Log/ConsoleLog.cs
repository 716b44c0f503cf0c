// Log lines to standard output, one per event, which never make the logging thread wait. A reader of our output may stop reading. Then the
// pipe fills, and a write blocks for as long as the reader likes. So lines are queued, and a thread of this log writes them. The queue is
// bounded: a line that finds it full is dropped and counted, and the count becomes a line itself as soon as one can be written. At the end
// the queued lines get half a second, and not more. After a write the thread rests for some milliseconds, so that a thousand ending
// connections wake it a few times and not a thousand times.
// (The console logger of Microsoft.Extensions.Logging writes on its caller's thread once it is disposed, and waits for room in its default
// mode. Neither may happen to an event loop.)

using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Logging;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Log;

/// <summary>An <see cref="ILoggerProvider"/> that drops rather than blocks.</summary>
internal sealed class ConsoleLog : ILoggerProvider
{
    private const int LinesQueuedMax = 4096;

    private const int LinesPerWriteMax = 128;

    private static readonly TimeSpan LastWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(5);

    private readonly object _monitor = new(); // used with Monitor.Wait and Pulse, so it cannot be a Lock
    private readonly Queue<byte[]> _lines = [];
    private readonly Stream _output;
    private readonly TimeProvider _time;
    private readonly bool _isJson;
    private readonly Thread _writer;
    private volatile Second _second = new(0);
    private long _dropped;
    private bool _waits;
    private bool _ended;

    /// <summary>Begins to write.</summary>
    /// <param name="output">Where to; writing may block. Not disposed here.</param>
    /// <param name="time">For the time on each line.</param>
    /// <param name="isJson">Whether lines are objects in JSON (<see cref="JsonLine"/>), and not text.</param>
    public ConsoleLog(Stream output, TimeProvider time, bool isJson = false)
    {
        (_output, _time, _isJson) = (output, time, isJson);
        // A background thread: one that is stuck in a write does not keep the process.
        _writer = new Thread(Write) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    /// <summary>How many lines have been dropped since the beginning.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Lines(this, categoryName);

    /// <summary>Takes no more lines, and waits half a second at most for those that are queued.</summary>
    public void Dispose()
    {
        lock (_monitor)
        {
            _ended = true;
            Monitor.Pulse(_monitor);
        }

        _writer.Join(LastWait);
    }

    private void Write()
    {
        ArrayBuffer batch = new();
        List<byte[]> lines = new(LinesPerWriteMax);
        long reported = 0;
        try
        {
            bool more;
            do
            {
                more = Dequeue(lines);
                foreach (byte[] line in lines) batch.Add(line);
                long dropped = Dropped;
                if (dropped != reported)
                {
                    string text = $"{dropped - reported} log lines were dropped: nobody reads them fast enough";
                    batch.Add(Make(LogLevel.Warning, LogCategories.Server, default, text, text, null));
                    reported = dropped;
                }

                _output.Write(batch.Bytes);
                _output.Flush();
                batch.Clear();
            }
            while (more);
        }
        catch (Exception)
        {
            // There is no output any more (or no memory, or no clock), and nobody to tell. From here on lines fill the queue, and are
            // counted as dropped.
        }
    }

    // Waits for lines, and dequeues some. False when no further line will come.
    private bool Dequeue(List<byte[]> lines)
    {
        lines.Clear();
        lock (_monitor)
        {
            if (_lines.Count == 0 && !_ended) Monitor.Wait(_monitor, Rest);
            while (_lines.Count == 0 && !_ended)
            {
                _waits = true;
                Monitor.Wait(_monitor);
                _waits = false;
            }

            while (lines.Count < LinesPerWriteMax && _lines.TryDequeue(out byte[]? line)) lines.Add(line);
            return _lines.Count > 0 || !_ended;
        }
    }

    private void Add(byte[] line)
    {
        lock (_monitor)
        {
            if (_ended || _lines.Count == LinesQueuedMax)
            {
                _dropped++;
                return;
            }

            _lines.Enqueue(line);
            if (_waits) Monitor.Pulse(_monitor);
        }
    }

    private byte[] Make<TState>(LogLevel level, string category, EventId id, TState state, string message, Exception? exception) => _isJson
        ? JsonLine.Make(_time.GetUtcNow(), level, category, id, state, message, exception)
        : Line(level, message, exception);

    [SkipLocalsInit]
    private byte[] Line(LogLevel level, string message, Exception? exception)
    {
        LineWriter line = new(stackalloc char[1024]);
        WriteTime(ref line);
        line.Write(' ');
        line.Write(Name(level));
        line.Write(' ');
        line.Write(message);
        if (exception is not null)
        {
            line.Write(" | ");
            line.Write(exception.ToString());
        }

        line.Write('\n');
        byte[] bytes = new byte[line.Written.Length];
        return TryNarrow(line.Written, bytes) ? bytes : OneLine(line.Written[..^1]);
    }

    // Any thread may run this. A second's text never changes once another thread sees it, and it does not matter whose text is kept.
    private void WriteTime(ref LineWriter line)
    {
        long milliseconds = _time.GetUtcNow().Ticks / TimeSpan.TicksPerMillisecond;
        Second second = _second;
        if (second.Number != milliseconds / 1000) _second = second = new Second(milliseconds / 1000);
        line.Write(second.Text);
        line.Write('.');
        line.WriteDigits((ulong)(milliseconds % 1000), 3);
        line.Write('Z');
    }

    // Most lines are printable ASCII and a line end, which is UTF-8 already.
    private static bool TryNarrow(ReadOnlySpan<char> line, Span<byte> bytes)
    {
        for (int i = 0; i < line.Length - 1; i++)
        {
            if (line[i] is < ' ' or > '~') return false;
            bytes[i] = (byte)line[i];
        }

        bytes[^1] = (byte)'\n';
        return true;
    }

    // Text from clients has been escaped before. This keeps an exception's text, with its stack, on one line. Its message may quote a
    // client, so characters that could move a terminal's cursor or turn text around are left out.
    private static byte[] OneLine(ReadOnlySpan<char> text)
    {
        StringBuilder line = new(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value == '\n') line.Append(" | ");
            else if (LogText.IsHarmless(rune)) line.Append(rune.ToString());
        }

        return Encoding.UTF8.GetBytes(line.Append('\n').ToString());
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    private sealed class Lines(ConsoleLog owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            owner.Add(owner.Make(logLevel, category, eventId, state, formatter(state, exception), exception));
        }
    }

    /// <summary>The text of all the lines of one second: date and time, without a fraction.</summary>
    /// <param name="number">Seconds since the first of January of the year 1.</param>
    private sealed class Second(long number)
    {
        public long Number { get; } = number;

        public string Text { get; } = new DateTime(number * TimeSpan.TicksPerSecond).ToString("s", CultureInfo.InvariantCulture);
    }

    /// <summary>Lines put together, so that many are one write.</summary>
    private sealed class ArrayBuffer
    {
        private byte[] _bytes = new byte[32 * 1024];

        public int Count { get; private set; }

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Count);

        public void Add(ReadOnlySpan<byte> line)
        {
            if (_bytes.Length - Count < line.Length) Array.Resize(ref _bytes, Math.Max(Count + line.Length, _bytes.Length * 2));
            line.CopyTo(_bytes.AsSpan(Count));
            Count += line.Length;
        }

        public void Clear() => Count = 0;
    }
}

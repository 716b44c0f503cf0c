// The log of frames against the bytes that have left: whatever the kernel takes and when, whatever is dropped or replaced on the way, each
// frame of which it has taken the last byte has its line, once and in order, and no other frame has one. Over memory, so that every cut is
// met.

using Microsoft.Extensions.Logging;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture]
public sealed class SentFramesTests
{
    // Pongs, a small and a large echo (from where it lies), and what the application adds: sent in one go, of which the kernel takes `room`
    // bytes.
    [Test]
    public async Task AtEveryCut_EachFrameHasItsLine()
    {
        for (int room = 0; room < 2300; room += room is > 20 and < 2000 ? 101 : 1)
        {
            RecordedLog log = new(LogLevel.Trace);
            await using MemoryConnection memory =
                new(new ProtocolOverTcpTests.Handler(Echo), options => options with { LoggerFactory = log });
            memory.Room = room;
            memory.Arrive([
                .. RawClient.Frame(Opcode.Ping, "one"u8), .. RawClient.Frame(Opcode.Text, "small"u8),
                .. RawClient.Frame(Opcode.Ping, "two"u8),
                .. RawClient.Frame(Opcode.Binary, new byte[2000]), .. RawClient.Frame(Opcode.Ping, "three"u8),
                    .. RawClient.Frame(Opcode.Text, "end"u8)]);
            Compare(memory, log, $"room {room}");
            for (int i = 0; i < 3; i++)
            {
                memory.Room = 700;
                memory.BecomeWritable();
                Compare(memory, log, $"room {room}, then 700 bytes at a time");
            }

            memory.Room = int.MaxValue;
            memory.BecomeWritable();
            Compare(memory, log, $"room {room}, all");
            Assert.That(log.Of("RawWs.Frames")
                .Count(static line => line.Contains("sent: fin 1, rsv 000, opcode Binary", StringComparison.Ordinal)), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task WhateverHappens_TheLinesAreWhatLeft([Range(1, 60)] int seed)
    {
        Random random = new(seed);
        RecordedLog log = new(LogLevel.Trace);
        await using MemoryConnection memory =
            new(new ProtocolOverTcpTests.Handler(Echo), options => options with { LoggerFactory = log, SendBufferBytesMax = 20_000 });
        for (int step = 0; step < 60; step++)
        {
            memory.Step(random, mayDrop: step > 50, memory.Arrive);

            Compare(memory, log, $"seed {seed}, step {step}");
        }

        memory.Room = int.MaxValue;
        memory.BecomeWritable();
        Compare(memory, log, $"seed {seed}, the end");
    }

    private static ValueTask Echo(WebSocketConnection connection, MessageKind kind, ReadOnlyMemory<byte> message)
    {
        connection.TrySend(kind, message.Span);
        return ValueTask.CompletedTask;
    }

    private static void Compare(MemoryConnection memory, RecordedLog log, string when)
    {
        List<string> left = [];
        ReadOnlySpan<byte> bytes = memory.Taken;
        while (FrameReader.TryRead(bytes, out FrameHeader header) == ReadStatus.Done && bytes.Length >= header.HeaderLength
            + (int)header.PayloadLength)
        {
            left.Add($"connection 1 sent: fin 1, rsv 000, opcode {header.Opcode}, masked 0, length {header.PayloadLength}");
            bytes = bytes[(header.HeaderLength + (int)header.PayloadLength)..];
        }

        Assert.That(log.Of("RawWs.Frames")
            .Where(static line => line.Contains(" sent: ", StringComparison.Ordinal)), Is.EqualTo(left), when);
    }
}

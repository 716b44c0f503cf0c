// The models. Each is a few tasks beside one or two loops, and ends with what must be true whatever the order in which they ran. Coyote
// runs a model some hundred times, and decides at every lock, wait, volatile and interlocked access, and at every await, which task goes
// on.

using System.Reflection;
using Microsoft.Coyote.Specifications;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Connections;
using RawWs.Server.Delivery;
using RawWs.Server.Memory;

namespace RawWs.Concurrency;

internal static class Models
{
    private static readonly byte[] Uid = [.. "100"u8];

    public static IReadOnlyList<(string Name, Func<Task> Run)> Every { get; } =
    [
        (nameof(EachPost_IsRunOnce), EachPost_IsRunOnce),
        (nameof(OfTwoThatWantAUid_OneHasIt), OfTwoThatWantAUid_OneHasIt),
        (nameof(OfTwoThatReplace_TheSecondIsToldOfTheFirst), OfTwoThatReplace_TheSecondIsToldOfTheFirst),
        (nameof(WhoSharesAUid_IsFound_UntilHeLeaves), WhoSharesAUid_IsFound_UntilHeLeaves),
        (nameof(WhatIsQueued_LeavesInOrder), WhatIsQueued_LeavesInOrder),
        (nameof(WhatIsSentToAll_LeavesInOrder), WhatIsSentToAll_LeavesInOrder),
        (nameof(HandlersThatSendToEachOther_KeepTheOrder), HandlersThatSendToEachOther_KeepTheOrder),
        (nameof(WhereAQueueIsFull_NothingIsLostInSilence), WhereAQueueIsFull_NothingIsLostInSilence),
        (nameof(WhereTheOldestAreDropped_NoneIsLostInTheCounts), WhereTheOldestAreDropped_NoneIsLostInTheCounts),
        (nameof(WhoWaitsForRoom_GoesOn), WhoWaitsForRoom_GoesOn),
        (nameof(ASharedMessage_IsReleasedOnce), ASharedMessage_IsReleasedOnce),
        (nameof(AnEndAmongSenders_LeavesNothing), AnEndAmongSenders_LeavesNothing),
        (nameof(WhoWaitsForTheEnd_IsTold), WhoWaitsForTheEnd_IsTold),
        .. ClusterModels.Every,
    ];

    // EventLoop.Post: one wake-up serves everything that is posted until the turn, and no post waits for a wake-up that does not come.
    public static async Task EachPost_IsRunOnce()
    {
        ModelLoop loop = new(0, new NoTime(), new MemoryBudget(1 << 20));
        int[] runs = new int[5];
        Task running = loop.RunAsync();
        await WhenAll(Task.Run(() => Post(0, 1)), Task.Run(() => Post(2, 3)));
        loop.End();
        await running;
        Specification.Assert(runs.All(static count => count == 1), $"the works were run {string.Join(", ", runs)} times");

        void Post(params int[] works)
        {
            foreach (int work in works) loop.Post(new Work(() => Run(work)));
        }

        void Run(int work)
        {
            Specification.Assert(loop.IsOwner, "work is run in a turn");
            if (runs[work]++ == 0 && work == 0) loop.Post(new Work(() => Run(4))); // a loop may post to itself, without a wake-up
        }
    }

    public static async Task OfTwoThatWantAUid_OneHasIt()
    {
        UidRegistry registry = new();
        WebSocketConnection[] wanting = Opened(2);
        bool[] has = new bool[2];
        await Task.WhenAll(Enumerable.Range(0, 2).Select(i =>
            Task.Run(() => has[i] = registry.TryAdd(Uid, wanting[i], DuplicateUid.Reject, out _))));
        Specification.Assert(has[0] != has[1], $"{has[0]} and {has[1]}");
        Specification.Assert(registry.Find(Uid).Single() == wanting[has[0] ? 0 : 1], "who has been told so has it");
    }

    public static async Task OfTwoThatReplace_TheSecondIsToldOfTheFirst()
    {
        UidRegistry registry = new();
        WebSocketConnection[] coming = Opened(2), replaced = new WebSocketConnection[2];
        await Task.WhenAll(Enumerable.Range(0, 2).Select(i => Task.Run(() =>
        {
            bool added = registry.TryAdd(Uid, coming[i], DuplicateUid.Replace, out WebSocketConnection[] others);
            Specification.Assert(added, "nobody is turned away");
            replaced[i] = others.SingleOrDefault()!;
        })));
        WebSocketConnection holder = registry.Find(Uid).Single();
        int second = Array.IndexOf(coming, holder);
        Specification.Assert(
            replaced[second] == coming[1 - second] && replaced[1 - second] is null, "the first is to be closed, and nobody else");
    }

    public static async Task WhoSharesAUid_IsFound_UntilHeLeaves()
    {
        UidRegistry registry = new();
        WebSocketConnection[] sharing = Opened(10); // more than eight: then they are a set
        foreach (WebSocketConnection early in sharing[..7]) registry.TryAdd(Uid, early, DuplicateUid.Share, out _);
        bool[] left = new bool[2];
        await WhenAll(
            Task.Run(() => Come(7, 8)),
            Task.Run(() => Come(9)),
            Task.Run(() => left[0] = registry.Remove(Uid, sharing[0])),
            Task.Run(() => left[1] = registry.Remove(Uid, sharing[1])),
            Task.Run(() =>
            {
                WebSocketConnection[] found = registry.Find(Uid);
                Specification.Assert(sharing[2..7].All(found.Contains), "who stays is found");
                Specification.Assert(found.Distinct().Count() == found.Length, "nobody is found twice");
            }));
        Specification.Assert(left[0] && left[1], "who was there has left");
        Specification.Assert(registry.Count == 1 && registry.Find(Uid).ToHashSet().SetEquals(sharing[2..]), "the others are there");
        foreach (WebSocketConnection last in sharing[2..]) registry.Remove(Uid, last);
        Specification.Assert(registry.Count == 0, "and then nobody");

        void Come(params int[] numbers)
        {
            foreach (int number in numbers)
                Specification.Assert(registry.TryAdd(Uid, sharing[number], DuplicateUid.Share, out _), "everybody may share");
        }
    }

    // The send queue under its lock: two threads append, the loop flushes, and the kernel takes a part of the first frame only.
    public static async Task WhatIsQueued_LeavesInOrder()
    {
        await using Room room = new(1);
        room.Channels[0].Room = 5;
        await room.RunBeside(Task.Run(() => Send("a1", "a2")), Task.Run(() => Send("b1", "b2")));
        room.Loops[0].Turn(() => room.BecomeWritable(0));
        room.Check(0, "a1 a2", "b1 b2");

        void Send(params string[] texts)
        {
            foreach (string text in texts)
                Specification.Assert(room.Members[0].TrySend(text) == SendResult.Queued, "there is room");
        }
    }

    // Broadcasts beside messages of a connection's own, from two threads, over two loops.
    public static async Task WhatIsSentToAll_LeavesInOrder()
    {
        await using Room room = new(2);
        await room.RunBeside(
            Task.Run(() =>
            {
                ToAll(room, "a1"u8);
                room.Members[0].TrySend("a2");
                ToAll(room, "a3"u8);
            }),
            Task.Run(() =>
            {
                room.Members[0].TrySend("b1");
                ToAll(room, "b2"u8);
                room.Members[1].TrySend("b3");
            }));
        room.Check(0, "a1 a2 a3", "b1 b2");
        room.Check(1, "a1 a3", "b2 b3");
    }

    // The same from handlers: each answers to its own connection by the cork, to the other one across the loops, and to all.
    public static async Task HandlersThatSendToEachOther_KeepTheOrder()
    {
        int handled = 0;
        TaskCompletionSource both = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Room room = new(2, (room, connection, _) =>
        {
            string sender = connection.Id == 0 ? "a" : "b";
            connection.TrySend(sender + "1");
            room.Members[1 - (int)connection.Id].TrySend(sender + "2");
            ToAll(room, connection.Id == 0 ? "a3"u8 : "b3"u8);
            connection.TrySend(sender + "4");
            if (Interlocked.Increment(ref handled) == 2) both.SetResult();
        });
        await room.RunBeside(Task.Run(() => room.PostText(0, "go")), Task.Run(() => room.PostText(1, "go")), both.Task);
        room.Check(0, "a1 a3 a4", "b2 b3");
        room.Check(1, "b1 b3 b4", "a2 a3");
    }

    // A queue becomes full while somebody sends to all: who sends is told that not everybody gets it, or which connection does not; or it
    // gets it.
    public static async Task WhereAQueueIsFull_NothingIsLostInSilence()
    {
        await using Room room = new(1, fullBytes: 30);
        room.Channels[0].Room = 0;
        int refused = 0;
        bool[] toAll = new bool[2];
        await room.RunBeside(
            Task.Run(() =>
            {
                for (int i = 0; i < 6 && room.Members[0].TrySend($"own {i}......") == SendResult.Queued; i++)
                {
                }
            }),
            Task.Run(() =>
            {
                for (int i = 0; i < 2; i++) toAll[i] = room.Everybody.TrySend(MessageKind.Text, i == 0 ? "b0"u8 : "b1"u8, _ => refused++);
            }));
        room.Loops[0].Turn(() => room.BecomeWritable(0));
        room.Loops[0].TurnWhileThereIsWork();
        List<string> texts = room.TextsOf(0);
        for (int i = 0; i < 2; i++)
            Specification.Assert(texts.Contains($"b{i}") || !toAll[i] || refused > 0, $"b{i} is lost: {string.Join(' ', texts)}");
    }

    // Senders drop the oldest while the loop gives it to the kernel: what it is giving stays whole, and what is dropped is counted.
    public static async Task WhereTheOldestAreDropped_NoneIsLostInTheCounts()
    {
        await using Room room = new(1, fullBytes: 30, slowConsumer: SlowConsumer.DropOldest);
        room.Channels[0].Room = 15;
        await room.RunBeside(
            Task.Run(() => SendFour('a')),
            Task.Run(() => SendFour('b')),
            Task.Run(() => room.Everybody.TrySend(MessageKind.Text, "c0......"u8, refused: null)),
            Task.Run(() => room.Loops[0].Post(new Work(() => room.BecomeWritable(0)))));
        List<string> texts = room.TextsOf(0);
        SentMessages count = room.Members[0].Queue.Count(room.Members[0]);
        Specification.Assert((count.Sent, count.Queued) == (9, 0), $"of 9 messages there are {count}");
        Specification.Assert(texts.Count == 9 - count.Dropped, $"{count}, and there came {string.Join(' ', texts)}");
        Specification.Assert("abc".All(sender => IsInOrder(texts.Where(text => text[0] == sender))), string.Join(' ', texts));

        void SendFour(char sender)
        {
            for (int i = 0; i < 4; i++) room.Members[0].TrySend($"{sender}{i}......");
        }

        static bool IsInOrder(IEnumerable<string> texts) => texts.Distinct().Order(StringComparer.Ordinal).SequenceEqual(texts);
    }

    // Who waits for room is told of it, whenever the kernel takes bytes again.
    public static async Task WhoWaitsForRoom_GoesOn()
    {
        await using Room room = new(1, fullBytes: 20);
        room.Channels[0].Room = 0;
        List<string> sent = [];
        await room.RunBeside(
            Task.Run(async () =>
            {
                for (int i = 0; i < 4; i++)
                {
                    string text = $"a{i}.........";
                    sent.Add(text);
                    Specification.Assert(await room.Members[0].SendAsync(text) == SendResult.Queued, "it is sent");
                }
            }),
            Task.Run(() => room.Loops[0].Post(new Work(() => room.BecomeWritable(0)))));
        Specification.Assert(room.TextsOf(0).SequenceEqual(sent), "all of it has left, in order");
    }

    // A large message is held by reference by whoever still has to send it. The last one gives it back, and nobody after that.
    public static async Task ASharedMessage_IsReleasedOnce()
    {
        await using Room room = new(2);
        long before = room.Budget.HeldBytes;
        SharedMessage message = SharedMessage.TryRent(room.Budget, MessageKind.Text, new byte[5000])!;
        room.Channels[1].Room = 100;
        await room.RunBeside(
            Task.Run(() =>
            {
                room.Members[0].TrySend(message);
                room.Members[1].TrySend(message);
                message.Dispose();
            }),
            Task.Run(() => room.Members[0].TrySend("b1")));
        room.Loops[1].Turn(() => room.BecomeWritable(1));
        Specification.Assert(room.TextsOf(0).Count == 2 && room.TextsOf(1).Single().Length == 5000, "it has arrived");
        Specification.Assert(room.Budget.HeldBytes == before, $"{room.Budget.HeldBytes} bytes are held, and {before} were");
    }

    // The peer goes while others send to it and to all: they are told Queued or Closed, the other connection gets everything, and nothing
    // is held.
    public static async Task AnEndAmongSenders_LeavesNothing()
    {
        await using Room room = new(2);
        room.Channels[0].Room = 3;
        await room.RunBeside(
            Task.Run(() =>
            {
                for (int i = 0; i < 2; i++)
                    Specification.Assert(room.Members[0].TrySend("a") is SendResult.Queued or SendResult.Closed, "no other answer");
                ToAll(room, "a1"u8);
            }),
            Task.Run(() => room.PostBreak(0)),
            Task.Run(() => ToAll(room, "b1"u8)));
        Specification.Assert(!room.Members[0].IsOpen && room.Loops[0].Members.Count == 0, "it has ended");
        Specification.Assert(room.Members[0].TrySend("late") == SendResult.Closed, "and is closed");
        room.Check(1, "a1", "b1");
    }

    // CloseAsync waits for the end, which may come before, meanwhile or afterwards; and of two who wait both are told.
    public static async Task WhoWaitsForTheEnd_IsTold()
    {
        await using Room room = new(1);
        CloseReport?[] reports = new CloseReport?[2];
        await room.RunBeside(
            Task.Run(async () => reports[0] = await room.Members[0].CloseAsync(1000, "one")),
            Task.Run(async () => reports[1] = await room.Members[0].CloseAsync(1001, "two")),
            Task.Run(() => room.PostBreak(0)));
        Specification.Assert(reports[0] is not null && reports[0] == reports[1], "both are told the same");
    }

    // By an array: Coyote does not know the overload with a span.
    private static Task WhenAll(params Task[] tasks) => Task.WhenAll(tasks);

    private static void ToAll(Room room, ReadOnlySpan<byte> text) =>
        Specification.Assert(room.Everybody.TrySend(MessageKind.Text, text, refused: null), "everybody has room");

    // They are never begun: the registry only asks them whether they are open.
    private static WebSocketConnection[] Opened(int count)
    {
        FieldInfo broadcasts = typeof(OutgoingQueue).GetField("_broadcasts", BindingFlags.NonPublic | BindingFlags.Instance)!;
        FieldInfo next = typeof(BroadcastPosition).GetField("_next", BindingFlags.NonPublic | BindingFlags.Instance)!;
        WebSocketConnection[] connections =
            [.. Enumerable.Range(0, count).Select(static i => new WebSocketConnection(i, null!, default))];
        foreach (WebSocketConnection connection in connections)
        {
            object queue = connection.Queue, position = broadcasts.GetValue(queue)!;
            next.SetValue(position, 0L);
            broadcasts.SetValue(queue, position);
            connection.Queue = (OutgoingQueue)queue;
        }

        return connections;
    }
}

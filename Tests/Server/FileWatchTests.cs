// Files that are watched: how soon a change is acted on, how much of a file is read, and that a slow look holds up no other.

using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Console;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class FileWatchTests
{
    private string _folder = "";

    private string File => Path.Combine(_folder, "file");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-watch").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    // What the docs promise. It changes at any time between two looks.
    [Test]
    public void AChange_IsActedOn_WithinFiveSeconds([Values(0.1, 1, 1.9, 2.5, 4.9)] double after)
    {
        FakeTimeProvider time = new();
        System.IO.File.WriteAllText(File, "old");
        int reloads = 0;
        using FileWatch watch = new([File], () => reloads++, time);
        time.Advance(TimeSpan.FromSeconds(after));
        System.IO.File.WriteAllText(File, "new");
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.That(reloads, Is.EqualTo(1));
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.That(reloads, Is.EqualTo(1), "it is told once");
        System.IO.File.Delete(File);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.That(reloads, Is.EqualTo(2));
    }

    // What was read at once, by SIGHUP, is not read a second time.
    [Test]
    public void WhatWasReadAtOnce_IsNotReadAgain()
    {
        FakeTimeProvider time = new();
        System.IO.File.WriteAllText(File, "old");
        int reloads = 0;
        using FileWatch watch = new([File], () => reloads++, time);
        System.IO.File.WriteAllText(File, "new");
        watch.Reload();
        time.Advance(FileWatch.Interval * 5);
        Assert.That(reloads, Is.EqualTo(1));
    }

    // A disk that does not answer: the clock goes on, and each further look would keep one more thread of the pool waiting.
    [Test]
    public void WhileALookGoesOn_ThereIsNoOther()
    {
        ManualTimer time = new();
        System.IO.File.WriteAllText(File, "old");
        using ManualResetEventSlim begun = new(), mayEnd = new();
        int reloads = 0;
        using FileWatch watch = new([File], () => Wait(), time);
        System.IO.File.WriteAllText(File, "new");
        time.Call();
        Task slow = Task.Run(time.Call);
        Assert.That(begun.Wait(TestServer.Patience));
        Task other = Task.Run(time.Call);
        bool returned = other.Wait(TestServer.Patience); // it never takes that long when all is well
        mayEnd.Set();
        Assert.That(Task.WaitAll([slow, other], TestServer.Patience));
        Assert.That((returned, reloads), Is.EqualTo((true, 1)));

        void Wait()
        {
            reloads++;
            begun.Set();
            mayEnd.Wait();
        }
    }

    [Test]
    public void OfALargeFile_NoMoreIsReadThanOneThatCanBeUsedHas()
    {
        ManualTimer time = new();
        const long Large = 64 << 20;
        using (FileStream stream = new(File, FileMode.CreateNew)) stream.SetLength(Large);
        int reloads = 0;
        using FileWatch watch = new([File], () => reloads++, time);
        long before = GC.GetAllocatedBytesForCurrentThread();
        time.Call();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(2 << 20));
        using (FileStream stream = new(File, FileMode.Open)) stream.SetLength(Large + 1);
        time.Call();
        time.Call();
        Assert.That(reloads, Is.EqualTo(1), "that it has another length is seen");
    }

    // Reading it would never end.
    [Test]
    [Platform("Linux")]
    public void WhatIsNoPlainFile_IsNotRead()
    {
        Task looks = Task.Run(() =>
        {
            ManualTimer time = new();
            using FileWatch watch = new(["/dev/zero", "/dev/tty", "/proc/self/mem", _folder], static () => { }, time);
            time.Call();
        });
        Assert.That(looks.Wait(TestServer.Patience), "both looks are over");
    }

    /// <summary>A clock with one timer, which comes when it is told to, on the thread that says so.</summary>
    private sealed class ManualTimer : TimeProvider, ITimer
    {
        private Action _call = static () => { };

        public void Call() => _call();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _call = () => callback(state);
            return this;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

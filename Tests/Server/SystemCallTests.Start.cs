// The calls that fail from the start: the server refuses, or does without.

using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed partial class SystemCallTests
{
    [TestCase("epoll", "epoll_create1", Emfile, "cannot start: epoll_create1 failed with EMFILE")]
    [TestCase("epoll", "epoll_create1", Enomem, "cannot start: epoll_create1 failed with ENOMEM")]
    [TestCase("epoll", "eventfd2", Enfile, "cannot start: eventfd failed with ENFILE")]
    [TestCase("epoll", "epoll_ctl", Enospc, "cannot start: epoll_ctl failed with ENOSPC")]
    [TestCase("epoll", "epoll_ctl", Enomem, "cannot start: epoll_ctl failed with ENOMEM")]
    [TestCase("epoll", "socket", Emfile, "cannot listen on 127.0.0.1:0")]
    [TestCase("epoll", "bind", Eacces, "cannot listen on 127.0.0.1:0: not permitted")]
    [TestCase("epoll", "listen", Eperm, "cannot listen on 127.0.0.1:0")]
    [TestCase("epoll", "setsockopt", Eperm, "cannot listen on 127.0.0.1:0")]
    [TestCase("epoll", "getsockname", Enobufs, "cannot listen on 127.0.0.1:0")]
    [TestCase("socket", "socket", Enfile, "cannot listen on 127.0.0.1:0")]
    [TestCase("socket", "bind", Eacces, "cannot listen on 127.0.0.1:0: not permitted")]
    [TestCase("socket", "listen", Eperm, "cannot listen on 127.0.0.1:0")]
    [TestCase("socket", "epoll_create1", Emfile, "cannot start: ")]
    public void AtTheStart_ItRefusesWithASentence_AndExitCode1(string transport, string call, int error, string sentence)
    {
        using RunningProgram program = RunningProgram.StartDenied($"{call}:{error}", "--listen", "127.0.0.1:0", "--transport", transport);
        program.WaitForExit();
        Assert.That(program.Errors, Does.StartWith("rawws: " + sentence));
        Assert.That((program.ExitCode, program.Errors.Trim('\n').Contains('\n')), Is.EqualTo((1, false)));
    }

    // Nobody reads why it does not start.
    [Test]
    public void AtTheStart_WithoutStandardError_TheExitCodeIs1()
    {
        using RunningProgram program = RunningProgram.StartUnder("exec 2>/dev/full", "--listen", "192.0.2.1:0");
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.EqualTo(1));
    }

    // Of 64 loops some have their descriptors by then.
    [Test]
    public void AtTheStart_WithTooFewDescriptors_ItRefusesWithASentence_AndExitCode1()
    {
        using RunningProgram program = RunningProgram.StartUnder(
            "ulimit -n 200", "--listen", "127.0.0.1:0", "--transport", "epoll", "--loops", "64", "--max-connections", "10");
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.EqualTo(1));
        Assert.That(
            program.Errors, Does.Match(@"^rawws: the limit of open files is 200, and \d+ are open; the server needs \d+ more, [^\n]*\n$"));
    }

    // What it can do without.
    [TestCase("io_uring_setup:1", "(epoll, ")]
    [TestCase("io_uring_setup:38", "(epoll, ")]
    [TestCase("mmap:12:3=32769", "(epoll, ")] // the ring's, by its flags
    [TestCase("prlimit64:1", "(epoll")]
    [TestCase("read:1:2=8", "(epoll")]
    public void AtTheStart_ItDoesWithout(string denials, string said)
    {
        using RunningProgram program = Start("epoll", denials);
        Assert.That(program.Output, Does.Contain(said));
        using RawClient client = RawClient.Open(program.WaitForPort());
        Echoes(client);
        Ends(program);
    }
}

// docs/library.md: who comes and who goes.

using RawWs.Server;
using RawWs.Server.Applications;

namespace RawWs.Samples.Library;

// Sample begins
internal sealed class Friends(ConnectionDirectory directory, Func<string, Task> tell)
{
    public async Task Watch(CancellationToken end)
    {
        using PresenceWatch watch = directory.WatchPresence(new PresenceOptions { Uids = ["ann", "bob"] });
        await foreach (PresenceEvent told in watch.ReadAllAsync(end))
        {
            await tell(told.Kind switch
            {
                PresenceKind.Came => $"{told.Uid} is online",
                PresenceKind.Went => $"{told.Uid} is offline",
                PresenceKind.Whole => "nobody else is",
                _ => "there are too many", // or, in a cluster, some node cannot be heard
            });
        }
    }
}

// Sample ends
internal static class PresenceSample
{
    public static async Task Run()
    {
        await using SampleServer server = await SampleServer.Start(new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using CancellationTokenSource end = new();
        SampleClient? ann = null;
        Friends friends = new(server.Directory, async line =>
        {
            Console.WriteLine(line);
            if (line == "nobody else is") ann = await server.Connect("/?uid=ann");
            if (line == "ann is online") await ann!.DisposeAsync();
            if (line == "ann is offline") await end.CancelAsync();
        });
        try
        {
            await friends.Watch(end.Token);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("enough");
        }
    }
}

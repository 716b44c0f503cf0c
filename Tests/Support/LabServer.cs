// A server with the Lab and a router.

using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Lab;

namespace RawWs.Tests.Support;

internal static class LabServer
{
    public static Task<TestServer> Start(
        Setup setup, LabScope scope = LabScope.Own, Func<ServerOptions, ServerOptions>? change = null) => TestServer.Start(
        setup,
        new LabApplication(new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share), scope, hasRouter: true),
        options => (change ?? (static same => same))(options with { Pages = LabPage.Load() }));
}

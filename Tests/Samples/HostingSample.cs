// The example of Server/Hosting/README.md: what stands between the marks, behind the usings.

using System.Net;
using Microsoft.Extensions.Hosting;
using RawWs.Server.Hosting;

namespace RawWs.Samples;

internal static class HostingSample
{
    public static async Task Run()
    {
        // Nothing but what this example prints.
        Environment.SetEnvironmentVariable("Logging__LogLevel__Default", "None");

        // README begins
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.AddRawWs<Echo>(static options => options.ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)]);
        using IHost host = builder.Build();
        await host.StartAsync(); // or RunAsync, which returns after Ctrl-C

        // README ends
        await SayHello.To((RawWs.Server.WebSocketServer)host.Services.GetService(typeof(RawWs.Server.WebSocketServer))!);
        await host.StopAsync();
    }
}

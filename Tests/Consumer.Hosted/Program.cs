// What a stranger makes of the packages in a .NET host: an echo. PackagesTests compiles and runs it outside of this repository.

using System.Net;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Hosting;

HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
builder.AddRawWs<EchoApplication>(static options => options.ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)]);
using IHost host = builder.Build();
await host.StartAsync();

using ClientWebSocket client = new();
await client.ConnectAsync(new Uri($"ws://{host.Services.GetRequiredService<WebSocketServer>().EndPoints[0]}/"), CancellationToken.None);
await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
byte[] message = new byte[256];
WebSocketReceiveResult received = await client.ReceiveAsync(message, CancellationToken.None);
Console.WriteLine($"hosted echo: {Encoding.UTF8.GetString(message, 0, received.Count)}");

Task stopped = host.StopAsync();
received = await client.ReceiveAsync(message, CancellationToken.None);
Console.WriteLine($"closed: {(int?)received.CloseStatus} {received.CloseStatusDescription}");
await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
await stopped;

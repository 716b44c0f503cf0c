// nginx or HAProxy in front of a server, as docs/ops/behind-a-proxy.md configures it, but for its ports, its certificate and its times.

using System.Security.Cryptography.X509Certificates;
using RawWs.Server;

namespace RawWs.Tests.Support;

internal sealed class RunningProxy : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rawws-proxy").FullName;
    private readonly RunningProgram _program;

    /// <summary>Starts it.</summary>
    /// <param name="name">nginx or haproxy.</param>
    /// <param name="server">The port of the server.</param>
    /// <param name="admin">That of its admin port.</param>
    /// <param name="seconds">After which it ends what is silent: where the document has a minute.</param>
    /// <param name="change">Changes the configuration, before the rest of nginx's stands around it; null for nothing.</param>
    public RunningProxy(string name, int server, int admin, int seconds, Func<string, string>? change = null)
    {
        string tool = Tools.Require(name);
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        PemFiles pem = TestCertificate.Write(certificate, _folder);
        Write("tls.pem", $"{File.ReadAllText(pem.Certificate)}\n{File.ReadAllText(pem.Key)}\n");
        Port = Ports.Free();
        string configuration = Repository.Read("docs/ops/behind-a-proxy.md").Split($"```{name}\n")[1].Split("```")[0]
            .Replace(" 443", $" 127.0.0.1:{Port}", StringComparison.Ordinal)
            .Replace(" :443", $" 127.0.0.1:{Port}", StringComparison.Ordinal)
            .Replace("/etc/rawws", _folder, StringComparison.Ordinal)
            .Replace("127.0.0.1:2000", $"127.0.0.1:{server}", StringComparison.Ordinal)
            .Replace("port 2001", $"port {admin}", StringComparison.Ordinal)
            .Replace("inter 1s", "inter 100ms", StringComparison.Ordinal).Replace("60s", $"{seconds}s", StringComparison.Ordinal);
        if (change is not null) configuration = change(configuration);
        if (name == "nginx") configuration = Around(configuration);
        string file = Write("proxy.conf", configuration);
        string[] arguments = name == "nginx"
            ? ["-e", "stderr", "-p", _folder, "-c", file]
            : ["-db", "-f", file];
        _program = RunningProgram.StartOther(tool, arguments);
        TestServer.Eventually(() => Ports.IsListening(Port), $"{name} listens: {string.Join(' ', arguments)}\n{configuration}");
    }

    public int Port { get; }

    public void Dispose()
    {
        _program.SignalUntilItEnds(15);
        _program.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // What nginx has in its own file, around those of its sites.
    private static string Around(string site) => $$"""
        daemon off;
        pid nginx.pid;
        events {}
        http {
            access_log off;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            {{site}}
        }
        """;

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}

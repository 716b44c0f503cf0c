// `rawws token create` makes a token to try things out with, and `rawws token check` says what the server would say about one, and why.
// Exit codes: 0 made, or let in; 1 refused; 2 an argument is wrong.

using System.Buffers.Text;
using System.CommandLine;
using System.Globalization;
using System.Text;
using RawWs.Server.Console.Settings;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Auth;

internal static class TokenCommand
{
    public const string Name = "token";

    private const int ExitCodeRefused = 1;

    private static readonly Argument<string?> Token = new("TOKEN")
    {
        Description = "The token. \"-\", or nothing, reads the standard input: what stands on a command line, others can see.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>Describes the command.</summary>
    /// <param name="openInput">Opens the standard input; null when there is none to be read.</param>
    /// <param name="time">The clock.</param>
    public static Command Describe(Func<Stream?> openInput, TimeProvider time) =>
        new(Name, "Makes and checks JSON Web Tokens, to try out --auth jwt.") { DescribeCreate(time), DescribeCheck(openInput, time) };

    private static Command DescribeCreate(TimeProvider time)
    {
        Command command = new("create", "Makes a token, and prints it.");
        foreach (Option option in NewToken.Options) command.Add(option);
        command.SetAction(parsed => Run(parsed, () => NewToken.Read(parsed, time).Sign(), "create"));
        return command;
    }

    private static Command DescribeCheck(Func<Stream?> openInput, TimeProvider time)
    {
        Command command = new("check", "Says whether a server with these settings lets somebody in with a token, and as whom.") { Token };
        Dictionary<Setting, Option> options = [];
        foreach (Setting setting in SettingTable.All)
        {
            if (!setting.Name.StartsWith("jwt-", StringComparison.Ordinal)) continue;
            options.Add(setting, CommandLine.OptionOf(setting));
            command.Add(options[setting]);
        }

        command.SetAction(parsed =>
        {
            bool isLetIn = false;
            int exitCode = Run(parsed, () => Check(parsed, options, openInput, time, out isLetIn), "check");
            return exitCode == 0 && !isLetIn ? ExitCodeRefused : exitCode;
        });
        return command;
    }

    private static int Run(ParseResult parsed, Func<string> make, string name)
    {
        try
        {
            parsed.InvocationConfiguration.Output.WriteLine(make());
            return 0;
        }
        catch (Exception exception) when (exception is TokenCommandException or JwtKeyException)
        {
            parsed.InvocationConfiguration.Error.Write($"{Name} {name}: {exception.Message}");
            return CommandLine.ExitCodeUsage;
        }
    }

    private static string Check(
        ParseResult parsed, Dictionary<Setting, Option> options, Func<Stream?> openInput, TimeProvider time, out bool isLetIn)
    {
        RunSettings settings = new();
        foreach ((Setting setting, Option option) in options)
        {
            if (parsed.GetResult(option) is not { } given) continue;
            SettingSource source = SettingSource.OfOption(setting, given);
            settings = SettingSources.Apply(settings, setting, source, out string? wrong)
                ?? throw new TokenCommandException($"{source.Where}: {wrong}");
        }

        AuthSettings auth = settings.Auth with { Kind = AuthKind.Jwt };
        if (auth.FindConflict() is not null) throw new TokenCommandException("a key is needed to check with (--jwt-key, --jwt-secret)");
        JwtAuthority authority = new(auth, new JwtKeys(auth.KeyFiles), time);
        string token = parsed.GetValue(Token) is { } word and not "-" ? word : ReadInput(openInput);
        if (token.Length > RequestToken.LengthMax) throw new TokenCommandException("this is longer than any token that is allowed");
        AuthVerdict verdict = authority.CheckAsync(token).GetAwaiter().GetResult();
        isLetIn = verdict.Grant is not null;
        string[] parts = token.Split('.');
        return $"header   {Shown(parts[0])}\nclaims   {(parts.Length > 1 ? Shown(parts[1]) : "")}\nverdict  {Shown(verdict)}";
    }

    private static string ReadInput(Func<Stream?> openInput)
    {
        using Stream stream = openInput() ?? throw new TokenCommandException("there is no token; see rawws token check --help");
        byte[] bytes = new byte[RequestToken.LengthMax + 2]; // with a line's end
        return Encoding.Latin1.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)).Trim();
    }

    // As it is, but for what would change a terminal.
    private static string Shown(string part)
    {
        if (!Base64Url.IsValid(part)) return "unreadable";
        string text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(part));
        return string.Concat(text.EnumerateRunes().Select(static rune => LogText.IsHarmless(rune) ? rune.ToString() : "?"));
    }

    private static string Shown(AuthVerdict verdict)
    {
        if (!verdict.IsGranted(out Grant? grant)) return $"refused by rule {verdict.Refusal!.Rule}: {verdict.Refusal.Reason}";
        string end = grant.Expires!.Value.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        return $"let in as \"{LogText.EscapeUtf8(grant.Uid)}\" until {end} UTC{(grant.Rights is null ? "" : "; may send to some only")}";
    }
}

/// <summary>An argument is wrong. The message is one sentence.</summary>
internal sealed class TokenCommandException(string message) : Exception(message);

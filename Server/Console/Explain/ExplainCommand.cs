// `rawws explain`: the arguments, what is made of them, and the exit code. 0: explained, whatever the verdict is. 2: the input is wrong,
// which is one line with the place and what is accepted.

using System.CommandLine;
using System.Globalization;
using RawWs.Frame;
using RawWs.Server.Console.Settings;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Explain;

/// <summary>The command.</summary>
internal static class ExplainCommand
{
    public const string Name = "explain";

    private const int ConversationsMax = 32;

    private static readonly Argument<string[]> Input = new("INPUT")
    {
        Description = "Bytes in hexadecimal (81 05 48656c6c6f); or the name of a rule (NonMinimalLength); or a close code (1006). "
            + "\"-\" reads the standard input.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string?> InputFile = new("--file")
    {
        Description = "Reads a file: a capture (pcap, pcapng), a head of HTTP and what follows, hexadecimal text, or the bytes themselves.",
        HelpName = "FILE",
    };

    private static readonly Option<bool> Base64 = new("--base64") { Description = "The input is base64, not hexadecimal." };

    private static readonly Option<string?> Port = new("--port")
    {
        Description = "Of a capture only connections of this port, which is the server's. Default: connections with a handshake.",
        HelpName = "PORT",
    };

    private static readonly Option<string?> From = new("--from")
    {
        Description = "Who has sent the bytes: client or server. Default: seen from the head, or from the first frame's mask bit.",
        HelpName = "client|server",
    };

    private static readonly Option<bool> Deflate = new("--deflate")
    {
        Description = "permessage-deflate counts as agreed on. Default: if a response in the input says so.",
    };

    private static readonly Option<string?> MaxMessage = new("--max-message")
    {
        Description = "The largest message, as for the server. Default: 1MiB.",
        HelpName = "SIZE",
    };

    private static readonly Option<string?> MaxFragments = new("--max-fragments")
    {
        Description = "The most frames of a message, as for the server. Default: 1024.",
        HelpName = "COUNT",
    };

    private static readonly Option<string[]> Endpoint = new("--endpoint")
    {
        Description = "A path that is an endpoint. Default: every path.",
        HelpName = "PATH",
    };

    private static readonly Option<string?> Lang = new("--lang")
    {
        Description = "The language of the sentences: en or zh. Default: en.",
        HelpName = "en|zh",
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Prints JSON: docs/explain.md." };

    /// <summary>Describes the command.</summary>
    /// <param name="openInput">Opens the standard input; null when there is none to be read.</param>
    public static Command Describe(Func<Stream?> openInput)
    {
        Command command = new(Name, "Explains bytes of a WebSocket connection, bit by bit, or a rule, or a close code.\n\n"
            + "The bytes are read by the server's own reader and judged by its own rules. They may begin with the handshake. A capture has "
            + "both directions.")
        {
            Input, InputFile, Base64, Port, From, Deflate, MaxMessage, MaxFragments, Endpoint, Lang, Json,
        };
        command.SetAction(parsed =>
        {
            TextWriter output = parsed.InvocationConfiguration.Output, error = parsed.InvocationConfiguration.Error;
            if (Run(parsed, openInput, out string text) is not { } problem)
            {
                output.Write(text);
                return 0;
            }

            error.Write($"{Name}: {problem}");
            return CommandLine.ExitCodeUsage;
        });
        return command;
    }

    /// <summary>The settings of options as they are written on the command line; for the examples of the pages.</summary>
    public static ExplainSettings ReadOptions(IReadOnlyList<string> options)
    {
        ParseResult parsed = Describe(static () => null).Parse(options);
        return ReadSettings(parsed, out ExplainSettings settings) is { } problem ? throw new InvalidOperationException(problem) : settings;
    }

    private static string? Run(ParseResult parsed, Func<Stream?> openInput, out string text)
    {
        text = "";
        if (ReadSettings(parsed, out ExplainSettings settings) is { } wrong) return wrong;
        string[] words = parsed.GetValue(Input) ?? [];
        if (words.FirstOrDefault(static word => word.Length > 1 && word[0] == '-') is { } option)
            return $"{LogText.Escape(option)}: there is no such option; see rawws explain --help";
        if (words.Length == 1 && parsed.GetValue(InputFile) is null && Page.Find(words[0]) is { } page)
        {
            text = settings.Json ? JsonReport.Write(page, settings.Language) : PageReport.Write(page, settings.Language);
            return null;
        }

        if (ReadInput(words, parsed.GetValue(InputFile), settings, openInput, out ExplainInput? input) is { } problem) return problem;
        List<Conversation> conversations = [];
        if (input!.Bytes is { } bytes) conversations.Add(ConversationExplainer.Explain(bytes, settings));
        else if (AddCaptured(input.Packets!, settings, conversations) is { } nothing) return nothing;
        text = settings.Json ? JsonReport.Write(conversations, settings.Language) : WriteText(conversations, settings.Language);
        return null;
    }

    private static string? ReadSettings(ParseResult parsed, out ExplainSettings settings)
    {
        settings = new ExplainSettings
        {
            Deflate = parsed.GetValue(Deflate),
            Base64 = parsed.GetValue(Base64),
            Json = parsed.GetValue(Json),
            Endpoints = parsed.GetValue(Endpoint) ?? [],
        };
        if (parsed.GetValue(From) is { } from)
        {
            if (from is not ("client" or "server")) return Wrong("--from", from, "client, server");
            settings = settings with { Sender = from == "client" ? Role.Client : Role.Server };
        }

        if (parsed.GetValue(Lang) is { } lang)
        {
            if (lang is not ("en" or "zh")) return Wrong("--lang", lang, "en, zh");
            settings = settings with { Language = lang == "zh" ? Language.Chinese : Language.English };
        }

        if (parsed.GetValue(Port) is { } port)
        {
            if (!SettingText.TryCount(port, out int number) || number > ushort.MaxValue) return Wrong("--port", port, "1 to 65535");
            settings = settings with { Port = number };
        }

        if (parsed.GetValue(MaxFragments) is { } fragments)
        {
            if (!SettingText.TryCount(fragments, out int number)) return Wrong("--max-fragments", fragments, "1 or more");
            settings = settings with { FragmentsMax = number };
        }

        if (parsed.GetValue(MaxMessage) is { } size)
        {
            if (!SettingText.TryPieceSize(size, out int number))
                return Wrong("--max-message", size, "bytes, alone or with KiB, MiB or GiB");
            settings = settings with { MessageBytesMax = number };
        }

        return null;
    }

    private static string Wrong(string option, string value, string allowed) =>
        $"{option}: \"{LogText.Escape(value)}\" is not allowed; allowed: {allowed}";

    private static string? ReadInput(
        string[] words, string? file, ExplainSettings settings, Func<Stream?> openInput, out ExplainInput? input)
    {
        input = null;
        if (file is not null)
        {
            if (words.Length > 0) return "--file: there is an argument too; one input is explained at a time";
            string? unread = ExplainInput.OfFile(file, settings.Base64, out input);
            return unread is null ? null : $"--file \"{LogText.Escape(file)}\": {unread}";
        }

        if (words.Length == 0 || words is ["-"])
        {
            using Stream? stream = openInput();
            if (stream is null) return "there is no input; see rawws explain --help";
            return ExplainInput.OfStream(stream, settings.Base64, out input) is { } wrong ? $"standard input: {wrong}" : null;
        }

        string text = string.Join(' ', words);
        string? problem = ExplainInput.OfText(text, settings.Base64, out input);
        if (problem is null) return null;

        // A single word that begins like a name was meant as one.
        bool isName = words is [[var first, ..] word] && char.IsAsciiLetter(first) && !settings.Base64
            && word.All(char.IsAsciiLetterOrDigit);
        return isName ? $"{problem}; nor is it the name of a rule{NearNames.QuestionOf(words[0], Page.Names)}" : problem;
    }

    private static string? AddCaptured(IReadOnlyList<CapturedPacket> packets, ExplainSettings settings, List<Conversation> conversations)
    {
        List<TcpConversation> all = TcpConversation.Assemble(packets, settings.Port);
        List<TcpConversation> chosen = settings.Port is null ? [.. all.Where(static found => found.HasHandshake)] : all;
        if (chosen.Count == 0)
        {
            string where = settings.Port is { } port ? $"with port {port} " : "";
            return $"the capture has {packets.Count} packets, and no connection {where}with a handshake in it; "
                + "--port PORT names the server's port, and then a handshake need not be there";
        }

        Language language = settings.Language;
        foreach (TcpConversation found in chosen.Take(ConversationsMax))
        {
            Conversation explained = ConversationExplainer.Explain(found.FromClient.Bytes, found.FromServer.Bytes, settings,
                (sender, last) => (sender == Role.Client ? found.FromClient : found.FromServer).PacketOf(last));
            string title = TextTable.All.Format("ui.connection", language, found.Client.ToString(), found.Server.ToString());
            if (!found.FromClient.HasBeginning) title += TextTable.All.Get("ui.connection.late", language);
            if (found.FromClient.IsCut || found.FromServer.IsCut) title += TextTable.All.Get("ui.connection.cut", language);
            conversations.Add(explained with { Title = title });
        }

        if (chosen.Count > ConversationsMax)
        {
            string left = (chosen.Count - ConversationsMax).ToString(CultureInfo.InvariantCulture);
            conversations[^1] = conversations[^1] with
            {
                Title = conversations[^1].Title + TextTable.All.Format("ui.connection.more", language, left),
            };
        }

        return null;
    }

    private static string WriteText(List<Conversation> conversations, Language language)
    {
        TextReport report = new(language);
        foreach (Conversation conversation in conversations) report.Add(conversation);
        return report.ToString();
    }
}

// One setting, and the ways to make one: of a name, words for people, how its text is read, and what it changes.

using RawWs.Server.Console.Auth;
using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Settings;

/// <summary>One setting of the program.</summary>
/// <param name="Name">The name, as it is written after "--".</param>
/// <param name="Placeholder">The word for the value in the help.</param>
/// <param name="Help">What it means: sentences with unit and default.</param>
/// <param name="Allowed">What a value may be; read after "allowed:".</param>
/// <param name="IsList">Whether it may be given several times.</param>
/// <param name="Apply">
/// Changes the settings. A list may have several values, any other setting has one. Null when a value is not allowed; the index says which.
/// </param>
internal sealed record Setting(string Name, string Placeholder, string Help, string Allowed, bool IsList, ApplySetting Apply)
{
    private const string SwitchPlaceholder = "on|off";

    /// <summary>Says why a value is not allowed, if there is more to say than what is allowed; null if not.</summary>
    public Func<string, string?>? FindReason { get; init; }

    /// <summary>
    /// Of a list with commas, in a variable: whether a text belongs to the value before it, with its comma. Null if none does.
    /// </summary>
    public Func<string, bool>? IsRest { get; init; }

    /// <summary>A value as it may be shown: without what is secret in it.</summary>
    public Func<string, string> Show { get; init; } = static value => value;

    /// <summary>Whether the value is on or off, and nothing else.</summary>
    public bool IsSwitch => Placeholder == SwitchPlaceholder;

    /// <summary>One value of the program.</summary>
    public static Setting One<T>(string name, string placeholder, string help, string allowed, TryParseSetting<T> parse,
        Func<RunSettings, T, RunSettings> set)
    {
        return new Setting(name, placeholder, help, allowed, false, Apply);

        RunSettings? Apply(RunSettings settings, IReadOnlyList<string> values, out int wrong)
        {
            wrong = 0;
            return parse(values[0], out T value) ? set(settings, value) : null;
        }
    }

    /// <summary>One value of the server's options.</summary>
    public static Setting Server<T>(string name, string placeholder, string help, string allowed, TryParseSetting<T> parse,
        Func<ServerOptions, T, ServerOptions> set) =>
        One<T>(name, placeholder, help, allowed, parse, (settings, value) => settings with { Server = set(settings.Server, value) });

    /// <summary>Values of which there may be several.</summary>
    public static Setting List<T>(string name, string placeholder, string help, string allowed, TryParseSetting<T> parse,
        Func<RunSettings, IReadOnlyList<T>, RunSettings> set)
    {
        return new Setting(name, placeholder, help, allowed, true, Apply);

        RunSettings? Apply(RunSettings settings, IReadOnlyList<string> values, out int wrong)
        {
            T[] parsed = new T[values.Count];
            for (wrong = 0; wrong < parsed.Length; wrong++)
                if (!parse(values[wrong], out parsed[wrong])) return null;
            return set(settings, parsed);
        }
    }

    /// <summary>One value that says who decides about clients.</summary>
    public static Setting Auth<T>(string name, string placeholder, string help, string allowed, TryParseSetting<T> parse,
        Func<AuthSettings, T, AuthSettings> set) =>
        One<T>(name, placeholder, help, allowed, parse, (settings, value) => settings with { Auth = set(settings.Auth, value) });

    /// <summary>One value about other servers.</summary>
    public static Setting Backplane<T>(string name, string placeholder, string help, string allowed, TryParseSetting<T> parse,
        Func<BackplaneSettings, T, BackplaneSettings> set) =>
        One<T>(name, placeholder, help, allowed, parse, (settings, value) => settings with { Backplane = set(settings.Backplane, value) });
}

internal delegate RunSettings? ApplySetting(RunSettings settings, IReadOnlyList<string> values, out int wrong);

internal delegate bool TryParseSetting<T>(string text, out T value);

// The parameters of a request. The first that is wrong is remembered, and whoever reads them asks once, at the end. A parameter that is not
// known is wrong too: it may be a filter that was meant.

using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace RawWs.Server.Console.Admin;

/// <param name="request">The request.</param>
internal sealed class AdminQuery(HttpRequest request)
{
    /// <summary>The most of one page.</summary>
    public const int LimitMax = 1000;

    private const int LimitUnsaid = 100;

    private readonly HashSet<string> _known = [];
    private Problem? _problem;

    /// <summary>How many are wanted in one page.</summary>
    public int Limit() => (int)(Number("limit", 1, LimitMax) ?? LimitUnsaid);

    /// <summary>A whole number; null when it is not there.</summary>
    public long? Number(string name, long least, long most)
    {
        if (Text(name) is not { } text) return null;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most)
            return number;
        return Wrong<long?>(name, $"a whole number from {least} to {most}");
    }

    /// <summary>An IP address; null when it is not there.</summary>
    public IPAddress? Address(string name)
    {
        if (Text(name) is not { } text) return null;
        if (!IPAddress.TryParse(text, out IPAddress? address)) return Wrong<IPAddress?>(name, "an IP address");
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    /// <summary>A uid; null when it is not there.</summary>
    public string? Uid(string name)
    {
        if (Text(name) is not { } text) return null;
        return CheckedSend.FindWrongUid(text) is { } wrong ? Wrong<string?>(name, wrong) : text;
    }

    /// <summary>Uids, as often as they are there; null when there is none.</summary>
    public IReadOnlyCollection<string>? Uids(string name)
    {
        _known.Add(name);
        if (!request.Query.TryGetValue(name, out Microsoft.Extensions.Primitives.StringValues values)) return null;
        foreach (string? text in values)
            if (CheckedSend.FindWrongUid(text ?? "") is { } wrong) return Wrong<IReadOnlyCollection<string>?>(name, wrong);
        return [.. values.OfType<string>().Distinct()];
    }

    /// <summary>A switch: 0 or 1; 0 when it is not there.</summary>
    public bool Switch(string name) => Number(name, 0, 1) == 1;

    /// <summary>A text; null when it is not there.</summary>
    public string? Text(string name)
    {
        _known.Add(name);
        if (!request.Query.TryGetValue(name, out Microsoft.Extensions.Primitives.StringValues values)) return null;
        return values.Count == 1 ? values[0] : Wrong<string?>(name, "it is there once at most");
    }

    /// <summary>What is wrong; null when nothing is. Called when all parameters have been read.</summary>
    public Problem? FindProblem()
    {
        foreach (string name in request.Query.Keys)
            if (!_known.Contains(name)) Wrong<object?>(name, $"there is no such parameter, but {string.Join(", ", _known.Order())}");
        return _problem;
    }

    private T? Wrong<T>(string name, string rule)
    {
        _problem ??= Problem.Wrong(name, rule);
        return default;
    }
}

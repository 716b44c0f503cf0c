// The cases, in order, and the run over them: bounded in parallel, since each case has connections of its own and knows of no other.

using System.Diagnostics;

namespace RawWs.Conformance;

internal static class Suite
{
    /// <summary>How many dialogues run at once. They mostly wait.</summary>
    private const int LightMax = 64;

    /// <summary>Every case, chapter by chapter.</summary>
    public static IReadOnlyList<Case> All { get; } = InOrder();

    /// <summary>The cases that <paramref name="section"/> means: a chapter, or a section such as "6455 §5.2", "§5" or "5.2".</summary>
    public static IReadOnlyList<Case> Select(string section)
    {
        if (Chapters.InOrder.Contains(section)) return [.. All.Where(item => item.Chapter == section)];
        string bare = section.Replace("§", "", StringComparison.Ordinal).Replace("RFC", "", StringComparison.OrdinalIgnoreCase).Trim();
        string document = bare.Contains(' ', StringComparison.Ordinal) ? bare[..bare.IndexOf(' ', StringComparison.Ordinal)] : "";
        string number = bare[document.Length..].Trim();
        return
        [
            .. All.Where(item =>
            {
                string[] words = item.Section.Split(" §");
                return (document.Length == 0 || words[0] == document)
                    && (words[1] == number || words[1].StartsWith(number + ".", StringComparison.Ordinal));
            }),
        ];
    }

    /// <summary>Plays the cases. No result is missing, and they stand in the cases' order.</summary>
    /// <param name="target">The server.</param>
    /// <param name="cases">The cases.</param>
    /// <param name="onResult">Told of each result as it comes, from one thread at a time.</param>
    /// <param name="stop">Ends the run; cases that are being played are given up.</param>
    /// <exception cref="CutShortException">
    /// The server is gone, or the run was stopped. It has the results of the cases that were played.
    /// </exception>
    public static async Task<IReadOnlyList<Result>> RunAsync(Target target, IReadOnlyList<Case> cases, Action<Result>? onResult = null,
        CancellationToken stop = default)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Dictionary<Case, Result> results = new(ReferenceEqualityComparer.Instance);
        Lock reporting = new();
        bool compresses = false;
        (string Where, string Why)? gone = null; // under the lock

        async ValueTask PlayOneAsync(Case item, CancellationToken cancellation)
        {
            try
            {
                Result result = IsOfCompression(item) && !compresses
                    ? new Result(item, Outcome.NotNegotiated, "the server does not speak permessage-deflate", TimeSpan.Zero)
                    : await PlayAsync(target, item).WaitAsync(cancellation).ConfigureAwait(false);
                lock (reporting)
                {
                    cancellation.ThrowIfCancellationRequested();
                    results[item] = result;
                    onResult?.Invoke(result);
                }
            }
            catch (ServerGoneException exception)
            {
                lock (reporting) gone ??= ($"in case {item.Id}", WhyOf(exception));
                await ending.CancelAsync().ConfigureAwait(false);
            }
        }

        try
        {
            compresses = cases.Any(IsOfCompression) && await CompressesAsync(target).WaitAsync(stop).ConfigureAwait(false);
            ParallelOptions light = new() { MaxDegreeOfParallelism = LightMax, CancellationToken = ending.Token },
                heavy = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = ending.Token };
            await Parallel.ForEachAsync(cases.Where(static item => !item.IsHeavy), light, PlayOneAsync).ConfigureAwait(false);
            await Parallel.ForEachAsync(cases.Where(static item => item.IsHeavy), heavy, PlayOneAsync).ConfigureAwait(false);
        }
        catch (ServerGoneException exception)
        {
            gone = ("before the first", WhyOf(exception));
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Not every case has a result.
        }

        IReadOnlyList<Result> played = [.. cases.Where(results.ContainsKey).Select(item => results[item])];
        if (gone is var (where, why))
            throw new CutShortException($"the server at {target} is gone ({why}) after {played.Count} cases, {where}", played);
        return played.Count == cases.Count
            ? played
            : throw new CutShortException($"stopped after {played.Count} of {cases.Count} cases", played);
    }

    private static string WhyOf(ServerGoneException exception) => exception.IsRefused ? "connection refused" : exception.Message;

    /// <summary>
    /// Whether the server can be tested at all: somebody listens, and a plain handshake is answered with 101. What else that answer says,
    /// right or wrong, is for the cases.
    /// </summary>
    /// <exception cref="NotAsExpectedException">It can't; the message says why.</exception>
    /// <exception cref="ServerGoneException">Nobody listens, or there is no such host.</exception>
    public static async Task ProbeAsync(Target target)
    {
        using Connection connection = await Connection.ConnectAsync(target).ConfigureAwait(false);
        await connection.RequestUpgradeAsync(target, null).ConfigureAwait(false);
        ResponseHead.CheckSwitches(await connection.ReadHeadTextAsync().ConfigureAwait(false));
    }

    /// <summary>Plays one case.</summary>
    /// <exception cref="ServerGoneException">Nobody listens, or there is no such host.</exception>
    public static async Task<Result> PlayAsync(Target target, Case item)
    {
        long start = Stopwatch.GetTimestamp();
        Outcome outcome;
        string detail;
        try
        {
            detail = await item.PlayAsync(target).ConfigureAwait(false) ?? "";
            outcome = Outcome.Passed;
        }
        catch (NotNegotiatedException exception)
        {
            (outcome, detail) = (Outcome.NotNegotiated, exception.Message);
        }
        catch (NotAsExpectedException exception)
        {
            (outcome, detail) = (Outcome.Failed, exception.Message);
        }

        if (item.Kind == Kind.Informational && outcome != Outcome.NotNegotiated) outcome = Outcome.Noted;
        return new Result(item, outcome, detail, Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Whether a case is about permessage-deflate (RFC 7692), which a server need not have.</summary>
    public static bool IsOfCompression(Case item) => item.Chapter is Chapters.Negotiation or Chapters.Compression;

    /// <summary>
    /// Whether the server agrees to permessage-deflate, or answers such an offer wrongly. It may insist on knowing that the client can have
    /// its window limited, so it is asked in both ways.
    /// </summary>
    /// <exception cref="ServerGoneException">Nobody listens, or there is no such host.</exception>
    public static async Task<bool> CompressesAsync(Target target)
    {
        foreach (int? clientBits in (int?[])[null, 0])
        {
            try
            {
                using Connection connection = await Connection.ConnectAsync(target).ConfigureAwait(false);
                await CompressionCase.AgreeAsync(connection, target, new DeflateOffer(false, false, null, clientBits))
                    .ConfigureAwait(false);
                return true;
            }
            catch (NotNegotiatedException)
            {
                // Declined.
            }
            catch (NotAsExpectedException)
            {
                // An answer that is wrong is an answer: the cases say what is wrong with it.
                return true;
            }
        }

        return false;
    }

    private static List<Case> InOrder()
    {
        List<Case> cases = [.. HandshakeCases.All(), .. FrameCases.All(), .. MessageCases.All(), .. CloseCases.All(), .. Utf8Cases.All(),
            .. CompressionCases.All()];
        return [.. Chapters.InOrder.SelectMany(chapter => cases.Where(item => item.Chapter == chapter))];
    }
}

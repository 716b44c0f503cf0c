// One run of the course, case after case: a server that is being built may handle one connection at a time.

using RawWs.Conformance;

namespace RawWs.Server.Console.Learn;

/// <param name="settings">What is to be done.</param>
/// <param name="state">Where it stopped before.</param>
/// <param name="tell">Is given the text as it comes.</param>
internal sealed class LearnRun(LearnSettings settings, CourseState state, Action<string> tell)
{
    private readonly Target _target = settings.Target!;
    private readonly LearnText _text = new(settings.Language);

    /// <summary>Plays from where it is to begin to the first case that fails, and writes down how far it came.</summary>
    /// <returns>Whether the course is passed.</returns>
    /// <exception cref="ServerGoneException">Nobody listens, or there is no such host.</exception>
    public async Task<bool> PlayAsync()
    {
        int begin = settings.From ?? (state.Next is { } id ? Math.Max(0, Course.Find(id)) : 0);
        if (begin > 0 && settings.From is null) tell(_text.OfGoingOn(Course.Cases[begin]));
        int index = 0;
        foreach (Stage stage in Course.Stages)
        {
            int passed = 0, skipped = Math.Clamp(begin - index, 0, stage.Cases.Count);
            index += stage.Cases.Count;
            if (skipped == stage.Cases.Count) continue;
            if (await IsLeftOutAsync(stage).ConfigureAwait(false)) continue;
            foreach (Case item in stage.Cases.Skip(skipped))
            {
                Target target = _target with { Transcript = new Transcript() };
                Result result = await PlayOrStopAsync(target, item).ConfigureAwait(false);
                if (result.Outcome == Outcome.Failed)
                {
                    if (passed > 0) tell(_text.OfStage(stage, passed));
                    tell(_text.OfFailure(result, target.Transcript));
                    Remember(item.Id);
                    return false;
                }

                passed++;
            }

            tell(_text.OfStage(stage, passed));
            Remember(index < Course.Cases.Count ? Course.Cases[index].Id : null);
        }

        Remember(null);
        tell(_text.OfEnd());
        return true;
    }

    /// <summary>Plays every case, and remembers nothing.</summary>
    /// <returns>Whether the course is passed.</returns>
    /// <exception cref="ServerGoneException">Nobody listens, or there is no such host.</exception>
    public async Task<bool> PlayAllAsync()
    {
        bool passed = true;
        foreach (Stage stage in Course.Stages)
        {
            if (await IsLeftOutAsync(stage).ConfigureAwait(false)) continue;
            int failed = 0;
            foreach (Case item in stage.Cases)
            {
                Result result = await Suite.PlayAsync(_target, item).ConfigureAwait(false);
                if (result.Outcome != Outcome.Failed) continue;
                failed++;
                tell(_text.OfFailureLine(result));
            }

            tell(_text.OfStage(stage, stage.Cases.Count - failed));
            passed &= failed == 0;
        }

        if (passed) tell(_text.OfEnd());
        return passed;
    }

    private async Task<Result> PlayOrStopAsync(Target target, Case item)
    {
        try
        {
            return await Suite.PlayAsync(target, item).ConfigureAwait(false);
        }
        catch (ServerGoneException)
        {
            Remember(item.Id);
            throw;
        }
    }

    // Nobody must compress.
    private async Task<bool> IsLeftOutAsync(Stage stage)
    {
        if (stage != Course.Stages[^1] || await Suite.CompressesAsync(_target).ConfigureAwait(false)) return false;
        tell(_text.OfStageLeftOut(stage));
        return true;
    }

    private void Remember(string? next)
    {
        if (state.Write(next) is { } unwritten) tell(_text.OfUnwritten(settings.StateFile, unwritten));
    }
}

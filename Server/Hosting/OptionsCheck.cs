// Checks the options when the host starts, with the server's own texts.

using Microsoft.Extensions.Options;

namespace RawWs.Server.Hosting;

internal sealed class OptionsCheck : IValidateOptions<ServerOptions>, IValidateOptions<RawWsHostingOptions>
{
    private static readonly TimeSpan DrainMax = TimeSpan.FromDays(1);

    public ValidateOptionsResult Validate(string? name, ServerOptions options) => Result(options.FindError());

    public ValidateOptionsResult Validate(string? name, RawWsHostingOptions options) => Result(
        options.Drain >= TimeSpan.Zero && options.Drain <= DrainMax
            ? null
            : $"{nameof(options.Drain)}: 0 to 86400 seconds, not {options.Drain.TotalSeconds}.");

    private static ValidateOptionsResult Result(string? error) =>
        error is null ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(error);
}

// A page, or a part of one, that the server answers plain HTTP requests with, beside its endpoints. Immutable; the application provides it.

namespace RawWs.Server;

/// <summary>
/// A page in HTML, or a script or style of one, with the path at which it is. GET and HEAD are answered with it, unless
/// they ask for an upgrade.
/// </summary>
/// <param name="Path">The path, percent-decoded; it begins with a slash. The same path may also be an endpoint.</param>
/// <param name="Html">The page, in UTF-8, or what else <see cref="ContentType"/> says. Its bytes must not change.</param>
/// <param name="ContentSecurityPolicy">
/// The value of the answer's Content-Security-Policy: what the page may load and run, in printable ASCII.
/// </param>
public sealed record HttpPage(string Path, ReadOnlyMemory<byte> Html, string ContentSecurityPolicy)
{
    /// <summary>The value of the answer's Content-Type, in printable ASCII. Default: that of HTML in UTF-8.</summary>
    public string ContentType { get; init; } = "text/html; charset=utf-8";
}

// The system refuses something at the start. Who starts says what could not start for it.

namespace RawWs.Server.Native;

/// <summary>The system refuses something that is needed.</summary>
/// <param name="refusal">What it refuses, in words.</param>
/// <param name="cause">The runtime's own exception, if there is one.</param>
internal sealed class RefusedException(string refusal, Exception? cause = null) : IOException(refusal, cause);

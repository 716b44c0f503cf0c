namespace RawWs.Benchmarks.Load;

/// <summary>
/// A load that cannot be put on, or cannot go on: the server is not there, or the time is up. The message is one line for people.
/// </summary>
internal sealed class LoadFailure(string message) : Exception(message);

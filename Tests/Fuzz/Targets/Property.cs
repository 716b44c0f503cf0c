// How a target says that a property does not hold: by an exception, which afl-fuzz keeps as a crash and NUnit shows as a failure.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace RawWs.Fuzz;

/// <summary>A property does not hold; the message is the property as it stands in the source.</summary>
internal sealed class PropertyException(string message) : Exception(message);

internal static class Property
{
    public static void Holds([DoesNotReturnIf(false)] bool holds, [CallerArgumentExpression(nameof(holds))] string property = "")
    {
        if (!holds) throw new PropertyException(property);
    }

    public static void Same<T>(T actual, T expected, [CallerArgumentExpression(nameof(actual))] string property = "")
    {
        if (!EqualityComparer<T>.Default.Equals(actual, expected))
            throw new PropertyException($"{property} is {actual}, expected {expected}");
    }

    public static void SameBytes(ReadOnlySpan<byte> actual, ReadOnlySpan<byte> expected,
        [CallerArgumentExpression(nameof(actual))] string property = "")
    {
        if (!actual.SequenceEqual(expected))
            throw new PropertyException($"{property} is {Convert.ToHexString(actual)}, expected {Convert.ToHexString(expected)}");
    }
}

// Whether a pass over text unmasks it: two types, known when a pass is compiled.

namespace RawWs.Frame;

/// <summary>Whether a pass unmasks. One that does not has no store in it.</summary>
internal interface IUtf8Mask
{
    static abstract bool Unmasks { get; }
}

/// <summary>The text is not masked, and is not written to.</summary>
internal readonly struct PlainText : IUtf8Mask
{
    public static bool Unmasks => false;
}

/// <summary>The text is masked, and is unmasked in place.</summary>
internal readonly struct MaskedText : IUtf8Mask
{
    public static bool Unmasks => true;
}

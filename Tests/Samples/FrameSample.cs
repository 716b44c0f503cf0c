// The example of Frame/README.md: what stands between the marks, behind the usings.

using RawWs.Frame;

namespace RawWs.Samples;

internal static class FrameSample
{
    public static void Run()
    {
        // README begins
        Conversation conversation = new(Role.Server, new ConversationLimits());
        Span<byte> arrived = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]; // a masked "Hello" (RFC 6455 §5.7)
        while (true)
        {
            Step step = conversation.Next(arrived, out int consumed);
            arrived = arrived[consumed..];
            if (step.Kind == StepKind.NeedMoreData) break; // what is left is given again, in front of what arrives next
            if (step.Kind == StepKind.Fail) throw new InvalidDataException($"{step.Rule}");
            if (step.Kind != StepKind.Message) continue;
            byte[] echo = new byte[FrameWriter.HeaderBytesMax + step.Payload.Length];
            Console.WriteLine(Convert.ToHexString(echo, 0, FrameWriter.Write(echo, (Opcode)step.MessageKind, step.Payload)));
        }

        // README ends
    }
}

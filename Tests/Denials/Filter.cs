// A seccomp filter: a small program that the kernel runs at each system call of this process. It lets the call pass, or has it return an
// error without carrying it out. It cannot be taken back; a further one can be put on top of it.
//
// The program looks at struct seccomp_data: the call's number at byte 0, the architecture at 4, and from 16 on six arguments of eight
// bytes.

using System.Runtime.InteropServices;

namespace RawWs.Denials;

internal static unsafe partial class Filter
{
    private const ushort Load = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private const ushort JumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private const ushort Return = 0x06; // BPF_RET | BPF_K
    private const uint Allow = 0x7FFF0000;
    private const uint Errno = 0x00050000;

    /// <summary>Whether there is such a thing on this machine: Linux on x64 or arm64, that lets us.</summary>
    public static bool IsKnown => OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    /// <summary>From now on these calls fail, on every thread. Returns 0, or the errno of the refusal.</summary>
    public static int Install(IReadOnlyList<Denial> denials)
    {
        const int PrSetNoNewPrivileges = 38, SetModeFilter = 1, AllThreads = 1;
        bool x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        List<Instruction> program = [new(Load, 0, 0, 4), new(JumpIfEqual, 1, 0, x64 ? 0xC000003E : 0xC00000B7), new(Return, 0, 0, Allow)];
        foreach (Denial denial in denials)
        {
            byte skipped = (byte)((2 * denial.Arguments.Count) + 1);
            program.Add(new Instruction(Load, 0, 0, 0));
            program.Add(new Instruction(JumpIfEqual, 0, skipped, (uint)denial.Number));
            foreach ((int index, uint value) in denial.Arguments)
            {
                skipped -= 2;
                program.Add(new Instruction(Load, 0, 0, (uint)(16 + (8 * index))));
                program.Add(new Instruction(JumpIfEqual, 0, skipped, value));
            }

            program.Add(new Instruction(Return, 0, 0, Errno | denial.Error));
        }

        program.Add(new Instruction(Return, 0, 0, Allow));
        fixed (Instruction* first = program.ToArray())
        {
            Program given = new() { Length = (ushort)program.Count, First = first };
            if (prctl(PrSetNoNewPrivileges, 1, 0, 0, 0) != 0) return Marshal.GetLastSystemError();
            nint result = syscall(x64 ? 317 : 277, SetModeFilter, AllThreads, (nint)(&given));
            return result == 0 ? 0 : result < 0 ? Marshal.GetLastSystemError() : -1;
        }
    }

    // struct sock_filter.
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    // struct sock_fprog.
    private struct Program
    {
        public ushort Length;
        public Instruction* First;
    }

    [LibraryImport("libc")] private static partial int prctl(int option, nint second, nint third, nint fourth, nint fifth);
    [LibraryImport("libc")] private static partial nint syscall(nint number, nint first, nint second, nint third);
}

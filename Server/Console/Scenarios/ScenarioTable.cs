// The scenarios: what stands in an address, and what happens then. The page lists this table, and ScenarioApplication looks a path up
// in it.

using System.Globalization;
using System.Text;
using RawWs.Frame;
using static System.FormattableString;

namespace RawWs.Server.Console.Scenarios;

/// <summary>One scenario.</summary>
/// <param name="Path">Its path; if it ends in a slash, a word must follow.</param>
/// <param name="Shown">The address as the page shows it, with its parameters.</param>
/// <param name="What">What happens, and the parameters with their defaults, for the page.</param>
/// <param name="Make">Makes it. What is wrong with the request it tells the query (<see cref="ScenarioQuery.Fail"/>).</param>
internal sealed record Scenario(string Path, string Shown, string What, Func<ScenarioRequest, ScenarioQuery, ScenarioPart?> Make);

/// <summary>A request for a scenario.</summary>
/// <param name="Word">What follows the scenario's path; empty for nothing.</param>
/// <param name="OffersDeflate">Whether the client offers permessage-deflate.</param>
/// <param name="MakeAnswer">Makes a valid answer, with these extensions, each byte a character.</param>
internal sealed record ScenarioRequest(string Word, bool OffersDeflate, Func<string?, string> MakeAnswer)
{
    /// <summary>A valid answer without extensions.</summary>
    public byte[] Answer => Encoding.Latin1.GetBytes(MakeAnswer(null));
}

internal static class ScenarioTable
{
    // How long a client has for its Close.
    private static readonly TimeSpan CloseMax = TimeSpan.FromSeconds(5);

    private const int CodeMax = ushort.MaxValue;
    private const int FragmentsUsual = 3, FragmentsMax = 1000;
    private const double EveryUsual = 1, EveryMin = 0.01, EveryMax = 60;
    private const int SpeedUsual = 10, SpeedMax = 1_000_000;
    private const double DropUsual = 0.1, DropMax = 60;

    /// <summary>Every scenario, in the order of the page.</summary>
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("/close/", "/close/{code}?reason=",
            Invariant($"Closes at once with this code, 0 to {CodeMax}, also one that may not be sent; or with none, without a code."),
            MakeClose),
        new("/fragment", Invariant($"/fragment?n={FragmentsUsual}"),
            Invariant($"Sends a text in n frames, 1 to {FragmentsMax}, and sends each message back in n frames. A character may be cut."),
            MakeFragment),
        new("/ping", Invariant($"/ping?every={EveryUsual}"),
            Invariant($"Sends a Ping every so many seconds, {EveryMin} to {EveryMax}, with its number. Messages come back."), MakePing),
        new("/slow", Invariant($"/slow?bytes-per-second={SpeedUsual}"),
            Invariant($"Sends a text, and then each message back, at this speed, 1 to {SpeedMax} bytes a second."), MakeSlow),
        new("/drop", Invariant($"/drop?after={DropUsual}&how=rst"),
            Invariant($"Answers nothing, and ends without a Close after so many seconds, 0 to {DropMax}: with a reset (rst), or with the ")
            + "end of the stream (fin).", MakeDrop),
        new("/silence", "/silence", "Opens, and then answers nothing: no message, no Ping, no Close.",
            static (request, _) => new ScenarioPart { Answer = request.Answer, Listens = false }),
        new("/badframe/", "/badframe/{rule}",
            Invariant($"Sends bytes that break a rule, and waits {CloseMax.TotalSeconds} seconds for the client's Close."), MakeBadFrame),
        new("/handshake/", "/handshake/{fault}", "Answers the request in this way. Then messages come back, if the client sends any.",
            MakeHandshake),
    ];

    private static ScenarioPart MakeClose(ScenarioRequest request, ScenarioQuery query)
    {
        byte[] reason = query.Text("reason", ClosePayload.ReasonBytesMax);
        int? code = null;
        if (request.Word != "none")
        {
            if (ushort.TryParse(request.Word, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)) code = number;
            else query.Fail(Invariant($"The code must be a whole number from 0 to {CodeMax}, or none."));
        }
        else if (reason.Length > 0)
        {
            query.Fail("A reason needs a code.");
        }

        return Last(request.Answer, ScenarioConnection.CloseFrame(code, reason));
    }

    private static ScenarioPart MakeFragment(ScenarioRequest request, ScenarioQuery query)
    {
        int count = query.Number("n", FragmentsUsual, 1, FragmentsMax);
        return new ScenarioPart
        {
            Answer = request.Answer,
            Fragments = count,
            Play = (connection, _) =>
            {
                connection.SendFragments(Opcode.Text, "one message, cut into pieces: é 中 😀"u8, count);
                return Task.CompletedTask;
            },
        };
    }

    private static ScenarioPart MakePing(ScenarioRequest request, ScenarioQuery query)
    {
        TimeSpan every = query.Seconds("every", EveryUsual, EveryMin, EveryMax);
        return new ScenarioPart
        {
            Answer = request.Answer,
            Play = async (connection, token) =>
            {
                int count = (int)(ScenarioConnection.TimeMax / every);
                for (int i = 1; i <= count; i++)
                {
                    connection.Send(Opcode.Ping, Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
                    await connection.Wait(every, token).ConfigureAwait(false);
                }
            },
        };
    }

    private static ScenarioPart MakeSlow(ScenarioRequest request, ScenarioQuery query) => new()
    {
        Answer = request.Answer,
        BytesPerSecond = query.Number("bytes-per-second", SpeedUsual, 1, SpeedMax),
        Play = static (connection, _) =>
        {
            connection.Send(Opcode.Text, "a few bytes at a time"u8);
            return Task.CompletedTask;
        },
    };

    private static ScenarioPart MakeDrop(ScenarioRequest request, ScenarioQuery query)
    {
        TimeSpan after = query.Seconds("after", DropUsual, 0, DropMax);
        bool isReset = query.Word("how", "rst", "fin") == "rst";
        return new ScenarioPart
        {
            Answer = request.Answer,
            Listens = false,
            Play = async (connection, token) =>
            {
                await connection.Wait(after, token).ConfigureAwait(false);
                if (isReset) connection.Abort();
                else connection.End();
            },
        };
    }

    private static ScenarioPart? MakeBadFrame(ScenarioRequest request, ScenarioQuery query)
    {
        if (BadFrames.All.FirstOrDefault(row => row.Rule.Name.Equals(request.Word, StringComparison.OrdinalIgnoreCase)) is not { } bad)
        {
            query.Fail("There is no such rule. /scenarios lists them.");
            return null;
        }

        if (bad.Bytes.IsEmpty) query.Fail($"{bad.Rule.Name} is a rule that only a client can break.");
        if (bad.NeedsDeflate && !request.OffersDeflate) query.Fail($"{bad.Rule.Name} needs a client that offers permessage-deflate.");
        return Last(Encoding.Latin1.GetBytes(request.MakeAnswer(bad.NeedsDeflate ? "permessage-deflate" : null)), bad.Bytes.ToArray()) with
        {
            Deflates = bad.NeedsDeflate,
        };
    }

    private static ScenarioPart? MakeHandshake(ScenarioRequest request, ScenarioQuery query)
    {
        if (HandshakeFaults.All.FirstOrDefault(fault => fault.Name == request.Word) is not { } fault)
        {
            query.Fail("There is no such fault. /scenarios lists them.");
            return null;
        }

        return new ScenarioPart
        {
            Answer = Encoding.Latin1.GetBytes(fault.Write(request.MakeAnswer(null))),
            Listens = fault.After != AfterAnswer.Silence,
            Play = fault.After != AfterAnswer.End
                ? null
                : static (connection, _) =>
                {
                    connection.End();
                    return Task.CompletedTask;
                },
        };
    }

    // These bytes, and then the client's Close or the end.
    private static ScenarioPart Last(byte[] answer, byte[] bytes) => new()
    {
        Answer = answer,
        Play = async (connection, token) =>
        {
            connection.SendLast(bytes);
            await connection.Wait(CloseMax, token).ConfigureAwait(false);
            connection.End();
        },
    };
}

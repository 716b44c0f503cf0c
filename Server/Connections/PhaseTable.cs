// The life of a connection, as data: in which phase it is, and what each thing that happens makes of that. Life finds the next phase here
// and nowhere else. A cell says the next phase, which frame or answer goes out, and what becomes of TCP.
//
//   phase \ event  Upgrades   Answers        Closes         PeerCloses      Fails           StreamEnds  Stops
//   Handshake      Open, 101  Draining, HTTP ·              —               —               Draining    Aborted, reset
//   Open           —          —              Closing, Close Draining, Close Draining, Close Draining    Closing, Close
//   Closing        —          —              ·              Draining        Draining        Draining    ·
//   Draining       —          —              ·              —               —               —           ·
//   Shut           —          —              ·              —               —               —           ·
//   Expired        —          —              ·              —               —               —           ·
//   Aborted        —          —              ·              —               —               —           ·
//   Ended          —          —              ·              —               —               —           ·
//
//   phase \ event  Flushes         Expires          Aborts          Crashes        Finishes
//   Handshake      ·               Aborted, reset   Aborted, reset  Ended, reset   —
//   Open           ·               Expired, closed  Aborted, reset  Ended, reset   —
//   Closing        ·               Expired, closed  Aborted, reset  Ended, reset   —
//   Draining       Shut, SHUT_WR   Expired, closed  Aborted, reset  Ended, reset   Ended, closed
//   Shut           ·               Expired, closed  Aborted, reset  Ended, reset   Ended, closed
//   Expired        ·               ·                Aborted, reset  Ended, reset   Ended, closed
//   Aborted        ·               ·                ·               Ended, reset   Ended, reset
//   Ended          ·               ·                ·               ·              ·
//
// A dot means that nothing changes; a dash is a dot for something that cannot happen there. In the first three phases bytes are parsed: a
// request, then frames, then frames for the peer's Close (§7.1.2). After that they are discarded (§1.4, §7.1.7), so a further Close or
// broken rule is not seen. Whoever finds the socket to be closed while a frame is sent in part resets it in any case.

namespace RawWs.Server.Connections;

/// <summary>The phases: the rows. A connection only moves forward. Those from Draining to Aborted are one to the outside.</summary>
internal enum Phase : byte
{
    /// <summary>The HTTP request is awaited, checked and answered.</summary>
    Handshake,

    /// <summary>Messages go both ways.</summary>
    Open,

    /// <summary>This server has sent a Close first. Frames are parsed for the peer's Close; data is not delivered.</summary>
    Closing,

    /// <summary>Nothing is parsed any more. What is queued is sent, and bytes are discarded.</summary>
    Draining,

    /// <summary>Everything is sent, and our stream has ended. Bytes are discarded until the peer's stream ends too.</summary>
    Shut,

    /// <summary>The time for the closing is over: the socket is to be closed, whatever is unsent.</summary>
    Expired,

    /// <summary>The socket is to be reset.</summary>
    Aborted,

    /// <summary>The socket is closed, and everything has been returned.</summary>
    Ended,
}

/// <summary>What happens to a connection: the columns.</summary>
internal enum PhaseEvent : byte
{
    /// <summary>The upgrade is accepted.</summary>
    Upgrades,

    /// <summary>The request is answered with anything else, and that is all.</summary>
    Answers,

    /// <summary>The server or the application closes (§7.1.2).</summary>
    Closes,

    /// <summary>The peer's Close has come.</summary>
    PeerCloses,

    /// <summary>The peer has broken a rule (§7.1.7), or what it sent could not be kept.</summary>
    Fails,

    /// <summary>The peer's stream has ended without a Close.</summary>
    StreamEnds,

    /// <summary>The server stops.</summary>
    Stops,

    /// <summary>Everything is sent.</summary>
    Flushes,

    /// <summary>The closing, or the stop of the server, has taken too long.</summary>
    Expires,

    /// <summary>The application aborts, or the peer receives nothing, or a part of a frame could not be kept.</summary>
    Aborts,

    /// <summary>This server's own code has failed on it.</summary>
    Crashes,

    /// <summary>Nothing is left to do.</summary>
    Finishes,
}

/// <summary>What goes out with a step.</summary>
internal enum SentWithStep : byte
{
    Nothing,

    /// <summary>An HTTP answer.</summary>
    Answer,

    /// <summary>A Close frame (§5.5.1), after which no message is sent.</summary>
    Close,
}

/// <summary>What becomes of TCP with a step.</summary>
internal enum TcpEnd : byte
{
    /// <summary>It stays as it is.</summary>
    None,

    /// <summary>Our direction ends (SHUT_WR).</summary>
    Shut,

    /// <summary>The socket is closed.</summary>
    Closed,

    /// <summary>The socket is closed with a reset.</summary>
    Reset,
}

/// <summary>A cell of the table.</summary>
internal readonly record struct PhaseStep(Phase Next, SentWithStep Sends = SentWithStep.Nothing, TcpEnd Tcp = TcpEnd.None);

/// <summary>The table, and how to look something up in it.</summary>
internal static class PhaseTable
{
    private const int Events = (int)PhaseEvent.Finishes + 1;

    private static readonly PhaseStep
        Opens = new(Phase.Open, SentWithStep.Answer),
        IsAnswered = new(Phase.Draining, SentWithStep.Answer),
        Closes = new(Phase.Closing, SentWithStep.Close),
        ClosesAndDrains = new(Phase.Draining, SentWithStep.Close),
        Drains = new(Phase.Draining),
        Shuts = new(Phase.Shut, Tcp: TcpEnd.Shut),
        Expires = new(Phase.Expired, Tcp: TcpEnd.Closed),
        Aborts = new(Phase.Aborted, Tcp: TcpEnd.Reset),
        Ends = new(Phase.Ended, Tcp: TcpEnd.Closed),
        EndsReset = new(Phase.Ended, Tcp: TcpEnd.Reset);

    private static readonly PhaseStep[] Steps = Fill(
    [
        (Phase.Handshake,
        [
            (PhaseEvent.Upgrades, Opens), (PhaseEvent.Answers, IsAnswered), (PhaseEvent.StreamEnds, Drains), (PhaseEvent.Stops, Aborts),
            (PhaseEvent.Expires, Aborts), (PhaseEvent.Aborts, Aborts), (PhaseEvent.Crashes, EndsReset),
        ]),
        (Phase.Open,
        [
            (PhaseEvent.Closes, Closes), (PhaseEvent.PeerCloses, ClosesAndDrains), (PhaseEvent.Fails, ClosesAndDrains),
            (PhaseEvent.StreamEnds, Drains), (PhaseEvent.Stops, Closes),
            (PhaseEvent.Expires, Expires), (PhaseEvent.Aborts, Aborts), (PhaseEvent.Crashes, EndsReset),
        ]),
        (Phase.Closing,
        [
            (PhaseEvent.PeerCloses, Drains), (PhaseEvent.Fails, Drains), (PhaseEvent.StreamEnds, Drains),
            (PhaseEvent.Expires, Expires), (PhaseEvent.Aborts, Aborts), (PhaseEvent.Crashes, EndsReset),
        ]),
        (Phase.Draining,
        [
            (PhaseEvent.Flushes, Shuts),
            (PhaseEvent.Expires, Expires), (PhaseEvent.Aborts, Aborts), (PhaseEvent.Crashes, EndsReset), (PhaseEvent.Finishes, Ends),
        ]),
        (Phase.Shut,
        [
            (PhaseEvent.Expires, Expires), (PhaseEvent.Aborts, Aborts), (PhaseEvent.Crashes, EndsReset), (PhaseEvent.Finishes, Ends),
        ]),
        (Phase.Expired, [(PhaseEvent.Aborts, Aborts), (PhaseEvent.Crashes, EndsReset), (PhaseEvent.Finishes, Ends)]),
        (Phase.Aborted, [(PhaseEvent.Crashes, EndsReset), (PhaseEvent.Finishes, EndsReset)]),
        (Phase.Ended, []),
    ]);

    /// <summary>The cell for this phase and event.</summary>
    public static PhaseStep After(Phase phase, PhaseEvent happened) => Steps[((int)phase * Events) + (int)happened];

    /// <summary>What those who look on are told of a phase.</summary>
    public static ConnectionPhase Shown(Phase phase) => phase switch
    {
        < Phase.Draining => (ConnectionPhase)phase,
        < Phase.Ended => ConnectionPhase.Draining,
        _ => ConnectionPhase.Ended,
    };

    // What is not named changes nothing.
    private static PhaseStep[] Fill(ReadOnlySpan<(Phase Phase, (PhaseEvent Happened, PhaseStep Step)[] Cells)> rows)
    {
        PhaseStep[] steps = new PhaseStep[rows.Length * Events];
        foreach ((Phase phase, (PhaseEvent Happened, PhaseStep Step)[] cells) in rows)
        {
            steps.AsSpan((int)phase * Events, Events).Fill(new PhaseStep(phase));
            foreach ((PhaseEvent happened, PhaseStep step) in cells) steps[((int)phase * Events) + (int)happened] = step;
        }

        return steps;
    }
}

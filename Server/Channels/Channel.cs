// One connection's bytes, whatever lies below: a plain socket (EpollChannel, SocketChannel), or a layer over another channel that changes
// bytes on their way, holds some back, or has bytes of its own to send. Nobody above a plain channel knows its descriptor.
//
// A channel belongs to one Transport, and is used on the owner's thread only. Nothing that a peer does throws: a call answers with a
// number. How many bytes, or Nothing, or an error below zero, which is final.
//
// A channel says that it is ready through the transport: the loop's events go to Transport.OnReady, and from there to the outermost
// channel, which asks the one below it. After that the transport asks for what it wants: WantReadable, WantWritable.

using System.Net;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Channels;

internal abstract class Channel
{
    /// <summary>The result of <see cref="Receive"/> when nothing is there now.</summary>
    public const int Nothing = int.MinValue;

    /// <summary>The result of <see cref="Receive"/> when bytes had come, and there was no memory to keep them.</summary>
    public const int Lost = int.MinValue + 1;

    /// <summary>
    /// Whether bytes are in the channel that no readiness will announce, because the kernel does not hold them any more. Then the transport
    /// receives again in a later turn.
    /// </summary>
    public virtual bool HasPending => false;

    /// <summary>
    /// Whether the channel holds bytes that the kernel has not accepted: some that were given to it, or its own. Then it takes no more, and
    /// is writable when they have left.
    /// </summary>
    public virtual bool WantsWrite => false;

    /// <summary>Whether frames with payload segments go to the kernel in one system call. Otherwise it is cheaper to copy.</summary>
    public virtual bool Gathers => false;

    /// <summary>Whether there is room again, which may not have been reported yet.</summary>
    public virtual bool IsWritable => false;

    /// <summary>How many bytes are there to be received, in the channel and in the kernel; 0 on a connection that is over.</summary>
    public virtual int BytesThere => 0;

    /// <summary>
    /// How many bytes the channel has sent that the peer's system has not acknowledged yet; below zero where nobody can say it.
    /// </summary>
    public virtual int BytesUnacknowledged => -1;

    /// <summary>The kernel's estimate of the way to the peer and back, in microseconds; below zero where nobody can say it.</summary>
    public virtual int RoundTripMicroseconds => -1;

    /// <summary>How many bytes more it has sent than it was given (TLS has some of its own); below zero if fewer.</summary>
    public virtual long BytesOfItsOwn => 0;

    /// <summary>The layer that is not open yet, the lowest of them. Until there is none, nothing can be sent.</summary>
    public virtual OpeningLayer Opening => OpeningLayer.None;

    /// <summary>
    /// What the peer has broken of the channel's own rules, as a sentence for a log; null for nothing. The stream has ended then.
    /// </summary>
    public virtual string? Fault => null;

    /// <summary>The name of the rule that was broken with it; null for none.</summary>
    public virtual string? FaultRule => null;

    /// <summary>The transport to which the channel belongs. Called once, before everything else.</summary>
    public virtual void Attach(Transport transport)
    {
    }

    /// <summary>
    /// What the loop's events mean for whoever uses the channel. A channel that did not ask for such an event answers nothing.
    /// </summary>
    /// <param name="transport">The transport to which the channel belongs.</param>
    /// <param name="events">The events of epoll; with another loop, what the plain channel has found (<see cref="Readiness"/>).</param>
    public virtual Readiness OnReady(Transport transport, uint events) => Readiness.None;

    /// <summary>
    /// The event has been handled, and the transport has asked for what it wants. What it does not want must not wake it.
    /// </summary>
    /// <param name="transport">The transport to which the channel belongs.</param>
    /// <param name="wanted">Whether bytes were wanted when the event came.</param>
    /// <returns>0, or an error below zero.</returns>
    public virtual int Settle(Transport transport, bool wanted) => 0;

    /// <summary>Receives once.</summary>
    /// <returns>
    /// How many bytes; 0 at the end of the peer's stream; <see cref="Nothing"/>; <see cref="Lost"/>; or an error below zero.
    /// </returns>
    public abstract int Receive(Span<byte> destination);

    /// <summary>
    /// Sends bytes, as many as there is room for now. If that is less than all, the caller asks for room (<see cref="WantWritable"/>).
    /// </summary>
    /// <param name="bytes">The bytes. They are the caller's again when this returns.</param>
    /// <param name="more">Whether more follows at once.</param>
    /// <returns>How many bytes were taken, or an error below zero.</returns>
    public abstract int Send(ReadOnlySpan<byte> bytes, bool more);

    /// <summary>
    /// The same for frames with payload segments. Each payload is sent from where it lies in <paramref name="source"/>, between the frames;
    /// in one system call if the channel <see cref="Gathers"/>.
    /// </summary>
    public virtual int Send(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments)
    {
        int sent = 0, at = 0, total = PayloadSegment.TotalBytes(frames, segments);
        foreach (PayloadSegment segment in segments)
        {
            if (!TrySendOn(frames[at..segment.FramesEnd], total, ref sent)
                || !TrySendOn(source.Slice(segment.Start, segment.Length), total, ref sent)) return sent;
            at = segment.FramesEnd;
        }

        if (at < frames.Length) TrySendOn(frames[at..], total, ref sent);
        return sent;
    }

    /// <summary>
    /// Room in the loop's batch for what a layer makes of the bytes that it is given (<see cref="SendBatch.Room"/>). Empty where nothing
    /// can join the batch. Otherwise what is written there can: the next call is <see cref="TryAddToBatch"/>.
    /// </summary>
    public virtual ArraySegment<byte> BatchRoom(Transport transport, int bytes) => default;

    /// <summary>
    /// Adds bytes to the loop's batch: they are sent when the events of this turn are handled, with those of other connections. False: they
    /// must be sent now.
    /// </summary>
    /// <param name="transport">Is told the result. It has nothing else in the batch.</param>
    /// <param name="frames">The frames that it is told of.</param>
    /// <param name="bytes">
    /// The bytes: the frames, or what a layer above has made of them. Both are pinned, and must not change before the result is told.
    /// </param>
    public virtual bool TryAddToBatch(Transport transport, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes) => false;

    /// <summary>
    /// The kernel has not taken these last bytes of what had joined the batch. A layer that has made them keeps them, and sends them as
    /// soon as there is room. False: they are the frames themselves, and their owner keeps them.
    /// </summary>
    public virtual bool TryKeepBatched(ReadOnlySpan<byte> bytes) => false;

    /// <summary>Asks to be told when bytes are there.</summary>
    /// <returns>0, or an error below zero.</returns>
    public abstract int WantReadable(Transport transport);

    /// <summary>Asks to be told, once, when there is room.</summary>
    /// <returns>0, or an error below zero.</returns>
    public abstract int WantWritable(Transport transport);

    /// <summary>
    /// Ends our direction when everything has left, in the channel's own way, and with SHUT_WR at last: the peer sees the end of the stream
    /// after the last byte.
    /// </summary>
    public abstract void ShutdownWrite();

    /// <summary>Closes the socket, and returns what the channel has.</summary>
    /// <param name="transport">The transport to which the channel belongs.</param>
    /// <param name="reset">The peer sees RST. It does too when bytes are lost that were given to the channel.</param>
    public abstract void Close(Transport transport, bool reset);

    /// <summary>This end's address; null where the system does not say it.</summary>
    public virtual IPEndPoint? FindLocalEndPoint() => null;

    /// <summary>Makes the kernel give up when sent bytes stay unacknowledged for so long, if the system can do that.</summary>
    public virtual void SetUserTimeout(TimeSpan timeout)
    {
    }

    /// <summary>The words for an error of a call, for a log: "recv failed with EIO". Empty if the peer has caused it.</summary>
    /// <param name="call">The call: recv, send, epoll_ctl.</param>
    /// <param name="error">What the call has answered, below zero.</param>
    public virtual string Describe(string call, int error) => Errno.IsOfThePeer(-error) ? "" : Errno.Describe(call, -error);

    // Adds to what is sent; an error takes its place. False when not all of it was sent.
    private bool TrySendOn(ReadOnlySpan<byte> bytes, int total, ref int sent)
    {
        int further = Send(bytes, more: sent + bytes.Length < total);
        sent = further < 0 ? further : sent + further;
        return further == bytes.Length;
    }
}

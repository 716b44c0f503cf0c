// How a transport talks to the connection that owns it.

using RawWs.Server.Native;

namespace RawWs.Server.Channels;

/// <summary>Is told what happens at the transport, on the owner's thread.</summary>
internal interface ITransportOwner
{
    /// <summary>
    /// The kernel accepts bytes again, after <see cref="Transport.TryWrite(ReadOnlySpan{byte}, bool)"/> could not send all.
    /// </summary>
    void OnWritable();

    /// <summary>The connection is dead: nothing can be sent. A pending read completes by itself.</summary>
    /// <param name="failure">The system call that has ended the connection and its error, in words; empty if the peer has ended it.</param>
    void OnBroken(string failure);

    /// <summary>
    /// The kernel has not sent all bytes of a batched send, but <paramref name="sent"/> of them; -1 when the connection is dead. The rest
    /// must be copied, and goes before everything else; <see cref="OnWritable"/> follows. All of them: a layer has the rest
    /// (<see cref="Transport.IsSending"/>), or they were sent, which is told only while the loop watches frames. In this call nothing may
    /// be sent, broken or closed.
    /// </summary>
    void OnBatchSent(ReadOnlySpan<byte> frames, int sent);

    /// <summary>
    /// These bytes have been received, and nothing has changed them. Told only while the loop watches frames, and before they are counted.
    /// </summary>
    void OnReceived(ReadOnlySpan<byte> bytes);

    /// <summary>The peer's stream has ended. A read that waits, or the next one, says so too.</summary>
    void OnStreamEnd();

    /// <summary>
    /// Bytes have arrived. An owner that knows that a large payload goes on may give the place where it wants them, and saves a copy. The
    /// reader sees them there. False: they are received into the loop's buffer.
    /// </summary>
    bool TryGetRoom(out ArraySegment<byte> room);

    /// <summary>
    /// There was no memory to keep the unconsumed bytes, and they are lost. Nothing can be read from this connection any more.
    /// </summary>
    void OnBytesLost();

    /// <summary>The peer is a proxy's end, and this is its client.</summary>
    void OnClientNamed(PeerAddress client);

    /// <summary>An exception that no peer can cause: a bug of the server. It ends this connection.</summary>
    void OnFailed(Exception exception);
}

"""A foreign server to compare with: Python's websockets, on asyncio.

    python3 websockets_server.py PORT [SPEEDUPS]

On 127.0.0.1; port 0 takes a free one. "/" echoes each message whole; "/all" sends each to everybody who is connected there. Says "listening on
127.0.0.1:PORT" once it accepts. Messages of up to 64 MiB, without compression; everything else is the library's default: a Ping every 20 s, and 16
messages in a queue. SPEEDUPS is its masking in C, which the library's own packages have, and Debian's only as source.
"""
import asyncio
import importlib.util
import signal
import sys

if len(sys.argv) not in (2, 3) or not sys.argv[1].isdigit():
    sys.exit("usage: websockets_server.py PORT [SPEEDUPS]")
if len(sys.argv) == 3:
    spec = importlib.util.spec_from_file_location("websockets.speedups", sys.argv[2])
    sys.modules["websockets.speedups"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["websockets.speedups"])

import websockets  # noqa: E402

everybody = set()


async def serve(socket, path):
    try:
        if path != "/all":
            async for message in socket:
                await socket.send(message)
            return
        everybody.add(socket)
        async for message in socket:
            websockets.broadcast(everybody, message)
    except websockets.ConnectionClosed:
        pass  # the peer has gone; nobody misses it
    finally:
        everybody.discard(socket)


async def main():
    ended = asyncio.get_running_loop().create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, lambda: ended.done() or ended.set_result(None))
    # Thousands connect at once where it is measured.
    server = await websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), compression=None, max_size=64 << 20, backlog=4096)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await ended


asyncio.run(main())

"""The drivers of Python's parsers: websockets (with or without its speedups in C) and wsproto. What they print is told in c/drive.h.

    drive.py websockets|websockets-c|wsproto [SPEEDUPS] CORPUS WIRE...

Both are protocols without I/O; an arrival is a slice of the wire, which is a copy. websockets gives frames: its users' code, which is here as it
is in its own connection, puts them together and decodes text.
"""
import importlib.util
import os
import struct
import sys
import time

WARM_UP_NS, SAMPLE_NS, SAMPLES = 1_000_000_000, 60_000_000, 8
MESSAGE_BYTES_MAX = 64 << 20


class Websockets:
    def __init__(self, deliver, send):
        from websockets.connection import Connection, Side, State

        self.connection = Connection(Side.SERVER, State.OPEN, max_size=MESSAGE_BYTES_MAX)
        self.deliver, self.send, self.parts, self.kind = deliver, send, [], 0

    def feed(self, arrival):
        connection = self.connection
        connection.receive_data(arrival)
        for frame in connection.events_received():
            opcode = int(frame.opcode)
            if opcode >= 8:
                continue
            if opcode:
                self.kind = opcode
            self.parts.append(frame.data)
            if frame.fin:
                data = b"".join(self.parts) if len(self.parts) > 1 else frame.data
                self.parts.clear()
                self.deliver(self.kind, data.decode() if self.kind == 1 else data)
        for data in connection.data_to_send():
            self.send(data)
        return connection.parser_exc is None


class Wsproto:
    def __init__(self, deliver, send):
        from wsproto.connection import Connection, ConnectionType

        self.connection = Connection(ConnectionType.SERVER)
        self.deliver, self.send, self.parts = deliver, send, []

    def feed(self, arrival):
        from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

        self.connection.receive_data(arrival)
        for event in self.connection.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                self.parts.append(event.data)
                if event.message_finished:
                    whole = self.parts[0] if len(self.parts) == 1 else type(event.data)().join(self.parts)
                    self.parts.clear()
                    self.deliver(1 if isinstance(whole, str) else 2, whole)
            elif isinstance(event, Ping):
                self.send(self.connection.send(event.response()))
            elif isinstance(event, CloseConnection):
                return False  # the corpus has no Close: a broken rule is told as one
        return True


def load(corpus, name):
    read = {}
    for ending in ("wire", "arrivals", "messages", "pongs"):
        with open(os.path.join(corpus, f"{name}.{ending}"), "rb") as file:
            read[ending] = file.read()
    read["arrivals"] = [length for (length,) in struct.iter_unpack("<I", read["arrivals"])]
    return read


def feed_all(parser, wire, arrivals):
    at, feed = 0, parser.feed
    for length in arrivals:
        if not feed(wire[at : at + length]):
            return False
        at += length
    return True


def mistake(make, expected):
    messages, sent = bytearray(), bytearray()

    def deliver(kind, data):
        data = data.encode() if kind == 1 else bytes(data)
        messages.extend(struct.pack("<BI", kind, len(data)) + data)

    parser = make(deliver, sent.extend)
    for _ in range(2):
        messages.clear()
        sent.clear()
        try:
            if not feed_all(parser, expected["wire"], expected["arrivals"]):
                return f"refused: {getattr(parser.connection, 'parser_exc', '')}"
        except Exception as error:
            return f"refused: {error!r}"
        if messages != expected["messages"]:
            return "other messages"
        if sent != expected["pongs"]:
            return "other Pongs"
    return None


def accepts(make, wire):
    sent = bytearray()
    try:
        return make(lambda kind, data: None, sent.extend).feed(wire) and sent[:1] != b"\x88"
    except Exception:
        return False


def measure(make, corpus, name):
    read = load(corpus, name)
    parser = make(lambda kind, data: None, lambda data: None)

    def run(enough):
        rounds, begun = 0, time.perf_counter_ns()
        while True:
            feed_all(parser, read["wire"], read["arrivals"])
            rounds += 1
            ns = time.perf_counter_ns() - begun
            if ns >= enough:
                return ns / rounds

    run(WARM_UP_NS)
    times = [run(SAMPLE_NS) for _ in range(SAMPLES)]
    mean = sum(times) / SAMPLES
    spread = (sum((one - mean) ** 2 for one in times) / (SAMPLES - 1)) ** 0.5
    print(f"time\t{name}\t{mean:.1f}\t{spread:.1f}", flush=True)


def names(directory):
    return sorted(name[:-5] for name in os.listdir(directory) if name.endswith(".wire"))


def main():
    words = sys.argv[1:]
    which = words.pop(0)
    make = Wsproto if which == "wsproto" else Websockets
    if which == "websockets-c":
        spec = importlib.util.spec_from_file_location("websockets.speedups", words.pop(0))
        sys.modules["websockets.speedups"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["websockets.speedups"])
    elif which == "websockets":
        sys.modules["websockets.speedups"] = None  # its import fails, wherever it might be
    library = __import__("wsproto" if which == "wsproto" else "websockets.version", fromlist=["x"])
    version = library.__version__ if which == "wsproto" else library.version
    called = {"websockets": "websockets, no C (Python)", "websockets-c": "websockets (Python)", "wsproto": "wsproto (Python)"}[which]
    print(f"parser\t{called}\t{version}, Python {sys.version.split()[0]}")
    corpus = words.pop(0)
    for name in names(corpus):
        # Half a minute, for a wire whose kind the smaller ones have: one byte after the other of 1 MiB.
        if name.endswith("bytebybyte-1048576"):
            continue
        why = mistake(make, load(corpus, name))
        if why is not None:
            print(f"wrong\t{name}\t{why}")
            return
    print("right", flush=True)
    broken = os.path.join(corpus, "broken")
    for name in names(broken):
        with open(os.path.join(broken, f"{name}.wire"), "rb") as file:
            if accepts(make, file.read()):
                print(f"accepts\t{name}")
    for name in words:
        measure(make, corpus, name)


main()

"""Bare receivers in four shapes, for the measurement of docs/decisions/0002: what does the shape alone cost?

Not a server: it accepts whatever is proposed, in the first transfer syntax, and writes data sets as they arrive,
syncing where SPIKE_SYNC is set. Usage: receivers.py threads|parked|loop|asyncio|processes PORT FOLDER [PROCESSES]
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import queue
import resource
import selectors
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable

BUFFER = 1 << 20
COUNTER = itertools.count()
FOLDER = "."
SYNC = "SPIKE_SYNC" in os.environ
HEAD = struct.Struct(">BxI")


def accept_of(body: bytes) -> bytes:
    """An A-ASSOCIATE-AC that takes every context with its first transfer syntax."""
    items = [b"\x10\x00\x00\x15" + b"1.2.840.10008.3.1.1.1"]
    offset = 68
    while offset < len(body):
        kind, length = body[offset], int.from_bytes(body[offset + 2 : offset + 4], "big")
        item = body[offset + 4 : offset + 4 + length]
        if kind == 0x20:
            abstract = 4 + int.from_bytes(item[6:8], "big")
            size = int.from_bytes(item[4 + abstract + 2 : 4 + abstract + 4], "big")
            syntax = item[4 + abstract : 4 + abstract + 4 + size]
            reply = bytes([item[0], 0, 0, 0]) + syntax
            items.append(b"\x21\x00" + len(reply).to_bytes(2, "big") + reply)
        offset += 4 + length
    user = b"\x51\x00\x00\x04" + (131072).to_bytes(4, "big") + b"\x52\x00\x00\x071.2.3.4"
    items.append(b"\x50\x00" + len(user).to_bytes(2, "big") + user)
    out = body[:68] + b"".join(items)
    return b"\x02\x00" + len(out).to_bytes(4, "big") + out


def response_of(context: int, command: bytes) -> bytes:
    """A C-STORE-RSP (or C-ECHO-RSP), status 0, as one P-DATA-TF."""
    fields: dict[int, bytes] = {}
    offset = 0
    while offset < len(command):
        element, length = struct.unpack_from("<2xHI", command, offset)
        fields[element] = command[offset + 8 : offset + 8 + length]
        offset += 8 + length
    out = b""
    values = {
        0x0002: fields.get(0x0002, b""),
        0x0100: struct.pack("<H", int.from_bytes(fields[0x0100], "little") | 0x8000),
        0x0120: fields[0x0110],
        0x0800: b"\x01\x01",
        0x0900: b"\x00\x00",
        0x1000: fields.get(0x1000, b""),
    }
    for element, value in values.items():
        if value:
            out += struct.pack("<HHI", 0, element, len(value)) + value
    out = struct.pack("<HHII", 0, 0, 4, len(out)) + out
    return struct.pack(">BxIIBB", 4, len(out) + 6, len(out) + 2, context, 3) + out


class Machine:
    """Bytes in, slices to a file, answers out; partial PDVs are passed on as they come."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.send = send
        self.kept = b""
        self.pdu_left = 0
        self.pdv_left = 0
        self.header = b""
        self.context = 0
        self.flags = 0
        self.command = b""
        self.fd = -1

    def feed(self, view: memoryview) -> bool:
        if self.kept:
            view = memoryview(self.kept + bytes(view))
            self.kept = b""
        offset, end = 0, len(view)
        slices: list[memoryview] = []
        while True:
            if self.pdv_left:
                take = min(self.pdv_left, end - offset)
                part = view[offset : offset + take]
                self.pdv_left -= take
                self.pdu_left -= take
                offset += take
                if self.flags & 1:
                    self.command += part
                else:
                    slices.append(part)
                if self.pdv_left:
                    break
                if self.flags & 2:
                    self.message_part_done(slices)
                continue
            if self.pdu_left:
                if end - offset < 6:
                    break
                length, self.context, self.flags = struct.unpack_from(">IBB", view, offset)
                offset += 6
                self.pdv_left = length - 2
                self.pdu_left -= 6
                if self.fd < 0 and not self.flags & 1:
                    path = f"{FOLDER}/{os.getpid()}-{next(COUNTER)}.dcm"
                    self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                continue
            if end - offset < 6:
                break
            kind, length = HEAD.unpack_from(view, offset)
            if kind == 4:
                self.pdu_left = length
                offset += 6
                continue
            if end - offset < 6 + length:
                break
            body = bytes(view[offset + 6 : offset + 6 + length])
            offset += 6 + length
            if kind == 1:
                self.send(accept_of(body))
            elif kind == 5:
                self.send(b"\x06\x00\x00\x00\x00\x04\x00\x00\x00\x00")
            else:
                return False
        if slices:
            os.writev(self.fd, slices)
        if offset < end:
            self.kept = bytes(view[offset:])
        return True

    def message_part_done(self, slices: list[memoryview]) -> None:
        if self.flags & 1:
            if b"\x00\x00\x00\x01\x02\x00\x00\x00\x30\x00" in self.command:
                self.send(response_of(self.context, self.command))
                self.command = b""
            return
        os.writev(self.fd, slices)
        slices.clear()
        if SYNC:
            os.fdatasync(self.fd)
        os.close(self.fd)
        self.fd = -1
        self.send(response_of(self.context, self.command))
        self.command = b""


LOCAL = threading.local()


def own_buffer() -> memoryview:
    if not hasattr(LOCAL, "buffer"):
        LOCAL.buffer = memoryview(bytearray(BUFFER))
    view: memoryview = LOCAL.buffer
    return view


def blocking(sock: socket.socket) -> None:
    """A thread for an association's whole life."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    machine, view = Machine(sock.sendall), own_buffer()
    with sock, contextlib.suppress(OSError):
        while (count := sock.recv_into(view)) and machine.feed(view[:count]):
            pass


def run_threads(listener: socket.socket) -> None:
    while True:
        threading.Thread(target=blocking, args=(listener.accept()[0],), daemon=True).start()


def run_parked(listener: socket.socket) -> None:
    """A selector for the quiet ones, pooled threads in blocking calls for the busy ones."""
    work: queue.SimpleQueue[tuple[socket.socket, Machine]] = queue.SimpleQueue()
    parked: queue.SimpleQueue[tuple[socket.socket, Machine]] = queue.SimpleQueue()
    wake_in, wake_out = socket.socketpair()
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    selector.register(wake_in, selectors.EVENT_READ, None)

    def worker() -> None:
        view = own_buffer()
        while True:
            sock, machine = work.get()
            sock.settimeout(0.1)
            try:
                while (count := sock.recv_into(view)) and machine.feed(view[:count]):
                    pass
                sock.close()
            except TimeoutError:
                parked.put((sock, machine))
                wake_out.send(b"x")
            except OSError:
                sock.close()

    for _ in range(16):
        threading.Thread(target=worker, daemon=True).start()
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                sock = listener.accept()[0]
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(sock, selectors.EVENT_READ, Machine(sock.sendall))
            elif key.fileobj is wake_in:
                wake_in.recv(4096)
                while not parked.empty():
                    sock, machine = parked.get()
                    selector.register(sock, selectors.EVENT_READ, machine)
            else:
                selector.unregister(key.fileobj)
                work.put((key.fileobj, key.data))  # type: ignore[arg-type]


def run_loop(listener: socket.socket) -> None:
    """One selector loop does everything, disk writes included."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    view = own_buffer()
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                sock = listener.accept()[0]
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setblocking(False)
                selector.register(sock, selectors.EVENT_READ, Machine(sock.sendall))
                continue
            peer: socket.socket = key.fileobj  # type: ignore[assignment]
            try:
                alive = (count := peer.recv_into(view)) and key.data.feed(view[:count])
            except OSError:
                alive = False
            if not alive:
                selector.unregister(peer)
                peer.close()


class Protocol(asyncio.BufferedProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.machine = Machine(transport.write)
        self.transport = transport
        self.view = memoryview(bytearray(BUFFER))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.view

    def buffer_updated(self, nbytes: int) -> None:
        if not self.machine.feed(self.view[:nbytes]):
            self.transport.close()


async def run_asyncio(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(Protocol, sock=listener)
    await server.serve_forever()


def report(*_: object) -> None:
    """On SIGTERM: user and system seconds, peak resident kilobytes."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    os.write(1, f"{usage.ru_utime:.2f} {usage.ru_stime:.2f} {usage.ru_maxrss}\n".encode())
    os._exit(0)


def main() -> None:
    global FOLDER
    shape, port, FOLDER = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    signal.signal(signal.SIGTERM, report)
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    if shape == "processes":
        for _ in range(int(sys.argv[4]) - 1):
            if os.fork() == 0:
                break
        shape = "threads"
    os.write(1, b"ready\n")
    if shape == "asyncio":
        asyncio.run(run_asyncio(listener))
    {"threads": run_threads, "parked": run_parked, "loop": run_loop}[shape](listener)


if __name__ == "__main__":
    main()

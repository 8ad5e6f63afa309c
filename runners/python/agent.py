#!/usr/bin/env python3
"""The ordinary sockets of this machine as a target: an agent in real time, to be copied and changed.

It reads lines from standard input and answers on standard output; runners/PROTOCOL.md has them all. tcpvet starts it in a
network namespace of its own, sends packets into that, and has the calls made here. None may hold up the others: each is
a generator, which yields while it has to wait, and is gone on with when its socket is ready.
"""
import errno, os, select, socket, sys

CAN = "ipv4 ipv6 listen connect accept send recv shutdown close abort urgent sack timestamps window-scale".split()
ERRORS = {"ECONNREFUSED": "refused", "ECONNRESET": "reset", "ETIMEDOUT": "timed-out", "EHOSTUNREACH": "unreachable",
          "ENETUNREACH": "unreachable", "EPIPE": "closing", "ENOTCONN": "does-not-exist", "EADDRINUSE": "already-exists"}
epoll = select.epoll()
sockets = {}  # by the names that the tester gives them
files = {}  # the same, by their descriptors


def end_point(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def retry(attempt, *arguments):
    while True:
        try:
            return attempt(*arguments)
        except BlockingIOError:
            yield


class Socket:
    def __init__(self, name, file):
        file.setblocking(False)
        epoll.register(file, select.EPOLLONESHOT)
        sockets[name] = files[file.fileno()] = self
        self.name, self.file, self.reads, self.writes = name, file, [], []  # calls that wait: number and generator

    def listen(self, local, backlog, *_):
        self.file.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.file.bind(end_point(local))
        yield from retry(self.file.listen, int(backlog.removeprefix("backlog=")))

    def connect(self, local, peer, *_):
        self.file.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: else the machine's ports run out
        self.file.bind((local, 0))
        while code := self.file.connect_ex(end_point(peer)):
            if code not in (errno.EINPROGRESS, errno.EALREADY):
                raise OSError(code, os.strerror(code))
            yield

    def accept(self, name):
        file, (host, port, *_) = yield from retry(self.file.accept)
        Socket(name, file)
        return f"{name} [{host}]:{port}" if ":" in host else f"{name} {host}:{port}"

    def send(self, data, urgent=""):
        data = left = memoryview(bytes.fromhex(data.strip("-")))
        while left:
            left = left[(yield from retry(self.file.send, left, socket.MSG_OOB if urgent else 0)):]
        return f"count {len(data)}"

    def recv(self, amount=None):
        had = b""
        while piece := (yield from retry(self.file.recv, int(amount) - len(had) if amount else 1 << 20)):
            had += piece
            if amount is None or len(had) == int(amount):
                break
        return f"data {had.hex()}" if had else "eof"

    def shutdown(self):
        yield from retry(self.file.shutdown, socket.SHUT_WR)

    def close(self, why="closing", kept=1):  # the first call in `writes` is this one itself
        for number, _ in self.reads + self.writes[kept:]:
            print("result", number, "error", why)
        del sockets[self.name], files[self.file.fileno()], self.reads[:], self.writes[kept:]
        yield from retry(self.file.close)

    def abort(self):
        self.file.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # for no time: a close is a RST
        yield from self.close("reset", 0)

    def advance(self, queue):
        """Goes on with calls, in order, up to one that has to wait."""
        while queue:
            number, steps = queue[0]
            try:
                next(steps)
                break
            except StopIteration as end:
                event = ["event accepted", self.name] if steps.__name__ == "accept" else ["result", number]
                print(*event, end.value or "ok")
            except OSError as error:
                word = errno.errorcode.get(error.errno, str(error))
                print("result", number, "error", ERRORS.get(word, "error"), word)
            queue.pop(0)
        if self.name in sockets and (self.reads or self.writes):
            events = bool(self.reads) * select.EPOLLIN | bool(self.writes) * select.EPOLLOUT
            epoll.modify(self.file, events | select.EPOLLONESHOT)


def call(number, kind, name, *words):
    if kind in ("listen", "connect"):
        if name in sockets:
            return print("result", number, "error already-exists")
        Socket(name, socket.socket(socket.AF_INET6 if words[0].count(":") > 1 else socket.AF_INET))
    if kind not in CAN or name not in sockets:
        return print("result", number, "error does-not-exist" if kind in CAN else "unsupported")
    it = sockets[name]
    queue = [] if kind == "abort" else it.reads if kind in ("accept", "recv") else it.writes
    queue.append((number, getattr(it, kind)(*words)))
    it.advance(queue)
    if number in dict(queue):
        print("pending", number)


def wait(timeout):
    """Goes on with the calls on all sockets that are ready; whether the tester has something to say."""
    ready = [descriptor for descriptor, _ in epoll.poll(timeout)]
    for it in [files[descriptor] for descriptor in ready if descriptor in files]:
        it.advance(it.writes)
        it.advance(it.reads)
    return 0 in ready


def obey(line):
    match line.split():
        case ["tcpvet", "1", "realtime"]:
            print("agent", "python-" + sys.version.split()[0], "can", *CAN)
        case ["call", number, kind, name, *words]:
            call(number, kind, name, *words)
        case ["forget", *names]:
            for it in [sockets[name] for name in names if name in sockets]:
                del it.reads[:], it.writes[:]  # nobody waits for these any more
                list(it.abort())
        case ["sync", number]:
            wait(0)
            print("synced", number)
        case _:
            print("unknown", line)


epoll.register(0, select.EPOLLIN)
rest = b""
while True:
    if wait(None):
        if not (piece := os.read(0, 1 << 20)):
            break
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            obey(line.decode())
    sys.stdout.flush()

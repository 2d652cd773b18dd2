"""Stories of clients who mean harm: nonsense, slowness, floods. After each the workers are the same, nothing complained, and others
were served meanwhile. The first opens what the last wants to see closed."""
import http.client
import random
import resource
import signal
import socket
import ssl
import threading
from pathlib import Path

import h2
from dialog import Connection
from world import wait

STORIES = []
PATH = "/store/v1.0.0/files/meanwhile"
GROWTH = 16 << 20  # bytes that a worker may grow by under a flood
SLOW = {}


def story(function):
    STORIES.append(function)
    return function


def children(pid):
    return {int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def master(gateway):
    return int((gateway.folder / "run/nginx.pid").read_text())


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


class Watched:
    """Asks all the while, over connections that it keeps: nobody else may suffer, no worker may end or swell."""

    def __init__(self, gateway, clients=2):
        self.gateway, self.stopping, self.done, self.failures = gateway, False, 0, []
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def run(self):
        c = http.client.HTTPConnection("127.0.0.1", self.gateway.http, timeout=10)
        while not self.stopping:
            try:
                c.request("GET", PATH)
                r = c.getresponse()
                r.read()
                self.done += 1
                if r.status != 200:
                    self.failures.append(r.status)
            except (OSError, http.client.HTTPException) as e:
                self.failures.append(repr(e))
                c.close()

    def __enter__(self):
        for t in self.threads:
            t.start()
        wait("requests of others", lambda: self.done > 20)
        self.workers = {pid: resident(pid) for pid in children(master(self.gateway))}
        return self

    def __exit__(self, kind, *_):
        before = self.done
        if kind is None:
            wait("requests of others", lambda: self.done > before + 20)
        self.stopping = True
        for t in self.threads:
            t.join()
        assert not self.failures, self.failures[:3]
        assert children(master(self.gateway)) == set(self.workers), "a worker ended"
        if "san-" not in self.gateway.binary.parts[-3]:  # sanitizers keep what is freed
            grown = {pid: resident(pid) - was for pid, was in self.workers.items()}
            assert max(grown.values()) < GROWTH, f"grown by {grown} bytes"


def until_answered(c, wanted=1):
    """All frames up to an answer on that stream or the gateway's last word."""
    for kind, flags, stream, payload in c.frames():
        yield kind, flags, stream, payload
        if kind == h2.GOAWAY or (stream == wanted and kind in (h2.HEADERS, h2.RST_STREAM)):
            return


@story
def slow_clients_hold_nobody_up(world, _):
    gateway = world.gateway().start()
    kept = [Connection(gateway.http) for _ in range(150)]
    with Watched(gateway):
        for i, c in enumerate(kept):
            c.send(b"GET /store/v1.0.0/files/slow HTTP/1.1\r\nHost: x\r\nX-Half: " + b"a" * i if i % 3 else b"POST")
        for _ in range(50):
            kept.append(Connection(gateway.https))  # and no word of TLS
    SLOW["gateway"], SLOW["connections"] = gateway, kept


def mutations(seed, n):
    """Requests with a few bytes changed, doubled or lost, and plain noise."""
    r = random.Random(seed)
    whole = [b"GET /store/v1.0.0/products?x=1 HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer a.b.c\r\n\r\n",
             b"POST /store/v1.0.0/files/a HTTP/1.1\r\nHost: gw\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\nhello world",
             b"PUT /store/v1.0.0/files/a HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
             b"GET /store/v1.0.0/files/special/websocket HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nnoise",
             b"OPTIONS /cors/a HTTP/1.1\r\nHost: gw\r\nOrigin: http://a\r\nAccess-Control-Request-Method: GET\r\n\r\n",
             b"GET /users/opaque HTTP/1.1\r\nHost: gw\r\nAuthorization: Basic YTpi\r\nX-Request-ID: \xff\r\n\r\n"]
    for _ in range(n):
        data = bytearray(r.choice(whole) * r.choice((1, 1, 2)))
        for _ in range(r.randrange(1, 6)):
            at, how = r.randrange(len(data)), r.randrange(4)
            if how == 0:
                data[at] = r.randrange(256)
            elif how == 1:
                del data[at:at + r.randrange(1, 20)]
            elif how == 2:
                data[at:at] = data[at:at + 10] * r.choice((1, 50, 2000))
            else:
                data[at:at] = r.randbytes(r.randrange(1, 100))
            data = data or bytearray(b"x")
        yield bytes(data[:r.randrange(1, len(data) + 1)] if r.random() < 0.2 else data)


@story
def nonsense_from_all_sides_harms_nobody(world, _):
    gateway = world.gateway().start()

    def throw(seed):
        for data in mutations(seed, 250):
            for port in (gateway.http, gateway.https)[:1 + (seed % 5 == 0)]:
                try:
                    with socket.create_connection(("127.0.0.1", port), 5) as s:
                        s.settimeout(0.05)
                        s.sendall(data)
                        s.recv(4096)
                except OSError:
                    pass  # refused, reset or left waiting for the rest: all of it is fine
    with Watched(gateway):
        threads = [threading.Thread(target=throw, args=(seed,)) for seed in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    return gateway


@story
def huge_headers_cost_nothing_that_lasts(world, _):
    gateway = world.gateway().start()
    with Watched(gateway):
        for _ in range(100):
            c = Connection(gateway.http)
            c.send(b"GET /store/v1.0.0/files/a HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"h" * 19000) for i in range(12)) + b"\r\n")
            assert c.answer().status == 413
            c.close()
        c = Connection(gateway.http)
        c.send(b"GET /store/v1.0.0/files/a HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n")
        assert c.answer().status == 413
        c.close()
    return gateway


@story
def streams_that_are_reset_at_once_harm_nobody(world, _):
    gateway = world.gateway().start()
    with Watched(gateway):
        for _ in range(5):
            c = h2.Http2(gateway.https)
            block = h2.get(b"/store/v1.0.0/files/special/slow")
            for i in range(2000):
                stream = 2 * i + 1
                if not c.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, stream, block) + h2.frame(h2.RST_STREAM, 0, stream, b"\0\0\0\x08")):
                    break
            c.close()
    return gateway


@story
def a_header_that_unpacks_to_megabytes_is_refused(world, _):
    gateway = world.gateway().start()
    with Watched(gateway):
        for _ in range(20):
            c = h2.Http2(gateway.https)
            # Fills the table with one entry, then names it over and over.
            c.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, h2.get(PATH.encode()) + h2.literal(b"x", b"b" * 4000, index=True)))
            c.send(h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 3, h2.get(PATH.encode()) + b"\xbe" * 16000))
            answers = [payload for kind, _, stream, payload in until_answered(c, 3) if (kind, stream) == (h2.HEADERS, 3)]
            assert not any(payload.startswith(b"\x88") for payload in answers), "answered with 200"
            c.close()
    return gateway


@story
def headers_without_an_end_take_no_memory(world, _):
    gateway = world.gateway().start()
    with Watched(gateway):
        c = h2.Http2(gateway.https)
        c.send(h2.frame(h2.HEADERS, h2.END_STREAM, 1, h2.get(PATH.encode())))
        piece, sent = h2.frame(h2.CONTINUATION, 0, 1, h2.literal(b"x", b"y" * 1000) * 10), 0
        while sent < 4 * GROWTH and c.send(piece):
            sent += len(piece)
        c.send(h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1))
        answers = [payload for kind, _, _, payload in until_answered(c) if kind == h2.HEADERS]
        assert not any(payload.startswith(b"\x88") for payload in answers), "answered with 200"
        c.close()
    return gateway


@story
def pings_and_settings_without_number_harm_nobody(world, _):
    gateway = world.gateway().start()
    with Watched(gateway):
        for _ in range(5):
            c = h2.Http2(gateway.https)
            c.socket.settimeout(0.5)  # it may stop reading: its answers are not read either
            for _ in range(20000):
                if not c.send(h2.frame(h2.PING, 0, 0, b"12345678") + h2.frame(h2.SETTINGS, 0, 0)):
                    break
            c.close()
    return gateway


@story
def handshakes_that_are_given_up_harm_nobody(world, _):
    gateway = world.gateway().start()
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with Watched(gateway):
        for i in range(300):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            half = context.wrap_bio(incoming, outgoing, server_hostname="gw")
            try:
                half.do_handshake()
            except ssl.SSLWantReadError:
                pass
            with socket.create_connection(("127.0.0.1", gateway.https), 5) as s:
                s.sendall(outgoing.read()[:10 + i])
    return gateway


@story
def tunnels_do_not_keep_old_workers(world, _):
    gateway = world.gateway().start()
    tunnels = []
    for i in range(6):
        c = Connection(gateway.http)
        c.send(b"GET /store/v1.0.0/files/special/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while c.line() != b"\r\n":
            pass
        c.send(b"here")
        assert c.file.read(4) == b"here"
        if i % 2:
            c.socket.shutdown(socket.SHUT_WR)  # half-closed: the other half may stay for ever
        tunnels.append(c)
    old = children(master(gateway))
    gateway.process.send_signal(signal.SIGHUP)
    wait("new workers", lambda: children(master(gateway)) - old)
    wait("the end of the old ones", lambda: not children(master(gateway)) & old, int(gateway.environment["GATEWAY_DRAIN_SECONDS"]) + 5)
    for c in tunnels:
        assert c.is_closed()
        c.close()
    return gateway


@story
def slow_clients_are_sent_away(*_):
    gateway, kept = SLOW["gateway"], SLOW["connections"]
    for c in kept:
        c.socket.settimeout(75)  # a header has 30 seconds, a handshake 60
        try:
            c.file.read()
        except ConnectionResetError:
            pass
        c.close()
    return gateway

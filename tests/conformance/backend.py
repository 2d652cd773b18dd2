"""Backends and a name server for the conformance tests: small, real, and able to misbehave on demand."""
import base64
import http.server
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
import urllib.parse

import validatekey

DRIP_S = 4  # between two pieces of an answer that comes slowly


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked, as JSON; the last path segment may ask for something special."""
    protocol_version = "HTTP/1.1"
    server_version = "backend"
    sys_version = ""
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.connections += 1
        self.server.open.append(self.connection)

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self):
        data = self.body()
        with self.server.lock:
            self.server.requests += 1
            told = self.server.told.pop(0) if self.server.told else self.server.always
        if told == "nothing":
            self.server.silence.wait(5)
            self.close_connection = True
            return None
        if told:
            return self.reply(told, b"as told", "text/plain")
        if self.path == "/oauth2/introspect":
            return self.introspect(urllib.parse.parse_qs(data.decode()))
        if self.path == validatekey.PATH:
            return self.validate_key(data)
        special = getattr(self, "do_" + self.path.split("?")[0].rsplit("/", 1)[1].replace("-", "_"), None)
        if special and self.path.startswith("/files/special/"):
            return special()
        seen = {"method": self.command, "target": self.path, "headers": self.headers.items(), "body": len(data),
                "text": data[:200].decode("latin-1"), "address": self.connection.getsockname()[0],
                "port": self.server.port}
        return self.reply(200, json.dumps(seen).encode(), "application/json")

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_OPTIONS = answer

    def reply(self, status, body, kind, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def introspect(self, question):
        """RFC 7662. What a token is called is what is said about it."""
        token, = question["token"]
        with self.server.lock:
            self.server.asked.append(token)
        if not self.is_by_the_gateway():
            return self.reply(401, b"{}", "application/json")
        said = {"active": token.startswith("good"), "username": "alice", "client_id": "shop", "scope": "read"}
        if "write" in token:
            said["scope"] = "read write"
        if "short" in token:
            said["exp"] = int(time.time()) + 2
        if "old" in token:
            said["exp"] = int(time.time()) - 1
        if "slow" in token:
            time.sleep(1)
        if "silent" in token:
            time.sleep(7)
        if "broken" in token:
            return self.reply(200, b"<html>", "text/html")
        if "failing" in token:
            return self.reply(503, b"", "text/plain")
        if "long" in token:
            said["filler"] = "x" * 100000
        return self.reply(200, json.dumps(said).encode(), "application/json;charset=UTF-8")

    def is_by_the_gateway(self):
        pair = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        return self.command == "POST" and pair == "gateway:" + self.server.secret

    def validate_key(self, question):
        """As a SOAP service: what makes no sense is a fault, which is a status of 500."""
        asked = validatekey.read(question)
        token = asked["accessToken"]
        with self.server.lock:
            self.server.asked.append((token, asked["matchingResource"], asked["httpVerb"]))
        if not self.is_by_the_gateway():
            return self.reply(401, b"", "text/plain")
        if self.headers["SOAPAction"].strip('"') != "urn:validateKey" or not self.headers["Content-Type"].startswith("text/xml") or "fault" in token:
            return self.reply(500, b"<soapenv:Fault/>", "text/xml")
        said = validatekey.answer(validatekey.said(asked))
        if "entity" in token:
            said = validatekey.with_entity(said)
        if "broken" in token:
            said = said[:-10]
        if "long" in token:
            said += b" " * 100000
        if "slow" in token:
            time.sleep(0.5)
        return self.reply(200, said, "text/xml; charset=UTF-8")

    def do_say(self):
        """What the query says: status, type, body, and headers as h=Name:value; {n} is how often it was asked, {k} a thousand letters."""
        said = urllib.parse.parse_qs(self.path.partition("?")[2], keep_blank_values=True)
        body = said.get("body", [""])[0].replace("{n}", str(self.server.requests)).replace("{k}", "k" * 1000)
        self.reply(int(said.get("status", ["200"])[0]), body.encode(), said.get("type", ["application/json"])[0],
                   [h.split(":", 1) for h in said.get("h", [])])

    def do_own_502(self):
        self.reply(502, b"<html>the backend's own page</html>", "text/html")

    def do_kept(self):
        """Answers by a header, and does not say so."""
        self.reply(200, json.dumps({"tenant": self.headers.get("X-Tenant")}).encode(), "application/json", [("Cache-Control", "max-age=60")])

    def do_created(self):
        self.reply(201, b"{}", "application/json", [("Location", "http://backend.test/new"), ("X-Own", "1")])

    def do_no_content(self):
        self.send_response(204)
        self.end_headers()

    def do_redirect(self):
        self.reply(302, b"", "text/plain", [("Location", "/elsewhere")])

    def do_accel(self):
        self.reply(200, b"not redirected", "text/plain", [("X-Accel-Redirect", "/health")])

    def do_cors(self):
        self.reply(200, b"own words", "text/plain", [("Access-Control-Allow-Origin", "*"), ("access-control-allow-credentials", "true"),
                                                     ("Access-Control-Expose-Headers", "X-Own"), ("Vary", "Accept")])

    def do_ends(self):
        """Says half of what it promised, by ?how, and ends, or says nothing more."""
        how = self.path.partition("?")[2]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "half=1")
        self.send_header(*(("Content-Length", "100") if how in ("length", "stalls") else ("Transfer-Encoding", "chunked")))
        self.end_headers()
        self.wfile.write(b'{"half": ' if how in ("length", "stalls") else b"9\r\n" + b'{"half": ' + b"\r\n")
        if how == "stalls":
            self.server.silence.wait(5)
        if how == "nonsense":
            self.wfile.write(b"no length\r\n")
        self.close_connection = True

    def do_close(self):
        self.close_connection = True

    def do_garbage(self):
        self.wfile.write(b"this is not HTTP\r\n\r\n")
        self.close_connection = True

    def do_bad_502(self):
        self.wfile.write(b"HTTP/1.1 502 Bad\r\nContent-Length: x\r\nno colon\x01\r\n\r\n")
        self.close_connection = True

    def do_chunked(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")

    def do_big(self):
        self.reply(200, b"x" * 300000, "text/plain")

    def do_big_header(self):
        self.reply(200, b"ok", "text/plain", [("X-Big", "h" * 12000)])

    def do_websocket(self):
        """Takes any upgrade, tells what it was, and gives back what it gets."""
        self.send_response(101)
        self.send_header("Upgrade", self.headers.get("Upgrade", "none"))
        self.send_header("Connection", "upgrade")
        self.send_header("X-Key", self.headers.get("Sec-WebSocket-Key", "none"))
        self.end_headers()
        while data := self.rfile.read1(1000):
            self.wfile.write(data)
        self.close_connection = True

    def do_slow(self):
        time.sleep(1)
        self.reply(200, b"slow", "text/plain")

    def do_drip(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(2):
            self.wfile.write(b"4\r\ndata\r\n")
            self.wfile.flush()
            time.sleep(DRIP_S)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


class Backend(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, certificate=None, key=None, port=0):
        self.connections = self.requests = 0
        self.asked, self.secret = [], "gateway:secret"
        self.open = []
        self.told, self.always = [], None  # statuses to answer with: the next ones, and then; "nothing" says nothing
        self.silence = threading.Event()
        self.lock = threading.Lock()
        super().__init__(("0.0.0.0", port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            context.sni_callback = self.on_name
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.names = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def on_name(self, _socket, name, _context):
        self.names.append(name)

    def handle_error(self, *_):
        pass  # a handshake that is refused is part of a test

    @property
    def port(self):
        return self.server_address[1]

    def stop(self):
        self.silence.set()
        self.shutdown()
        self.server_close()
        self.hang_up()

    def hang_up(self):
        while self.open:
            try:
                self.open.pop().shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already


class NameServer(socketserver.ThreadingUDPServer):
    """Knows the A records in `names`; everything else does not exist."""
    daemon_threads = True

    def __init__(self, names, address="127.0.0.1"):
        self.names = names
        self.asked = []
        super().__init__((address, 0), None)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def finish_request(self, request, client_address):
        data, sock = request
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += data[at] + 1
        name, question = ".".join(labels), data[12:at + 5]
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        if kind == 1:
            self.asked.append(name)
        addresses = self.names.get(name)
        if addresses is None:
            sock.sendto(data[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + question, client_address)
            return
        answers = addresses if kind == 1 else []
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(a) for a in answers)
        sock.sendto(data[:2] + struct.pack(">HHHHH", 0x8180, 1, len(answers), 0, 0) + question + records, client_address)

"""Case files: what a client sends, byte for byte, and what it must get back.

  == name of the case
  -> http            opens a connection (http, https, https-plain, tokens, metrics) unless it is open, and sends the lines up to the next <-
  GET / HTTP/1.1
  ...
  <- 404 text/plain  status and type of the next answer; lines below it:
  Name: value        a header with exactly that value        !Name   a header that must not be there
  | text             the body's lines                        ~ text  the body contains it
  @ GET /target      what the backend got                    @ Name: value, @ !Name   its headers     @ body 12   bytes of its body
                     {client} in a value is our own address
  <- closed          the gateway closes the connection
  -> h2 GET /path    with curl over HTTP/2; header lines follow

In lines to send, \\x00, \\r, \\n, \\t, {token}, {token:variant}, {basic:user:password}, {key}, {key:variant} and {text*n} are replaced. Header lines end with CRLF; a body, behind the first empty
line, is sent as it is written, with CRLF between its lines.
"""
import base64
import json
import re
import socket
import ssl
import subprocess

from world import API_KEYS


class Answer:
    def __init__(self, status, headers, body, interim=()):
        self.status, self.headers, self.body, self.interim = status, headers, body, interim

    def header(self, name):
        values = [v for k, v in self.headers if k.lower() == name.lower()]
        return ", ".join(values) if values else None


class Closed(Exception):
    pass


class Connection:
    def __init__(self, port, tls=False, address="127.0.0.1"):
        self.socket = socket.create_connection((address, port), 5)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.socket.settimeout(10)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # an early answer may end the connection while we still send

    def line(self):
        try:
            line = self.file.readline()
        except ConnectionResetError:
            line = b""
        if not line:
            raise Closed
        return line

    def answer(self, is_head=False):
        interim = []
        while True:
            first = self.line()
            match = re.match(rb"HTTP/1\.1 (\d{3}) ", first)
            if not match:  # HTTP/0.9: no header
                return Answer(0, [], first + self.file.read())
            headers = []
            while (line := self.line()) not in (b"\r\n", b"\n"):
                name, value = line.decode("latin-1").rstrip("\r\n").split(":", 1)
                headers.append((name, value.strip()))
            if match[1] != b"100":
                break
            interim.append(100)
        answer = Answer(int(match[1]), headers, b"", interim)
        if not is_head and answer.status not in (204, 304):
            answer.body = self.body(answer)
        return answer

    def body(self, answer):
        if answer.header("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.line(), 16):
                body += self.file.read(size)
                self.line()
            self.line()
            return body
        length = answer.header("content-length")
        return self.file.read(int(length)) if length is not None else self.file.read()

    def is_closed(self):
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.file.close()
        self.socket.close()


def read_cases(path):
    """[(name, [(kind, argument, lines)])], kind being -> or <-."""
    cases = []
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if line.startswith("== "):
            cases.append((f"{path.stem}: {line[3:]}", []))
        elif line.startswith(("-> ", "<- ")):
            cases[-1][1].append((line[:2], line[3:], []))
        elif cases and cases[-1][1]:
            cases[-1][1][-1][2].append(line)
        elif line and not line.startswith("#"):
            raise ValueError(f"{path}:{number}: a line outside of a case")
    return cases


def expand(text, tokens):
    text = re.sub(r"\{token(?::([a-z0-9-]+))?\}", lambda m: tokens.get(m[1] or ""), text)
    text = re.sub(r"\{key(?::([a-z-]+))?\}", lambda m: API_KEYS[m[1] or ""](), text)
    text = re.sub(r"\{basic:([^}]*)\}", lambda m: base64.b64encode(m[1].encode()).decode(), text)
    text = re.sub(r"\{(.+?)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)
    return re.sub(rb"\\x([0-9a-f]{2})|\\(r|n|t)", lambda m: bytes([int(m[1], 16)]) if m[1] else {b"r": b"\r", b"n": b"\n", b"t": b"\t"}[m[2]],
                  text.encode())


def to_send(lines, tokens):
    """Header lines end with CRLF; what stands behind the empty line is a body and ends as it is written."""
    lines = list(lines)
    while lines and lines[-1] == "":
        lines.pop()
    if "" not in lines:
        lines.append("")
    split = lines.index("")
    data = b"".join(expand(l, tokens) + b"\r\n" for l in lines[:split + 1])
    return data + b"\r\n".join(expand(l, tokens) for l in lines[split + 1:])


def by_curl(gateway, argument, lines, tokens):
    method, path = argument.split(" ", 1)
    command = ["curl", "-sk", "--http2", "-i", "--path-as-is", "--max-time", "10", "-X", method, f"https://{gateway.address}:{gateway.https}{path}"]
    if method == "HEAD":
        command[command.index("-X"):command.index("-X") + 2] = ["-I"]
    for line in (l for l in lines if l):
        if line.startswith("| "):
            command += ["--data-binary", expand(line[2:], tokens).decode()]
        else:
            command += ["-H", expand(line, tokens).decode()]
    done = subprocess.run(command, capture_output=True, check=False)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    first, *headers = head.decode("latin-1").split("\r\n")
    if not first.startswith("HTTP/2 "):
        raise Closed
    return Answer(int(first.split()[1]), [tuple(h.split(": ", 1)) for h in headers if ": " in h], body)


def check_backend(answer, rule):
    seen = json.loads(answer.body)
    names = {}
    for name, value in seen["headers"]:
        names.setdefault(name.lower(), []).append(value)
    if rule.startswith("body "):
        assert seen["body"] == int(rule[5:]), f"the backend got {seen['body']} bytes"
    elif rule.startswith("!"):
        assert rule[1:].lower() not in names, f"the backend got {rule[1:]}: {names[rule[1:].lower()]}"
    elif re.match(r"[A-Z]+ /", rule):
        assert f"{seen['method']} {seen['target']}" == rule, f"the backend got {seen['method']} {seen['target']}"
    else:
        name, value = rule.split(": ", 1)
        assert names.get(name.lower()) == [value], f"the backend got {name}: {names.get(name.lower())}"


def check(answer, expected, lines):
    status, _, kind = expected.partition(" ")
    assert answer.status == int(status), f"{answer.status} {answer.body[:300]!r}, expected {status}"
    if kind:
        assert answer.header("content-type") == kind, f"type {answer.header('content-type')}"
    body = "\n".join(l[2:] for l in lines if l.startswith("| "))
    if body or any(l.startswith("|") for l in lines):
        assert answer.body.decode("latin-1") == body, f"body {answer.body!r}"
    for line in lines:
        if line.startswith("~ "):
            assert line[2:].encode() in answer.body, f"body {answer.body[:300]!r}"
        elif line.startswith("@ "):
            check_backend(answer, line[2:])
        elif line.startswith("!"):
            assert answer.header(line[1:]) is None, f"{line[1:]}: {answer.header(line[1:])}"
        elif line and not line.startswith("|"):
            name, value = line.split(": ", 1)
            assert answer.header(name) == value, f"{name}: {answer.header(name)}"
    return answer


def check_manners(answer):
    """True of every answer, whatever was sent."""
    assert b"nginx" not in answer.body, f"body {answer.body[:300]!r}"
    assert "nginx" not in (answer.header("server") or ""), "Server: nginx"
    if b"the backend's own page" not in answer.body:
        assert b"<html" not in answer.body.lower(), f"HTML: {answer.body[:300]!r}"


def play(gateway, tokens, steps):
    ports = {"http": (gateway.http, False), "https": (gateway.https, True), "https-plain": (gateway.https, False),
             "tokens": (gateway.tokens, True), "metrics": (gateway.metrics, False)}
    connection, waiting, is_head = None, [], False
    try:
        for kind, argument, lines in steps:
            if kind == "->" and argument.startswith("h2 "):
                waiting.append(by_curl(gateway, argument[3:], lines, tokens))
            elif kind == "->":
                connection = connection or Connection(*ports[argument], gateway.address)
                connection.send(to_send(lines, tokens))
                is_head = bool(lines) and lines[0].startswith("HEAD ")
            elif argument == "closed":
                assert connection.is_closed(), "the connection is still open"
            else:
                answer = waiting.pop(0) if waiting else connection.answer(is_head)
                check_manners(answer)
                check(answer, argument, [l.replace("{client}", gateway.client()) for l in lines])
    finally:
        if connection:
            connection.close()

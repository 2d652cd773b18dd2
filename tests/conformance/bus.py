"""A nats-server with the configuration that the operator ships, and a client that reads what gateways tell."""
import json
import os
import shutil
import signal
import socket
import subprocess

from world import HERE, free_port, wait

ROOT = HERE.parents[1]
USERS = ("WATCHER", "SECURITY_SVC", "RATELIMIT_SVC", "ENDPOINT_SVC", "API_SVC", "BUILDER_SVC", "GATEWAY", "OBSERVER")


def program(name):
    built = ROOT / "build/tools/bin" / name
    found = str(built) if built.exists() else shutil.which(name)
    assert found, f"{name} is neither in build/tools/bin nor in PATH: deploy/local/build.sh builds it"
    return found


class Client:
    """The protocol's few words that are needed here."""

    def __init__(self, port, user, inbox):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.read, self.inbox = b"", inbox
        self.line(5)
        self.say("CONNECT " + json.dumps({"user": user, "pass": user.lower(), "headers": True, "verbose": False, "no_responders": True}))

    def say(self, line, payload=None):
        self.socket.sendall(line.encode() + b"\r\n" + (b"" if payload is None else payload + b"\r\n"))

    def subscribe(self, subject):
        self.say(f"SUB {subject} 1\r\nPING")
        while self.line(5) != b"PONG":
            pass
        return self

    def more(self, seconds):
        """What was read stays when the time is over."""
        self.socket.settimeout(seconds)
        data = self.socket.recv(65536)
        assert data, "the bus has closed the connection"
        self.read += data

    def line(self, seconds):
        while b"\r\n" not in self.read:
            self.more(seconds)
        line, self.read = self.read.split(b"\r\n", 1)
        return line

    def bytes(self, n, seconds):
        while len(self.read) < n:
            self.more(seconds)
        data, self.read = self.read[:n], self.read[n:]
        return data

    def ask(self, subject, question):
        text = json.dumps(question).encode()
        self.subscribe(self.inbox + ".>")
        self.say(f"PUB {subject} {self.inbox}.1 {len(text)}", text)
        answer = json.loads(self.next()[2])
        assert "error" not in answer, answer

    def next(self, seconds=10):
        """Subject, headers and bytes of the next message; None when none comes in time."""
        try:
            while True:
                words = self.line(seconds).decode().split()
                assert words[0] != "-ERR", f"the bus: {words}"
                if words[0] == "PING":
                    self.say("PONG")
                if words[0] not in ("MSG", "HMSG"):
                    continue
                data = self.bytes(int(words[-1]) + 2, 5)[:-2]
                head = data[:int(words[-2])] if words[0] == "HMSG" else b""
                headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
                return words[1], headers, data[len(head):]
        except TimeoutError:
            return None


class Bus:
    def __init__(self, folder):
        self.folder = folder / "bus"
        self.folder.mkdir()
        self.port, self.process = free_port(), None
        text = (ROOT / "deploy/bus/nats.conf").read_text()
        assert "store_dir: /data" in text
        (self.folder / "nats.conf").write_text(text.replace("store_dir: /data", f'store_dir: "{self.folder}/store"'))
        self.url = f"nats://127.0.0.1:{self.port}"

    def start(self):
        environment = {**os.environ} | {f"{user}_PASSWORD": user.lower().replace("_", "-") for user in USERS}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([program("nats-server"), "-c", self.folder / "nats.conf", "-a", "127.0.0.1", "-p", str(self.port),
                                             "-m", str(free_port())], env=environment, stdout=log, stderr=log)
        wait("nats-server", self.is_up)
        # As lib/bus/topology.c has it.
        Client(self.port, "watcher", "_INBOX.watcher").ask("$JS.API.STREAM.CREATE.USAGE", {
            "name": "USAGE", "subjects": ["evt.usage.>"], "retention": "limits", "storage": "file", "max_msg_size": 65536,
            "duplicate_window": 120 * 10**9})
        return self

    def is_up(self):
        try:
            Client(self.port, "observer", "")
            return True
        except OSError:
            return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def observe(self, subject):
        return Client(self.port, "observer", "").subscribe(subject)

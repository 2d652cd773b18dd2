"""HTTP/2 by hand (RFC 9113, RFC 7541): frames that no well-behaved client sends."""
import socket
import ssl
import struct

HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 1, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value, index=False):
    """Without Huffman coding; with index, the peer keeps it in its table."""
    def text(s):
        return length(len(s), 7) + s
    return (b"\x40" if index else b"\x00") + text(name) + text(value)


def length(n, bits):
    most = (1 << bits) - 1
    if n < most:
        return bytes([n])
    out, n = bytearray([most]), n - most
    while n >= 128:
        out.append(n % 128 + 128)
        n //= 128
    return bytes(out) + bytes([n])


def get(path):
    return b"\x82\x87" + b"\x04" + length(len(path), 7) + path + literal(b":authority", b"gw")


class Http2:
    def __init__(self, port):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10))
        assert self.socket.selected_alpn_protocol() == "h2"
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))

    def send(self, data):
        """False once the gateway has ended the connection."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def frames(self):
        """(kind, flags, stream, payload) until the connection ends."""
        data = b""
        while True:
            while len(data) < 9 or len(data) < 9 + int.from_bytes(data[:3], "big"):
                try:
                    more = self.socket.recv(65536)
                except OSError:
                    return
                if not more:
                    return
                data += more
            n = int.from_bytes(data[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", data[3:9])
            yield kind, flags, stream, data[9:9 + n]
            data = data[9 + n:]

    def close(self):
        self.socket.close()

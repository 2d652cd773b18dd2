"""Stories of clients that are slow, go away, or are many."""
import http.client
import json
import time

from backend import DRIP_S
from dialog import Connection
from world import get, in_parallel

STORIES = []


def story(function):
    STORIES.append(function)
    return function


@story
def answers_are_passed_on_as_they_come(world, gateway):
    c = Connection(gateway.http)
    started = time.monotonic()
    c.send(b"GET /store/v1.0.0/files/special/drip HTTP/1.1\r\nHost: x\r\n\r\n")
    while c.line() != b"\r\n":
        pass
    assert c.line() == b"4\r\n" and c.line() == b"data\r\n"
    assert time.monotonic() - started < DRIP_S - 1, "the first piece waited for the last"
    c.close()


@story
def a_slow_client_is_served(world, gateway):
    c = Connection(gateway.http)
    for piece in (b"GET /store/v1.0.0/fi", b"les/slow HT", b"TP/1.1\r\nHo", b"st: x\r\n", b"\r\n"):
        c.send(piece)
        time.sleep(0.05)
    assert c.answer().status == 200
    c.close()


@story
def a_client_that_goes_away_harms_nobody(world, gateway):
    for path in (b"/store/v1.0.0/files/special/slow", b"/backends/short", b"/store/v1.0.0/products"):
        c = Connection(gateway.http)
        c.send(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        c.close()
    assert get(gateway, "/store/v1.0.0/files/a")[0] == 200


@story
def a_body_may_come_slowly_and_is_streamed(world, gateway):
    c = Connection(gateway.http)
    c.send(b"PUT /store/v1.0.0/files/a HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n")
    for _ in range(3):
        c.send(b"0123456789")
        time.sleep(0.05)
    answer = c.answer()
    assert answer.status == 200 and json.loads(answer.body)["body"] == 30
    c.close()


@story
def sixty_four_clients_at_once(world, gateway):
    def hundred(_):
        c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=20)
        return [get(gateway, "/store/v1.0.0/products", world.tokens.get(""), c)[0] for _ in range(10)]
    statuses = sum(in_parallel(64, hundred), [])
    assert statuses == [200] * 640, set(statuses)

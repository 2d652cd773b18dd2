"""Stories of usage that is published on the bus."""
import json
import os
import signal
import subprocess
import time

from bus import Bus
from compiled import curl
from world import running, wait

STORIES = []
SUBJECT = "evt.usage.shop.online_store"


def story(function):
    STORIES.append(function)
    return function


def publishing(world, bus, password="gateway", **environment):
    gateway = world.gateway(GATEWAY_USAGE_URL=bus.url, GATEWAY_USAGE_API="shop/online.store", GATEWAY_USAGE_SECONDS="1",
                            GATEWAY_USAGE_PROGRAM=str(world.build / "bin/gateway-usage"), **environment)
    folder = gateway.folder / "usage"
    folder.mkdir()
    (folder / "username").write_text("gateway\n")
    (folder / "password").write_text(password)
    gateway.environment["GATEWAY_USAGE_DIR"] = str(folder)
    return gateway


def call(gateway, path, token=None, n=1):
    return [curl(gateway, path, scheme="http", token=token)[0] for _ in range(n)]


def lines(events):
    return [line for event in events for line in event["usage"]]


def number(events, **wanted):
    """Of requests in those lines."""
    return sum(line["count"] for line in lines(events) if wanted.items() <= line.items())


def collect(observer, enough, seconds=15):
    """Events until they are enough."""
    events, deadline = [], time.monotonic() + seconds
    while not enough(events):
        assert time.monotonic() < deadline, events
        message = observer.next(1)
        if message:
            events.append(json.loads(message[2]))
    return events


def publisher_of(gateway):
    done = subprocess.run(["pgrep", "-P", str(gateway.process.pid), "-f", "gateway-usage"], capture_output=True, text=True, check=False)
    return int(done.stdout) if done.stdout.strip() else None


@story
def usage_is_published_as_cloud_events_in_batches(world, _):
    bus = Bus(world.folder).start()
    observer = bus.observe("evt.usage.>")
    gateway = publishing(world, bus, GATEWAY_INSTANCE="store-7d4").start()
    with running(bus):
        began = time.monotonic()
        call(gateway, "/store/v1.0.0/products", world.tokens.get(""), 30)
        call(gateway, "/store/v1.0.0/products", None, 3)
        call(gateway, "/store/v1.0.0/nothing", world.tokens.get(""), 2)
        call(gateway, "/elsewhere", None, 2)
        call(gateway, "/store/v1.0.0/products", world.tokens.get("hostile-names"))
        subject, headers, data = observer.next()
        events = [json.loads(data)] + collect(observer, lambda more: number([json.loads(data)] + more) == 36)
        assert subject == SUBJECT, subject
        assert {"ce-type": "com.wso2.apim.usage", "ce-specversion": "1.0", "ce-subject": "shop/online.store",
                "ce-source": "/apim.wso2.com/gateway", "content-type": "application/json"}.items() <= headers.items(), headers
        assert headers["ce-id"] == headers["Nats-Msg-Id"]
        assert len(events) <= 2 + time.monotonic() - began, "one event a second, not one a request"
        store = {"api": "Online-Store", "version": "v1.0.0", "keyType": "PRODUCTION"}
        assert number(events, **store, operation="listProducts", application="app", status=200) == 30, events
        assert number(events, **store, operation="listProducts", application="", status=401) == 3, events
        assert number(events, **store, operation="", status=404) == 2, events
        assert number(events, application='a"b\\c\u0001\u00e9\nd') == 1, events
        assert all(e["lost"] == 0 and e["from"] <= e["to"] and e["gateway"] == "store-7d4" for e in events), events
        assert all(l["latencyMs"]["sum"] >= l["latencyMs"]["max"] >= 0 and "sum" in l["backendLatencyMs"] for l in lines(events)), events
        wait("the counter", lambda: gateway.metric(r'gateway_usage_requests_total\{result="published"\}') == 36)
        call(gateway, "/store/v1.0.0/files/last", n=5)
        assert gateway.stop(signal.SIGTERM) == 0
        assert number(collect(observer, lambda more: number(more) == 5), status=200) == 5, "the last requests are told as well"
    return gateway


@story
def a_bus_that_is_away_delays_nobody_and_loses_no_usage(world, _):
    (world.folder / "away").mkdir()
    bus = Bus(world.folder / "away")
    gateway = publishing(world, bus).start()
    started = time.monotonic()
    assert set(call(gateway, "/store/v1.0.0/files/away", n=40)) == {200}
    assert time.monotonic() - started < 20, "half a second a call, on a machine that has much to do"
    wait("a message", lambda: "gateway-usage: not published yet" in gateway.err_path.read_text())
    call(gateway, "/store/v1.0.0/files/away", n=10)
    bus.start()
    observer = bus.observe("evt.usage.>")
    with running(bus):
        def told():
            return gateway.metric(r'gateway_usage_requests_total\{result="published"\}')
        wait("all of it on the bus", lambda: told() == 50, 20)
        bus.stop()
        call(gateway, "/store/v1.0.0/files/away", n=7)
        bus.start()
        observer = bus.observe("evt.usage.>")
        assert number(collect(observer, lambda events: number(events) == 7, 20)) == 7
        assert gateway.metric(r'gateway_usage_requests_total\{result="lost"\}') == 0
    return gateway


@story
def a_publisher_that_dies_costs_no_request_and_comes_back(world, _):
    (world.folder / "dies").mkdir()
    bus = Bus(world.folder / "dies").start()
    observer = bus.observe("evt.usage.>")
    gateway = publishing(world, bus, GATEWAY_WORKERS="1").start()
    with running(bus):
        os.kill(wait("the publisher", lambda: publisher_of(gateway)), signal.SIGKILL)
        wait("its end", lambda: publisher_of(gateway) is None)
        assert set(call(gateway, "/store/v1.0.0/files/dies", n=8)) == {200}
        # That is five seconds later: what is gathered was sent long before, to nobody.
        wait("another one", lambda: publisher_of(gateway), 15)
        lost = lambda events: sum(e["lost"] for e in events)
        # A worker says what it could not tell with the next request that it has.
        call(gateway, "/store/v1.0.0/files/dies")
        events = collect(observer, lambda events: lost(events) + number(events) == 9, 20)
        assert lost(events) > 0, events
        wait("the counter", lambda: gateway.metric(r'gateway_usage_requests_total\{result="lost"\}') == lost(events))
    return gateway


@story
def a_password_that_changes_is_read_again(world, _):
    (world.folder / "password").mkdir()
    bus = Bus(world.folder / "password").start()
    observer = bus.observe("evt.usage.>")
    gateway = publishing(world, bus, password="old").start()
    with running(bus):
        call(gateway, "/store/v1.0.0/files/password", n=3)
        wait("the refusal", lambda: "gateway-usage: not published yet" in gateway.err_path.read_text())
        (gateway.folder / "usage/password").write_text("gateway")
        assert number(collect(observer, lambda events: number(events) == 3, 20)) == 3
    return gateway


@story
def nothing_is_published_unless_asked_for(_, gateway):
    assert publisher_of(gateway) is None
    assert not (gateway.folder / "run/usage.socket").exists()
    assert gateway.metric("gateway_usage_requests_total") == 0

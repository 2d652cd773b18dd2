"""A rolling update of one replica behind a balancer: a new gateway comes, the old one ends, under 500 requests a second."""
import http.client
import signal
import threading
import time

STORIES = []
RATE = 500
CLIENTS = 10


def story(function):
    STORIES.append(function)
    return function


class Clients:
    """Keep their connections, send at a fixed pace, and follow the Service to whoever is ready when a connection ends."""

    def __init__(self, gateway, path):
        self.ready, self.path, self.stopping = gateway, path, False
        self.done, self.failures, self.lock = 0, [], threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(CLIENTS)]

    def run(self, number):
        pace, due = CLIENTS / RATE, time.monotonic() + number / RATE
        connection = None
        while not self.stopping:
            time.sleep(max(0, due - time.monotonic()))
            due += pace
            try:
                if not connection:
                    connection = http.client.HTTPConnection("127.0.0.1", self.ready.http, timeout=10)
                connection.request("GET", self.path)
                answer = connection.getresponse()
                answer.read()
                with self.lock:
                    self.done += 1
                    if answer.status != 200:
                        self.failures.append(answer.status)
                if answer.getheader("connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as e:
                with self.lock:
                    self.failures.append(repr(e))
                connection = None


@story
def a_rolling_update_under_500_requests_a_second_loses_none(world, _):
    old, clients = world.gateway().start(), None
    clients = Clients(old, "/store/v1.0.0/files/rolling")
    began = time.monotonic()
    for t in clients.threads:
        t.start()
    for _ in range(2):
        new = world.gateway().start()
        # As Kubernetes does it: the pod is told to end while its address is still known to some.
        old.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        clients.ready = new
        assert old.process.wait(15) == 0
        old = new
    seconds = time.monotonic() - began
    clients.stopping = True
    for t in clients.threads:
        t.join()
    assert not clients.failures, (len(clients.failures), clients.failures[:3])
    assert clients.done > RATE * seconds / 2, f"only {clients.done} requests in {seconds:.1f} s"
    return old

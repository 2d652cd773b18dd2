"""Stories of several gateways that share their limits: each at an address of 127.0.0.0/8, found by a name, on one UDP port."""
import contextlib
import http.client
import itertools
import os
import random
import signal
import socket
import subprocess
import threading
import time

from limits import DAY, ask, contract, limit, passed, stay_in_window
from world import free_port, wait

STORIES = []
PATH = "/store/v1.0.0/files/x"
numbers = itertools.count(2)


def story(function):
    STORIES.append(function)
    return function


class Replicas:
    """Gateways with one contract. The name has those that were added and not removed."""

    def __init__(self, world, n, text, **environment):
        self.world, self.text, self.environment, self.all = world, text, environment, []
        self.name = f"gateways{next(numbers)}.default.svc.cluster.local"
        self.key = world.folder / f"{self.name}.key"
        self.key.write_bytes(os.urandom(32))
        self.port = free_port()
        for _ in range(n):
            self.add()
        self.meet()

    def add(self, **environment):
        address = f"127.0.{next(numbers) % 250}.2"
        self.world.names.names[self.name] = [g.address for g in self.all] + [address]
        gateway = self.world.gateway(self.text, **{
            "GATEWAY_BIND": address, "GATEWAY_REPLICAS": self.name.split(".")[0], "GATEWAY_REPLICAS_ADDRESS": address,
            "GATEWAY_REPLICAS_PORT": str(self.port), "GATEWAY_REPLICAS_KEY": str(self.key), **self.environment, **environment})
        self.all.append(gateway.start())
        return gateway

    def forget(self, gateway):
        self.all.remove(gateway)
        self.world.names.names[self.name] = [g.address for g in self.all]

    def meet(self):
        wait("replicas that know each other", lambda: all(
            (here(g), away(g)) == (len(self.all), 0) for g in self.all), 15)

    def end(self):
        """All but the first, which the story gives back."""
        for gateway in self.all[1:]:
            gateway.stop()
            assert not gateway.findings(), gateway.findings()
        return self.all[0]


def here(gateway):
    return gateway.metric(r'gateway_limit_replicas\{state="here"\}')


def away(gateway):
    return gateway.metric(r'gateway_limit_replicas\{state="away"\}')


def alone(gateway):
    """What it passed because another one did not answer in time: none, unless the machine is busy with something else."""
    return gateway.metric("gateway_limit_alone_total")


def alone_until_its_end(gateway):
    seen = [0]

    def has_ended():
        with contextlib.suppress(OSError):
            seen.append(alone(gateway))
        return gateway.process.poll() is not None
    wait("its end", has_ended, 20)
    return max(seen)


def processes(gateway):
    master = (gateway.folder / "run/nginx.pid").read_text().strip()
    return [gateway.process.pid, int(master), *map(int, gateway.workers())]


def signal_all(gateway, number):
    for pid in processes(gateway):
        os.kill(pid, number)


class Clients:
    """Keep their connections and ask as fast as they can, until each was refused so many times in a row."""

    def __init__(self, gateways, path=PATH, each=2, refusals=150, **headers):
        self.path, self.refusals, self.headers = path, refusals, headers
        self.passed, self.failures, self.slowest, self.stopping, self.lock = 0, [], 0.0, False, threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(g,)) for g in gateways for _ in range(each)]
        for t in self.threads:
            t.start()

    def run(self, gateway):
        c = http.client.HTTPConnection(gateway.address, gateway.http, timeout=10)
        refused = 0
        while refused < self.refusals and not self.stopping:
            began = time.monotonic()
            try:
                status = ask(gateway, self.path, connection=c, **self.headers)[0]
            except (OSError, http.client.HTTPException):
                c.close()
                with self.lock:
                    self.failures.append(gateway)
                if gateway.process.poll() is not None:
                    return
                continue
            refused = refused + 1 if status == 429 else 0
            with self.lock:
                self.passed += status == 200
                self.slowest = max(self.slowest, time.monotonic() - began)
                if status not in (200, 429):
                    self.failures.append(status)

    def join(self):
        for t in self.threads:
            t.join()
        return self.passed


def saturated(gateways, **more):
    clients = Clients(gateways, **more)
    n = clients.join()
    assert not clients.failures, clients.failures[:5]
    return n


@story
def three_replicas_let_through_what_one_would(world, _):
    stay_in_window(DAY, 60)
    tiers = {"getFile": "few", "postFile": "some", "/backends": "many"}
    r = Replicas(world, 3, contract(world, tiers, [limit("few", 7), limit("some", 300), limit("many", 3000)]))
    for path, count in ((PATH, 7), ("/backends/hosts", 3000)):
        n = saturated(r.all, path=path)
        assert n == count, f"{n} of {count}"
    return r.end()


@story
def the_first_of_a_limit_pass_whichever_replica_they_come_to(world, _):
    stay_in_window()
    r = Replicas(world, 3, contract(world, {"getFile": "sixty"}, [limit("sixty", 60)], limitHeaders=True))
    answers = [ask(random.choice(r.all), PATH) for _ in range(90)]
    assert [a[0] for a in answers] == [200] * 60 + [429] * 30, [a[0] for a in answers]
    left = [int(a[2].headers["RateLimit-Remaining"]) for a in answers]
    assert left[59:] == [0] * 31 and all(0 < n < 60 for n in left[:59]), left
    return r.end()


@story
def one_replica_may_use_what_the_others_do_not(world, _):
    stay_in_window()
    r = Replicas(world, 3, contract(world, {"getFile": "some", "/backends": "more"}, [limit("some", 200), limit("more", 900)]))
    assert saturated(r.all[:1]) == 200
    # Whatever two have in hand when their clients fall silent, the third one gets.
    some = sum(passed(g, "/backends/hosts", 150)[0] for g in r.all[:2])
    assert some == 300 and saturated(r.all[2:], path="/backends/hosts") == 600
    return r.end()


@story
def a_replica_that_comes_shares_the_limit_at_once(world, _):
    stay_in_window()
    r = Replicas(world, 2, contract(world, {"getFile": "some"}, [limit("some", 8000)]))
    first = Clients(r.all)
    wait("a part of the limit to be used", lambda: first.passed > 300)
    r.add()
    more = Clients(r.all[2:])
    n = first.join() + more.join()
    assert n == 8000 and more.passed > 0 and not first.failures + more.failures, (n, more.passed)
    return r.end()


@story
def a_replica_that_is_killed_takes_along_what_it_had_and_no_more(world, _):
    stay_in_window()
    r = Replicas(world, 3, contract(world, {"getFile": "some"}, [limit("some", 3000)]))
    victim = r.all[2]
    clients = Clients(r.all, refusals=10 ** 9)
    wait("a part of the limit to be used", lambda: clients.passed > 600)
    signal_all(victim, signal.SIGKILL)
    victim.process.wait(5)
    # Kubernetes takes it out of the name.
    r.forget(victim)
    wait("the others to be alone", lambda: all(here(g) + away(g) == 2 for g in r.all), 15)
    wait("nobody to pass any more", lambda: (before := clients.passed) and (time.sleep(1) or clients.passed == before), 30)
    clients.stopping = True
    n = clients.join()
    # It may have been the owner: then what itself passed is forgotten, a third of what was used.
    assert 3000 * 0.9 <= n <= 3000 + 1000, n
    assert set(map(str, clients.failures)) <= {str(victim)}
    return r.end()


@story
def a_rolling_update_takes_nothing_along(world, _):
    stay_in_window()
    r = Replicas(world, 2, contract(world, {"getFile": "some"}, [limit("some", 3000)]), GATEWAY_PRE_STOP_SECONDS="5")
    clients = [Clients(r.all, each=1, refusals=10 ** 9)]
    wait("a part of the limit to be used", lambda: clients[0].passed > 300)
    unasked = 0
    for old in list(r.all):
        clients.append(Clients([r.add()], each=1))
        r.meet()
        old.process.send_signal(signal.SIGTERM)
        r.forget(old)
        unasked += alone_until_its_end(old)
    r.meet()  # until its name has it no more, its part is kept for a replica that is not heard
    for c in clients:
        c.stopping = c.refusals > 1000
    n = sum(c.join() for c in clients)
    n += saturated(r.all)
    unasked += sum(alone(g) for g in r.all)
    assert 3000 * 0.99 <= n <= 3000 * 1.005 + unasked, (n, unasked)
    return r.end()


@story
def an_owner_that_is_away_costs_nobody_his_answer(world, _):
    stay_in_window()
    text = contract(world, {}, []).replace('"Unauthenticated", "count": 1000000', '"Unauthenticated", "count": 30')
    r = Replicas(world, 3, text)
    frozen = r.all[2]
    for pid in processes(frozen):
        os.kill(pid, signal.SIGSTOP)
    passed_by, slowest = {}, 0.0
    try:
        for i in range(12):  # of some of these counters it is the owner
            address = f"203.0.113.{i}"
            began = time.monotonic()
            passed_by[address] = sum(passed(g, PATH, 40, X_Forwarded_For=address)[0] for g in r.all[:2])
            slowest = max(slowest, time.monotonic() - began)
    finally:
        for pid in processes(frozen):
            os.kill(pid, signal.SIGCONT)
    assert all(20 <= n <= 30 for n in passed_by.values()), passed_by
    assert slowest < 5, slowest
    r.meet()
    for address, n in passed_by.items():
        n += passed(frozen, PATH, 40, X_Forwarded_For=address)[0]
        assert n <= 30, (address, n)
    return r.end()


@story
def a_shared_limit_goes_on_over_reloads_and_deaths_of_workers(world, _):
    stay_in_window()
    r = Replicas(world, 2, contract(world, {"getFile": "some"}, [limit("some", 3000)]))
    clients = Clients(r.all)
    wait("a part of the limit to be used", lambda: clients.passed > 500)
    old = r.all[0].workers()
    r.all[0].process.send_signal(signal.SIGHUP)
    wait("new workers", lambda: (now := r.all[0].workers()) and not old & now)
    wait("more of the limit to be used", lambda: clients.passed > 1000)
    for worker in (old := r.all[1].workers()):
        subprocess.run(["kill", "-KILL", worker], check=True)
    wait("other workers", lambda: (now := r.all[1].workers()) and not old & now)
    n = clients.join()
    assert n + len(clients.failures) >= 3000 and n <= 3000, (n, clients.failures)
    for gateway in r.all:
        gateway.err_path.write_text("")  # nginx tells of its workers' deaths
    return r.end()


@story
def who_does_not_know_the_key_is_not_believed(world, _):
    stay_in_window()
    r = Replicas(world, 2, contract(world, {"getFile": "some"}, [limit("some", 100)]))
    other = world.folder / "other.key.bytes"
    other.write_bytes(os.urandom(32))
    stranger = r.add(GATEWAY_REPLICAS_KEY=str(other))
    r.all.remove(stranger)
    wait("the stranger to be refused", lambda: r.all[0].metric("gateway_limit_datagrams_refused_total") > 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for n in (0, 1, 40, 112, 1192, 1193, 60000):
            s.sendto(b"APL1" + os.urandom(n), (r.all[0].address, r.port))
        s.settimeout(0.3)
        try:
            raise AssertionError(f"answered {s.recv(2000)}")
        except TimeoutError:
            pass
    wait("a listed one that says nothing", lambda: all((here(g), away(g)) == (2, 1) for g in r.all), 15)
    assert here(stranger) == 1
    assert all(g.is_healthy() for g in r.all)
    r.world.names.names[r.name] = [g.address for g in r.all]
    wait("it to be no replica any more", lambda: all(away(g) == 0 for g in r.all), 15)
    assert saturated(r.all) == 100
    stranger.stop()
    return r.end()


@story
def a_gateway_without_the_key_does_not_start(world, _):
    gateway = world.gateway(GATEWAY_REPLICAS="gateways", GATEWAY_REPLICAS_ADDRESS="127.0.0.1",
                            GATEWAY_REPLICAS_KEY=str(world.folder / "nowhere"))
    done = gateway.run("--check")
    assert done.returncode != 0 and "apim_replicas: key" in done.stderr, done
    del gateway.environment["GATEWAY_REPLICAS_ADDRESS"]
    done = gateway.run("--check")
    assert done.returncode == 2 and "GATEWAY_REPLICAS_ADDRESS" in done.stderr, done

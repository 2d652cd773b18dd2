"""Stories of a start, a reload, an end, and of what is said on the command line."""
import json
import os
import signal
import subprocess
import threading
import time

from world import Load, get, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


@story
def sighup_reads_the_files_again_without_a_failure(world, _):
    gateway = world.gateway().start()
    with Load(gateway, "/store/v1.0.0/files/load", 4) as load:
        for n in range(3):
            changed = json.loads(gateway.contract.read_text())
            next(api for api in changed["apis"] if api["title"] == "Custom")["basePath"] = f"/changed{n}"
            gateway.contract.write_text(json.dumps(changed))
            gateway.process.send_signal(signal.SIGHUP)
            wait("the new contract", lambda n=n: get(gateway, f"/changed{n}/thing")[0] == 401)
    assert not load.failures, load.failures[:3]
    assert load.done > 100
    gateway.contract.write_text("{}")
    gateway.process.send_signal(signal.SIGHUP)
    wait("nginx' refusal", lambda: "contract" in gateway.err_path.read_text())
    assert get(gateway, "/changed2/thing")[0] == 401
    gateway.err_path.write_text("")  # the refusal was wanted
    return gateway


@story
def counters_survive_a_reload_of_the_same_contract(world, _):
    gateway = world.gateway().start()
    for _ in range(3):
        get(gateway, "/store/v1.0.0/products")
    old = gateway.workers()
    gateway.process.send_signal(signal.SIGHUP)
    wait("new workers", lambda: not old & gateway.workers())
    assert gateway.metric(r'gateway_faults_total\{code="900902"\}') == 3
    return gateway


@story
def sigterm_drains_without_a_failure(world, _):
    gateway = world.gateway().start()
    with Load(gateway, "/store/v1.0.0/files/load", 4) as load:
        wait("some requests", lambda: load.done > 50)
        slow = threading.Thread(target=lambda: load.note(lambda: get(gateway, "/store/v1.0.0/files/special/slow")))
        gateway.process.send_signal(signal.SIGTERM)
        wait("Connection: close", lambda: load.closed > 0)
        time.sleep(0.6)  # within the second that it still takes requests; the slow one outlives it
        slow.start()
        load.stop()
        slow.join()
    assert not load.failures, load.failures[:3]
    assert gateway.process.wait(15) == 0


@story
def a_second_sigterm_ends_at_once(world, _):
    gateway = world.gateway(GATEWAY_PRE_STOP_SECONDS="60").start()
    gateway.process.send_signal(signal.SIGTERM)
    wait("draining", lambda: gateway.metric("gateway_draining") == 1)
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(10) == 0


@story
def http2_clients_are_sent_away_while_it_drains(world, _):
    gateway = world.gateway(GATEWAY_PRE_STOP_SECONDS="3").start()
    gateway.process.send_signal(signal.SIGTERM)
    wait("draining", lambda: gateway.metric("gateway_draining") == 1)
    url = f"https://127.0.0.1:{gateway.https}/store/v1.0.0/files/a"
    done = subprocess.run(["curl", "-sk", "--http2", "-o", "/dev/null", url, "-o", "/dev/null", url, "-o", "/dev/null", url,
                           "-w", "%{http_code} %{num_connects}\n"], capture_output=True, text=True, check=False)
    codes = [line.split()[0] for line in done.stdout.splitlines()]
    assert codes == ["200"] * 3, done.stdout
    assert gateway.process.wait(15) == 0


@story
def the_launcher_ends_with_nginx(world, _):
    gateway = world.gateway().start()
    pid = int((gateway.folder / "run/nginx.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    assert gateway.process.wait(10) == 0


@story
def a_contract_that_is_refused_never_starts(world, _):
    gateway = world.gateway(world.contract(clockSkewSeconds=-1))
    done = gateway.run()
    assert done.returncode == 1 and "clockSkewSeconds" in done.stderr, done
    done = gateway.run("--check")
    assert done.returncode == 1 and "clockSkewSeconds" in done.stderr, done


@story
def check_says_nothing_when_all_is_well(world, _):
    gateway = world.gateway()
    done = gateway.run("--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    assert not (gateway.folder / "run").exists(), "a check touches what a running gateway uses"


@story
def usage_is_told(world, _):
    gateway = world.gateway()
    assert gateway.run("--help").returncode == 0
    assert gateway.run("--version").stdout.startswith("gateway ")
    assert gateway.run("--nonsense").returncode == 2
    gateway.environment["GATEWAY_HTTP_PORT"] = "80; include /etc/passwd"
    done = gateway.run()
    assert done.returncode == 2 and "GATEWAY_HTTP_PORT" in done.stderr

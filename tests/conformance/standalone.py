"""Stories of a gateway without a cluster: a folder of documents, toolkit build, gateway or nginx."""
import signal
import subprocess

from compiled import document
from transport import PATHS
from world import wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


def built(world, name):
    """What a user has after toolkit build: the directory."""
    documents, out = world.folder / f"{name}-documents", world.folder / name
    (documents / "more").mkdir(parents=True)
    backend = f"http://127.0.0.1:{world.backend.port}"
    (documents / "a.yaml").write_text(document("A", "/a", PATHS, backend))
    (documents / "more" / "b.json").write_text(
        '{"swagger": "2.0", "info": {"title": "B", "version": "1"}, "basePath": "/b", "x-wso2-production-endpoints": {"urls": ["%s"]}, '
        '"paths": {"/open": {"get": {"x-auth-type": "None"}}}}' % backend)
    pem = "".join(f"              {line}\n" for line in world.tokens.pem.splitlines())
    (world.folder / f"{name}.conf").write_text(
        "securities:\n  - name: default-security-jwt\n    type: JWT\n    issuers:\n"
        f"      - issuer: https://issuer.test/token\n        keys:\n          - pem: |\n{pem}")
    done = subprocess.run([world.build / "bin/toolkit", "build", documents, out, "--conf", world.folder / f"{name}.conf"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def answers(world, gateway):
    def status(path, *more):
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{gateway.http}{path}", *more]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    wait("the gateway's health", lambda: status("/health") == "200")
    bearer = "-H", "Authorization: Bearer " + world.tokens.get("")
    return [status("/a/secured"), status("/a/secured", *bearer), status("/a/open"), status("/b/open"), status("/c")]


@story
def a_folder_of_documents_is_served_by_the_gateway(world, _):
    out = built(world, "served")
    gateway = world.gateway("{}")
    for name in ("GATEWAY_CONTRACT", "GATEWAY_RUN_DIR"):
        del gateway.environment[name]
    gateway.process = subprocess.Popen([gateway.binary, out], env=gateway.environment, stdout=subprocess.DEVNULL,
                                       stderr=open(gateway.err_path, "ab"))  # pylint: disable=consider-using-with
    assert answers(world, gateway) == ["401", "200", "200", "200", "404"]
    assert gateway.stop(signal.SIGTERM) == 0


@story
def a_folder_of_documents_is_served_by_nginx_itself(world, _):
    out = built(world, "plain")
    gateway = world.gateway("{}")
    done = gateway.run("--prepare", out)
    conf = done.stdout.strip()
    assert (done.returncode, conf) == (0, f"{out.resolve()}/run/nginx.conf"), done
    with open(gateway.err_path, "ab") as err:
        gateway.process = subprocess.Popen([gateway.environment["GATEWAY_NGINX"], "-e", "stderr", "-c", conf], stdout=subprocess.DEVNULL,
                                           stderr=err, env={**gateway.environment})
    assert answers(world, gateway) == ["401", "200", "200", "200", "404"]
    assert gateway.stop(signal.SIGQUIT) == 0


@story
def a_directory_that_cannot_be_served_is_told(world, _):
    gateway = world.gateway("{}")
    for arguments in (("/nonexistent",), ("--check", "/nonexistent")):
        done = gateway.run(*arguments)
        assert done.returncode == 2 and "/nonexistent" in done.stderr, done
    assert gateway.run("--prepare", "a", "b").returncode == 2
    done = subprocess.run([world.build / "bin/toolkit", "build", world.folder], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "two directories" in done.stderr, done

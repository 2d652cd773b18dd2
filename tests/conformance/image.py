"""Stories of the gateway's image: made without a cluster, run with runc as a pod would be."""
import os
import re
import signal
import subprocess
import sys

from standalone import answers, built
from world import HERE, free_port

STORIES = []
ROOT = HERE.parents[1]


def story(function):
    """Sanitized programs would need their sanitizer around them: the image is the one that is shipped."""
    def unless_sanitized(world, gateway):
        return None if "san-" in world.build.name else function(world, gateway)
    unless_sanitized.__name__ = function.__name__
    STORIES.append(unless_sanitized)
    return function


def ports_of(gateway):
    return [part for name, port in (("HTTP", gateway.http), ("HTTPS", gateway.https), ("METRICS", gateway.metrics), ("TOKEN", gateway.tokens))
            for part in ("-e", f"GATEWAY_{name}_PORT={port}")]


@story
def an_image_of_a_folder_of_documents_needs_no_cluster(world, _):
    out, image = built(world, "imaged"), world.folder / "image"
    made = subprocess.run([ROOT / "deploy/images/gateway.sh", out, f"oci:{image}"], env={**os.environ, "B": str(world.build)},
                          capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    gateway = world.gateway("{}")
    with open(gateway.err_path, "ab") as err:
        gateway.process = subprocess.Popen([HERE / "container.sh", image, *ports_of(gateway), "-e", "GATEWAY_PRE_STOP_SECONDS=0"],
                                           stdout=subprocess.DEVNULL, stderr=err)
    assert answers(world, gateway) == ["401", "200", "200", "200", "404"], gateway.err_path.read_text()
    assert gateway.stop(signal.SIGTERM) == 0
    missing = subprocess.run([ROOT / "deploy/images/gateway.sh", world.folder, f"oci:{image}2"], capture_output=True, text=True, check=False)
    assert missing.returncode == 2 and "toolkit build makes it" in missing.stderr, missing


@story
def every_case_holds_for_the_image(world, _):
    ports = {name: free_port() for name in ("HTTP", "HTTPS", "TOKEN", "METRICS")}
    start = (f"{ROOT}/deploy/images/gateway.sh $CONFORMANCE_DIR oci:$CONFORMANCE_DIR/image && exec {HERE}/container.sh $CONFORMANCE_DIR/image "
             "-v $CONFORMANCE_DIR/credentials:/etc/gateway/credentials -v $(readlink -f $CONFORMANCE_DIR/trust):/etc/gateway/trust "
             "-v $CONFORMANCE_DIR/resolv.conf:/etc/resolv.conf -v $CONFORMANCE_DIR/hosts:/etc/hosts "
             + " ".join(f"-e GATEWAY_{name}_PORT={port}" for name, port in ports.items()) + " >$CONFORMANCE_DIR/log 2>$CONFORMANCE_DIR/err")
    done = subprocess.run([sys.executable, HERE / "run.py", "--url", f"http://127.0.0.1:{ports['HTTP']}", "--https",
                           f"https://127.0.0.1:{ports['HTTPS']}", "--tokens", f"https://127.0.0.1:{ports['TOKEN']}",
                           "--metrics", f"http://127.0.0.1:{ports['METRICS']}", "--dir",
                           world.folder / "remote", "--start", start], env={**os.environ, "B": str(world.build)}, capture_output=True, text=True,
                          check=False)
    failed = [line for line in done.stdout.split("\n") if line.startswith("not ok")]
    assert done.returncode == 0 and not failed, (failed[:3], done.stdout[-300:], done.stderr[-2000:])
    passed = re.search(r"(\d+) passed, 0 failed, 0 left out", done.stdout)
    cases = sum(path.read_text().count("\n== ") + path.read_text().startswith("== ") for path in (HERE / "cases").glob("*.case"))
    assert passed and int(passed[1]) == cases, (done.stdout[-300:], cases)

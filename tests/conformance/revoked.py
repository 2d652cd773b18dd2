"""Stories of tokens that are revoked while the gateway runs, and of what tokens say to backends."""
import json
import subprocess
import time

from compiled import curl
from world import CLAIMS, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


@story
def a_revoked_token_is_refused_within_five_seconds(world, _):
    path = world.folder / "revoked"
    gateway = world.gateway(GATEWAY_REVOKED=str(path)).start()
    first, second = (world.tokens.sign({**CLAIMS, "jti": jti}) for jti in ("first", "second"))

    def refused(token):
        return curl(gateway, "/store/v1.0.0/products", scheme="http", token=token) == (401, 900901)
    assert not any(refused(t) for t in (first, second) * 4), "verified and remembered by both workers"
    (world.folder / "revoked.new").write_text("# out of use\n\n  first  \r\nanother\n")
    (world.folder / "revoked.new").rename(path)
    began = time.monotonic()
    wait("the refusal by all workers", lambda: all(refused(first) for _ in range(8)), 5)
    assert time.monotonic() - began < 5 and not refused(second)
    path.unlink()
    path.mkdir()
    wait("both workers' word about it", lambda: gateway.err_path.read_text().count("cannot be read") == 2)
    assert all(refused(first) for _ in range(4)), "a list that cannot be read revokes as before"
    path.rmdir()
    path.write_text("second\n")
    wait("the new list", lambda: all(refused(second) for _ in range(8)) and not any(refused(first) for _ in range(8)), 5)
    return gateway


@story
def what_a_token_says_to_the_backend_reaches_it_and_nothing_that_a_client_says(world, gateway):
    def seen(**claims):
        done = subprocess.run(["curl", "-s", f"http://127.0.0.1:{gateway.http}/store/v1.0.0/products", "-H", "X-JWT-Assertion: forged", "-H",
                               "Authorization: Bearer " + world.tokens.sign({**CLAIMS, **claims})], capture_output=True, check=True)
        return [value for name, value in json.loads(done.stdout)["headers"] if name.lower() == "x-jwt-assertion"]
    for _ in range(3):  # from the cache, too
        assert seen(backendJwt="a.b.c") == ["a.b.c"]
    assert seen() == []
    assert seen(backendJwt="a\r\nX-Admin: yes") == [] and seen(backendJwt=["a.b.c"]) == []

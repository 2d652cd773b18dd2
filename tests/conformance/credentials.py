"""Stories of passwords, API keys and key managers."""
import base64
import http.client
import json
import ssl
import threading
import time

from dialog import Connection
from world import Load, api_keys, basic, get, in_parallel, key_manager, users, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


@story
def a_changed_password_counts_without_a_restart_or_a_failure(world, _):
    gateway = world.gateway().start()
    by = lambda user, password: get(gateway, "/users/basic", headers={"Authorization": basic(user, password)})[0]
    with Load(gateway, "/users/basic", 2, {"Authorization": basic("writer", "p:w")}) as load:
        assert by("admin", "admin") == 200 and by("admin", "fresh") == 401
        gateway.write_credentials("users", users(("admin", "fresh"), ("writer", "p:w")))
        wait("the new password", lambda: by("admin", "fresh") == 200)
        wait("the end of the old one", lambda: by("admin", "admin") == 401)
        gateway.write_credentials("users", "{ broken")
        wait("a message", lambda: 'users.json": ' in gateway.err_path.read_text())
        assert by("admin", "fresh") == 200
        gateway.write_credentials("users", users(("writer", "p:w"),))
        wait("the end of a user", lambda: by("admin", "fresh") == 401)
    assert not load.failures, load.failures[:3]
    return gateway


@story
def credentials_that_are_missing_at_the_start_are_an_internal_error_until_they_come(world, _):
    gateway = world.gateway()
    (gateway.credentials / "users.json").unlink()
    gateway.start()
    by_admin = {"Authorization": basic("admin", "admin")}
    status, body = get(gateway, "/users/basic", headers=by_admin)
    assert status == 500 and b'"code":900900' in body, (status, body)
    assert get(gateway, "/users/two", headers={"Authorization": basic("other", "0ther")})[0] == 200
    assert get(gateway, "/users/basic")[0] == 401
    gateway.write_credentials("users", users(("admin", "admin"),))
    wait("the credentials", lambda: get(gateway, "/users/basic", headers=by_admin)[0] == 200)
    return gateway


def ask_for_key(gateway, user, method="GET", body=None, port=None, path="/apikey"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    c = http.client.HTTPSConnection("127.0.0.1", port or gateway.https, timeout=10, context=context)
    c.request(method, path, body, {"Authorization": user} if user else {})
    r = c.getresponse()
    return r.status, r.read().decode()


@story
def keys_are_issued_to_users_and_let_callers_in(world, gateway):
    status, key = ask_for_key(gateway, basic("keeper", "of keys"))
    assert status == 200 and key.count(".") == 2, (status, key)
    for path, headers in (("/users/key", {"X-Pet-Key": key}), ("/users/key/query?pet%20key=" + key, {}), ("/users/key/strict", {"api_key": key})):
        assert get(gateway, path, headers=headers)[0] == 200, path
    status, short = ask_for_key(gateway, basic("keeper", "of keys"), "POST", '{"validityTime": 100}')
    claims = json.loads(base64.urlsafe_b64decode(short.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 100 and claims["sub"] == "keeper" and claims["keytype"] == "PRODUCTION", claims
    assert {"name": "Users", "version": "1"} in claims["allowedAPIs"]
    assert ask_for_key(gateway, basic("keeper", "of keys"))[1] != key
    for body in ("[]", '{"validityTime": 0}', '{"validityTime": "1"}', "x" * 5000):
        assert ask_for_key(gateway, basic("keeper", "of keys"), "POST", body)[0] == 400, body
    assert ask_for_key(gateway, basic("keeper", "wrong"))[0] == 401
    assert ask_for_key(gateway, basic("admin", "admin"))[0] == 401
    assert ask_for_key(gateway, None)[0] == 401
    assert ask_for_key(gateway, basic("keeper", "of keys"), "PUT")[0] == 405
    assert get(gateway, "/apikey", headers={"Authorization": basic("keeper", "of keys")})[0] == 404


@story
def another_mac_key_ends_all_api_keys(world, _):
    gateway = world.gateway().start()
    key = {"X-Pet-Key": ask_for_key(gateway, basic("keeper", "of keys"))[1]}
    assert get(gateway, "/users/key", headers=key)[0] == 200
    gateway.write_credentials("keys", api_keys(False, "77" * 32))
    wait("the end of the key", lambda: get(gateway, "/users/key", headers=key)[0] == 401)
    return gateway


@story
def a_key_manager_is_asked_once_per_token_and_worker(world, _):
    gateway = world.gateway(GATEWAY_WORKERS="1").start()
    asked = lambda token: world.tls.asked.count(token)
    statuses = in_parallel(20, lambda i: get(gateway, "/users/opaque", "good-slow-once")[0])
    assert statuses == [200] * 20 and asked("good-slow-once") == 1, (statuses, asked("good-slow-once"))
    for _ in range(3):
        assert get(gateway, "/users/opaque", "bad-once")[0] == 401
    assert asked("bad-once") == 1
    for _ in range(3):
        assert get(gateway, "/users/opaque", "failing-never")[0] == 500
    assert asked("failing-never") == 3
    assert get(gateway, "/users/opaque", "good-short-once")[0] == 200
    assert get(gateway, "/users/opaque", "good-short-once")[0] == 200
    assert asked("good-short-once") == 1
    wait("the token's end", lambda: get(gateway, "/users/opaque", "good-short-once")[0] == 200 and asked("good-short-once") == 2)
    return gateway


@story
def a_slow_key_manager_delays_nobody_else(world, _):
    gateway = world.gateway(GATEWAY_WORKERS="1").start()
    slow = threading.Thread(target=lambda: get(gateway, "/users/opaque", "good-slow-alone"))
    slow.start()
    wait("the question", lambda: "good-slow-alone" in world.tls.asked)
    assert get(gateway, "/store/v1.0.0/files/quick")[0] == 200 and slow.is_alive()
    slow.join()
    c = Connection(gateway.http)
    c.send(b"GET /users/opaque HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good-slow-and-gone\r\n\r\n")
    wait("the question", lambda: "good-slow-and-gone" in world.tls.asked)
    c.close()
    assert get(gateway, "/users/opaque", "good-slow-and-gone")[0] == 200
    started = time.monotonic()
    assert get(gateway, "/users/opaque", "good-silent")[0] == 500
    assert 4 < time.monotonic() - started < 6.5
    return gateway


@story
def the_gateways_own_credentials_may_change(world, _):
    gateway = world.gateway().start()
    world.tls.secret = "fresh"
    assert get(gateway, "/users/opaque", "good-changed")[0] == 500
    gateway.write_credentials("km", key_manager(password="fresh"))
    wait("the new password", lambda: get(gateway, "/users/opaque", "good-changed")[0] == 200)
    world.tls.secret = "gateway:secret"
    return gateway

"""Stories about rate limits. Windows are those of the clock: where a story must stay inside one it uses days, and waits if midnight
is near; the one about a window's end uses a minute, begun by the first story and ended by the last."""
import http.client
import json
import signal
import subprocess
import threading
import time

from world import CLAIMS, wait

STORIES = []
MINUTE, DAY = 60, 86400
BODY = '{"fault":{"code":%d, "message":"Message throttled out", "description":"You have exceeded your quota"}}'


def story(function):
    STORIES.append(function)
    return function


def limit(name, count, unit=DAY, over_quota=False):
    return {"name": name, "count": count, "unitSeconds": unit, "units": 1, "overQuota": over_quota}


def contract(world, tiers, resource, application=(), subscription=(), **settings):
    """The usual contract with tiers: {operation id or base path: policy}."""
    c = json.loads(world.contract(**settings))
    by_name = {"key": lambda p: p["name"]}
    c["limits"] = {"resource": sorted(resource, **by_name), "application": sorted(application, **by_name), "subscription": sorted(
        [*subscription, limit("Default", 10 ** 6), limit("Unauthenticated", 10 ** 6)], **by_name)}
    for api in c["apis"]:
        if api["basePath"] in tiers:
            api["tier"] = tiers[api["basePath"]]
        for path in api["paths"]:
            for operation in path["operations"]:
                if operation["id"] in tiers:
                    operation["tier"] = tiers[operation["id"]]
    return json.dumps(c)


def stay_in_window(unit_s=DAY, seconds=20):
    if unit_s - time.time() % unit_s < seconds:
        wait("the next window", lambda: unit_s - time.time() % unit_s > seconds, seconds + 5)


def ask(gateway, path, token=None, method="GET", connection=None, **headers):
    c = connection or http.client.HTTPConnection(gateway.address, gateway.http, timeout=10)
    if token:
        headers["Authorization"] = "Bearer " + token
    c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    r = c.getresponse()
    return r.status, r.read().decode(), r


def passed(gateway, path, tries, token=None, **headers):
    """How many of so many tries, one after the other, and the last refusal."""
    c = http.client.HTTPConnection(gateway.address, gateway.http, timeout=10)
    answers = [ask(gateway, path, token, connection=c, **headers) for _ in range(tries)]
    return sum(a[0] == 200 for a in answers), next((a for a in answers if a[0] != 200), None)


MINUTES = {}


@story
def a_limit_per_minute_is_reached(world, _):
    stay_in_window(MINUTE, 5)
    gateway = world.gateway(contract(world, {"getFile": "two"}, [limit("two", 2, MINUTE)])).start()
    stay_in_window(MINUTE, 5)
    n, refusal = passed(gateway, "/store/v1.0.0/files/x", 3)
    assert n == 2 and refusal[0] == 429
    MINUTES["gateway"], MINUTES["minute"] = gateway, int(time.time()) // MINUTE


@story
def the_refusal_is_the_originals_byte_for_byte(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {"getFile": "two", "/backends": "one"}, [limit("two", 2), limit("one", 1)])).start()
    n, (status, body, r) = passed(gateway, "/store/v1.0.0/files/x", 3)
    assert (n, status, body) == (2, 429, BODY % 900802), (n, status, body)
    assert r.headers["Content-Type"] == "application/json" and r.headers["Content-Length"] == str(len(body))
    assert not r.headers["Retry-After"] and not r.headers["RateLimit-Limit"]
    n, (status, body, r) = passed(gateway, "/backends/hosts", 2)
    assert (n, status, body) == (1, 429, BODY % 900800), (n, status, body)
    assert ask(gateway, "/backends/short")[1] == BODY % 900800  # all operations together
    assert ask(gateway, "/store/v1.0.0/files/x", method="HEAD")[0] == 200  # an operation of its own
    line = gateway.logged("/backends/short")[0]
    assert line["fault"] == 900800 and line["reason"] == "limit of the API", line
    assert gateway.metric(r'gateway_faults_total\{code="900800"\}') == 2
    return gateway


@story
def a_refusal_can_be_read_by_the_page_that_asked(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {"shopFile": "one"}, [limit("one", 1)])).start()
    n, (status, _body, r) = passed(gateway, "/shop/files/x", 2, Origin="https://shop.example")
    assert (n, status, r.headers["Access-Control-Allow-Origin"]) == (1, 429, "https://shop.example"), (n, status, r.headers)
    assert "Access-Control-Allow-Origin" not in ask(gateway, "/shop/files/x", Origin="https://other.example")[2].headers
    return gateway


@story
def a_refused_request_keeps_its_connection(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {"postFile": "one"}, [limit("one", 1)])).start()
    c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    for expected in (200, 429, 429):
        c.request("POST", "/store/v1.0.0/files/x", body=b"x" * 100000)
        r = c.getresponse()
        r.read()
        assert r.status == expected, r.status
    return gateway


@story
def a_limit_is_exact_under_load_from_all_sides(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {"getFile": "some"}, [limit("some", 500)])).start()
    counts = []
    threads = [threading.Thread(target=lambda: counts.append(passed(gateway, "/store/v1.0.0/files/x", 150)[0])) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sum(counts) == 500, counts
    return gateway


@story
def tiers_of_application_and_subscription_come_from_the_token(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {}, [], [limit("small", 3)], [limit("silver", 5), limit("soft", 1, over_quota=True)])).start()

    def token(application_tier, subscription_tier, user, number):
        return world.tokens.sign({**CLAIMS, "sub": user, "application": {"id": number, "tier": application_tier}, "subscribedAPIs": [
            {"name": "Online-Store", "version": "v1.0.0", "subscriptionTier": subscription_tier}]})
    n, refusal = passed(gateway, "/store/v1.0.0/products", 5, token("small", "Unlimited", "ann", 1))
    assert (n, refusal[1]) == (3, BODY % 900803)
    assert passed(gateway, "/store/v1.0.0/products", 1, token("small", "Unlimited", "bob", 1))[0] == 1
    # The API Custom has no subscription, so Default; the application's counter is the same.
    n, refusal = passed(gateway, "/custom/thing", 1, None, x_custom_auth="Bearer " + token("small", "Unlimited", "ann", 1))
    assert (n, refusal[1]) == (0, BODY % 900803)
    n, refusal = passed(gateway, "/store/v1.0.0/products", 8, token("Unlimited", "silver", "ann", 2))
    assert (n, refusal[1]) == (5, BODY % 900804)
    assert passed(gateway, "/store/v1.0.0/products", 1, token("Unlimited", "silver", "bob", 2))[0] == 0  # all users of the application
    assert passed(gateway, "/store/v1.0.0/products", 5, token("Unlimited", "soft", "ann", 3))[0] == 5
    status, body, _ = ask(gateway, "/store/v1.0.0/products", token("Unlimited", "unknown", "ann", 4))
    assert (status, body) == (500, '{"fault":{"code":900809, "message":"Internal server error occured", "description":"POLICY ENFORCEMENT ERROR"}}')
    return gateway


@story
def open_operations_are_limited_by_address(world, _):
    stay_in_window()
    text = contract(world, {}, [])
    text = text.replace('"Unauthenticated", "count": 1000000', '"Unauthenticated", "count": 3')
    gateway = world.gateway(text).start()
    n, refusal = passed(gateway, "/store/v1.0.0/files/x", 5)
    assert (n, refusal[1]) == (3, BODY % 900804)
    assert passed(gateway, "/store/v1.0.0/files/x", 5, X_Forwarded_For="203.0.113.9, 10.0.0.1")[0] == 3
    assert passed(gateway, "/store/v1.0.0/files/x", 5, X_Forwarded_For="garbage")[0] == 0
    assert passed(gateway, "/backends/hosts", 1)[0] == 1
    assert gateway.is_healthy()
    return gateway


@story
def clients_are_told_how_much_is_left_if_the_contract_says_so(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {"getFile": "two"}, [limit("two", 2)], limitHeaders=True)).start()
    told = []
    for _ in range(3):
        r = ask(gateway, "/store/v1.0.0/files/x")[2]
        told.append((r.status, r.headers["RateLimit-Limit"], r.headers["RateLimit-Remaining"], r.headers["Retry-After"] is not None))
        assert 0 < int(r.headers["RateLimit-Reset"]) <= DAY
    assert told == [(200, "2", "1", False), (200, "2", "0", False), (429, "2", "0", True)], told
    assert abs(int(r.headers["Retry-After"]) - (DAY - time.time() % DAY)) < 3
    return gateway


@story
def limits_go_on_over_a_reload_and_the_death_of_a_worker(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {"getFile": "five"}, [limit("five", 5)])).start()
    assert passed(gateway, "/store/v1.0.0/files/x", 2)[0] == 2
    old = gateway.workers()
    # Another contract: what is counted in it goes on all the same.
    gateway.contract.write_text(contract(world, {"getFile": "five"}, [limit("five", 6)], maxUriBytes=5000))
    gateway.process.send_signal(signal.SIGHUP)
    wait("new workers", lambda: (now := gateway.workers()) and not old & now)
    assert passed(gateway, "/store/v1.0.0/files/x", 2)[0] == 2
    for worker in (old := gateway.workers()):
        subprocess.run(["kill", "-KILL", worker], check=True)
    wait("other workers", lambda: (now := gateway.workers()) and not old & now)
    wait("an answer", gateway.is_healthy)
    n, refusal = passed(gateway, "/store/v1.0.0/files/x", 9)
    assert (n, refusal[1]) == (2, BODY % 900802), n
    gateway.err_path.write_text("")  # nginx tells of its workers' deaths
    return gateway


@story
def a_flood_of_addresses_costs_bounded_memory_and_is_told(world, _):
    stay_in_window()
    text = contract(world, {"getFile": "busy"}, [limit("busy", 1500)])
    text = text.replace('"Unauthenticated", "count": 1000000, "unitSeconds": 86400', '"Unauthenticated", "count": 3, "unitSeconds": 60')
    gateway = world.gateway(text, GATEWAY_LIMIT_COUNTERS="16").start()
    c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    statuses = [ask(gateway, "/store/v1.0.0/files/x", connection=c, X_Forwarded_For=f"10.0.{i // 250}.{i % 250}")[0] for i in range(1000)]
    assert statuses == [200] * 1000
    assert gateway.metric("gateway_limit_counters_evicted_total") > 900
    assert "counters of rate limits are full" in gateway.err_path.read_text()
    # The operation's own counter has the longer window and stayed.
    statuses = [ask(gateway, "/store/v1.0.0/files/x", connection=c, X_Forwarded_For=f"10.1.{i // 250}.{i % 250}")[0] for i in range(600)]
    assert statuses.count(200) == 500, statuses.count(200)
    return gateway


@story
def a_limit_is_for_the_requests_that_it_says(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {"getFile": "some", "/backends": "near", "listProducts": "claimed"}, [
        {**limit("some", 1), "header": "x-plan", "headerValue": "free"},
        {**limit("claimed", 1), "claim": "plan", "claimValue": "free"},
        {**limit("near", 1), "addressFirst": "10.0.0.1", "addressLast": "10.0.0.9", "addressNot": False}])).start()
    assert passed(gateway, "/store/v1.0.0/files/x", 3, X_Plan="paid")[0] == 3
    assert passed(gateway, "/store/v1.0.0/files/x", 3)[0] == 3
    n, refusal = passed(gateway, "/store/v1.0.0/files/x", 3, X_Plan="free")
    assert (n, refusal[1]) == (1, BODY % 900802)
    assert passed(gateway, "/backends/hosts", 3)[0] == 3
    assert passed(gateway, "/backends/hosts", 3, X_Forwarded_For="10.0.0.3")[0] == 1
    assert passed(gateway, "/backends/hosts", 1, X_Forwarded_For="10.0.0.4")[0] == 0
    free, paid = (world.tokens.sign({**CLAIMS, "plan": plan}) for plan in ("free", "paid"))
    assert passed(gateway, "/store/v1.0.0/products", 3, paid)[0] == 3
    assert passed(gateway, "/store/v1.0.0/products", 3, free)[0] == 1
    assert passed(gateway, "/store/v1.0.0/products", 3, paid)[0] == 3
    return gateway


@story
def an_amount_of_data_is_counted_both_ways(world, _):
    stay_in_window()
    gateway = world.gateway(contract(world, {"postFile": "amount", "getFile": "amount"}, [{**limit("amount", 1000), "bytes": 100000}])).start()
    c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)

    def post():
        c.request("POST", "/store/v1.0.0/files/x", body=b"x" * 30000)
        r = c.getresponse()
        return r.status, r.read().decode()
    answers = [post() for _ in range(5)]
    assert [a[0] for a in answers] == [200, 200, 200, 200, 429], answers
    assert answers[4][1] == BODY % 900802
    # An operation of its own, and answers count as well: each is some hundred bytes.
    c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    statuses = [ask(gateway, "/store/v1.0.0/files/x", connection=c)[0] for _ in range(600)]
    assert 429 in statuses and statuses.index(429) > 50, statuses.index(429)
    assert statuses == sorted(statuses), "what is over stays over"
    return gateway


@story
def after_the_minute_it_passes_again(_world, _gateway):
    gateway = MINUTES["gateway"]
    if int(time.time()) // MINUTE == MINUTES["minute"]:
        c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
        wait("the next minute", lambda: ask(gateway, "/store/v1.0.0/files/x", connection=c)[0] == 200, MINUTE + 5)
        assert int(time.time()) // MINUTE == MINUTES["minute"] + 1
        assert time.time() % MINUTE < 3
    else:
        assert passed(gateway, "/store/v1.0.0/files/x", 1)[0] == 1
    return gateway

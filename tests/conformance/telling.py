"""Stories of what a gateway tells: metrics and the log."""
import http.client

from world import get, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


@story
def the_token_cache_is_counted(world, gateway):
    token = world.tokens.get("second")
    hits = gateway.metric(r'gateway_token_cache_total\{result="hit"\}')
    c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    for _ in range(5):
        assert get(gateway, "/store/v1.0.0/products", token, c)[0] == 200
    wait("4 hits", lambda: gateway.metric(r'gateway_token_cache_total\{result="hit"\}') - hits == 4)


@story
def metrics_tell_what_happened(world, gateway):
    def counted():
        return (gateway.metric(r'gateway_requests_total\{api="Online-Store",version="v1.0.0",operation="listProducts",status="4xx"\}'),
                gateway.metric(r'gateway_faults_total\{code="900902"\}'), gateway.metric("gateway_request_duration_seconds_count"),
                gateway.metric(r'gateway_upstream_errors_total\{kind="connect"\}'),
                gateway.metric(r'gateway_requests_total\{api="Backends \\"of\\" every kind",version="2",operation="refused",status="5xx"\}'))
    before = counted()
    get(gateway, "/store/v1.0.0/products")
    get(gateway, "/backends/refused")
    # A client may have its answer before the worker has counted it.
    wait("the counters", lambda: tuple(a - b for a, b in zip(counted(), before)) == (1, 1, 2, 1, 1))


@story
def the_log_tells_what_happened(world, gateway):
    get(gateway, "/store/v1.0.0/products/logged?secret=hidden", world.tokens.get("writer"))
    line = gateway.logged("/store/v1.0.0/products/logged")[0]
    expected = {"method": "GET", "status": 200, "api": "Online-Store", "version": "v1.0.0", "operation": "getProduct", "application": "app"}
    assert expected.items() <= line.items(), line
    assert {"time", "ms", "bytes", "upstream_ms", "request_id"} <= line.keys(), line
    get(gateway, "/store/v1.0.0/products/expired-log", world.tokens.get("expired"))
    line = gateway.logged("/store/v1.0.0/products/expired-log")[0]
    assert line["fault"] == 900901 and line["reason"], line

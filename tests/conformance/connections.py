"""Stories of connections to backends, and of the names that backends are found by."""
import http.client
import json

from backend import Backend
from world import free_port, get, in_parallel, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


@story
def connections_to_the_backend_are_kept(world, gateway):
    before = world.backend.connections
    for _ in range(40):
        assert get(gateway, "/store/v1.0.0/files/kept")[0] == 200
    made = world.backend.connections - before
    assert made <= 2, f"{made} connections for 40 requests of 2 workers"


@story
def a_kept_connection_that_the_backend_closes_costs_no_request(world, gateway):
    for _ in range(20):
        assert get(gateway, "/store/v1.0.0/files/before")[0] == 200
        try:
            get(gateway, "/store/v1.0.0/files/special/close")
        except http.client.HTTPException:
            pass
        assert get(gateway, "/store/v1.0.0/files/after")[0] == 200


@story
def tls_names_are_sent_and_connections_belong_to_their_host(world, gateway):
    assert get(gateway, "/backends/tls")[0] == 200
    assert "tls.test" in world.tls.names
    # The same address: a connection that was checked for another name must not be used.
    assert get(gateway, "/backends/wrong-name")[0] == 500


@story
def host_names_need_not_match_when_the_contract_says_so(world, _):
    gateway = world.gateway(world.contract(verifyHostname=False)).start()
    assert get(gateway, "/backends/wrong-name")[0] == 200
    assert get(gateway, "/backends/untrusted")[0] == 500
    return gateway


@story
def names_are_looked_up_again(world, gateway):
    assert json.loads(get(gateway, "/backends/short")[1])["address"] == "127.0.0.1"
    world.names.names["products.default.svc.cluster.local"] = ["127.0.0.2"]

    def moved():
        answers = [json.loads(get(gateway, "/backends/short")[1])["address"] for _ in range(4)]
        return all(a == "127.0.0.2" for a in answers)
    wait("the new address", moved)
    world.names.names["products.default.svc.cluster.local"] = ["127.0.0.1"]


@story
def a_name_that_vanishes_leaves_its_addresses(world, gateway):
    assert get(gateway, "/backends/short")[0] == 200
    kept = world.names.names.pop("products.default.svc.cluster.local")
    asked = len(world.names.asked)
    wait("a lookup that fails", lambda: get(gateway, "/backends/short")[0] == 200 and
         any(n.startswith("products") for n in world.names.asked[asked:]))
    assert get(gateway, "/backends/short")[0] == 200
    world.names.names["products.default.svc.cluster.local"] = kept


@story
def a_name_that_appears_later_works_without_a_restart(world, gateway):
    assert get(gateway, "/backends/nowhere")[0] == 500
    world.names.names["nowhere.test"] = ["127.0.0.1"]
    wait("the new name", lambda: get(gateway, "/backends/nowhere")[0] == 200)
    del world.names.names["nowhere.test"]


@story
def a_start_needs_no_name_server(world, _):
    (world.folder / "resolv-dead.conf").write_text(f"nameserver 127.0.0.1:{free_port()}\n")
    gateway = world.gateway(GATEWAY_RESOLV_CONF=str(world.folder / "resolv-dead.conf")).start()
    assert get(gateway, "/store/v1.0.0/files/a")[0] == 200
    return gateway


@story
def many_requests_wait_for_one_lookup(world, _):
    gateway = world.gateway(GATEWAY_WORKERS="1").start()
    asked = len(world.names.asked)
    statuses = in_parallel(20, lambda i: get(gateway, "/backends/short")[0])
    assert statuses == [200] * 20, statuses
    assert world.names.asked[asked:].count("products.default.svc.cluster.local") == 1
    return gateway


@story
def a_refused_backend_comes_back(world, gateway):
    assert get(gateway, "/backends/refused")[0] == 500
    late = Backend(port=world.refused)
    assert get(gateway, "/backends/refused")[0] == 200
    late.stop()
    wait("its end", lambda: get(gateway, "/backends/refused")[0] == 500)

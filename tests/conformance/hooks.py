"""Stories of hooks: scripts that change what a real backend gets, and what it answers."""
import json
import re
import subprocess
import time

from compiled import compile_documents, document
from dialog import Connection, by_curl
from world import API_KEYS, wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


def ask(gateway, path, method="GET", body="", **headers):
    """The answer to one request on a connection of its own."""
    connection = Connection(gateway.http)
    lines = [f"{method} {path} HTTP/1.1", "Host: gw", "Connection: close"]
    lines += [f"{name.replace('__', '~').replace('_', '-').replace('~', '_')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    connection.send("\r\n".join(lines + ["", body]).encode())
    try:
        return connection.answer(method == "HEAD")
    finally:
        connection.close()


def seen(answer):
    """What the backend got: its headers by lower-case name, and its target."""
    assert answer.status == 200, (answer.status, answer.body)
    said = json.loads(answer.body)
    headers = {}
    for name, value in said["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    return headers, said["target"]


def operation(path, request=None, response=None, secured=False, method="get"):
    """An operation with its hooks, as YAML."""
    lines = [f"  {path}:", f"    {method}:", f"      x-wso2-disable-security: {str(not secured).lower()}"]
    for key, script in (("x-apim-request-hook", request), ("x-apim-response-hook", response)):
        if script:
            lines += [f"      {key}: |"] + [f"        {line}" for line in script.strip().split("\n")]
    return "\n".join(lines)


def hooked(world, *operations, root="", **settings):
    text = document("Hooked", "/h", root + "\npaths:\n" + "\n".join(operations))
    return world.gateway(compile_documents(world, {"a.yaml": text}, **settings)).start()


def assert_fault(answer):
    assert answer.status == 500, (answer.status, answer.body)
    assert answer.body == (b'{"fault":{"code":103500, "message":"Internal Server Error", '
                           b'"description":"A hook of the API failed"}}'), answer.body
    assert answer.header("content-type") == "application/json"
    assert answer.header("x-request-id")


@story
def a_hook_changes_headers_and_query_of_what_the_backend_gets(world, _):
    gateway = hooked(world, operation("/files/a", """
local tenant = request.headers["X-Tenant"]
request.headers["X-Tenant"] = tenant and tenant:upper() or "NONE"
request.headers["X-Many"] = {"one", "two"}
request.headers["Cookie"] = nil
request.headers["X-Told"] = request.method .. " " .. request.path .. " " .. request.api .. " " .. request.operation
request.query = request.query .. "&added=1"
"""), operation("/files/b", "request.query = nil"), operation("/files/c", "request.query = 'fresh=%20'"))
    headers, target = seen(ask(gateway, "/h/files/a?x=%20y", x_tenant="blue", Cookie="a=b", Accept="text/x"))
    assert target == "/files/a?x=%20y&added=1", target
    assert headers["x-tenant"] == ["BLUE"] and headers["x-many"] == ["one", "two"] and "cookie" not in headers, headers
    assert headers["x-told"] == ["GET /h/files/a Hooked GET /files/a"], headers
    assert headers["accept"] == ["text/x"], headers
    assert seen(ask(gateway, "/h/files/b?x=1"))[1] == "/files/b"
    assert seen(ask(gateway, "/h/files/c"))[1] == "/files/c?fresh=%20"
    assert gateway.metric(r"gateway_hooks_total\{phase=\"request\",result=\"ok\"\}") == 3
    return gateway


@story
def the_hook_of_the_api_goes_before_the_operations_and_after_it(world, _):
    root = """x-apim-request-hook: |
  request.headers["X-Order"] = "root"
x-apim-response-hook: |
  response.headers["X-Order"] = response.headers["X-Order"] .. " root"
"""
    gateway = hooked(world, operation("/files/a", 'request.headers["X-Order"] = request.headers["X-Order"] .. " operation"',
                                      'response.headers["X-Order"] = "operation"'),
                     operation("/files/b", None, 'response.headers["X-Order"] = "alone"'), root=root)
    answer = ask(gateway, "/h/files/a")
    assert seen(answer)[0]["x-order"] == ["root operation"], seen(answer)
    assert answer.header("x-order") == "operation root"
    answer = ask(gateway, "/h/files/b")
    assert seen(answer)[0]["x-order"] == ["root"]
    assert answer.header("x-order") == "alone root"
    return gateway


@story
def a_hook_may_answer_in_the_place_of_the_backend(world, _):
    gateway = hooked(world, operation("/files/a", """
if request.headers["X-Let-Me"] ~= "in" then
  return {status = 403, body = '{"no": true}', headers = {["Content-Type"] = "application/json", ["X-Why"] = "rule 7"}}
end
"""), operation("/files/b", "return {status = 204}"), operation("/files/c", "return {status = 418, body = 'tea'}", method="post"))
    before = world.backend.requests
    answer = ask(gateway, "/h/files/a")
    assert (answer.status, answer.body) == (403, b'{"no": true}')
    assert answer.header("content-type") == "application/json" and answer.header("x-why") == "rule 7"
    answer = ask(gateway, "/h/files/b")
    assert (answer.status, answer.body) == (204, b"")
    answer = ask(gateway, "/h/files/c", method="POST", body="x" * 5000)
    assert (answer.status, answer.body, answer.header("content-type")) == (418, b"tea", "text/plain")
    assert world.backend.requests == before, "the backend was asked"
    assert seen(ask(gateway, "/h/files/a", X_Let_Me="in"))
    reasons = {l["status"]: l.get("reason") for l in gateway.logged("/h/files/a", 2)}
    assert reasons == {403: "answered by a hook", 200: None}, reasons
    assert gateway.metric(r"gateway_hooks_total\{phase=\"request\",result=\"answered\"\}") == 3
    return gateway


@story
def a_hook_changes_status_and_headers_of_an_answer(world, _):
    change = """
assert(response.status == 201 and response.headers["X-Own"] == "1" and response.headers["content-type"] == "application/json")
assert(request.headers["X-Asked"] == "yes")
response.status = 202
response.headers["X-Own"] = nil
response.headers["Location"] = "/moved"
response.headers["Content-Type"] = "application/own+json"
response.headers["Set-Cookie"] = {"a=1", "b=2"}
response.headers["Server"] = nil
"""
    gateway = hooked(world, operation("/files/special/created", None, change),
                     operation("/files/special/redirect", None, 'response.headers["Location"] = nil'),
                     operation("/files/special/chunked", None, 'response.headers["X-A"] = response.status'),
                     operation("/files/special/no-content", None, 'response.headers["X-A"] = "b"'),
                     operation("/files/nothing", None, 'response.status = 304'))
    answer = ask(gateway, "/h/files/special/created", X_Asked="yes")
    assert (answer.status, answer.body) == (202, b"{}"), (answer.status, answer.body)
    assert answer.header("location") == "/moved" and answer.header("x-own") is None and answer.header("server") is None
    assert answer.header("content-type") == "application/own+json" and answer.header("set-cookie") == "a=1, b=2"
    answer = ask(gateway, "/h/files/special/redirect")
    assert answer.status == 302 and answer.header("location") is None
    answer = ask(gateway, "/h/files/special/chunked")
    assert answer.body == b"hello world" and answer.header("x-a") == "200"
    answer = ask(gateway, "/h/files/special/no-content")
    assert (answer.status, answer.header("x-a"), answer.body) == (204, "b", b"")
    answer = ask(gateway, "/h/files/nothing")
    assert (answer.status, answer.body) == (304, b"")
    return gateway


@story
def a_hook_sees_who_calls_and_never_the_token(world, _):
    gateway = hooked(world, operation("/files/a", """
request.headers["X-Who"] = table.concat({request.user, request.application, request.keytype, request.claims.iss,
  request.claims.application.tier, request.claims.exp > 0 and "exp" or ""}, " ")
for _, name in ipairs({"Authorization", "authorization", "X-JWT-Assertion"}) do
  assert(request.headers[name] == nil)
end
""", "assert(request.headers.authorization == nil)", secured=True),
                     operation("/files/open", "assert(request.headers.Authorization == nil and request.claims.iss == nil and request.user == nil)"),
                     removeAuthHeader=False)
    token = world.tokens.get("")
    for _ in range(2):  # verified, and remembered
        headers, _ = seen(ask(gateway, "/h/files/a", Authorization="Bearer " + token))
        assert headers["x-who"] == ["admin@carbon.super app PRODUCTION https://issuer.test/token Unlimited exp"], headers
        assert headers["authorization"] == ["Bearer " + token]
    assert ask(gateway, "/h/files/a").status == 401
    assert seen(ask(gateway, "/h/files/open", Authorization="Bearer " + token))
    return gateway


@story
def a_hook_sees_no_api_key_wherever_it_stands(world, _):
    """With keys that the backend gets as well: the worst case."""
    script = """
if request.query then request.headers["X-Query"] = request.query end
assert(request.headers["X-Key"] == nil and request.headers["x_key"] == nil)
"""
    contract = json.loads(compile_documents(world, {"a.yaml": document("Users", "/h", "paths:\n" + operation("/files/a", script, secured=True) +
                                                                       "\n" + operation("/files/b", script, secured=True))}, removeAuthHeader=False))
    contract["schemes"] = [{"type": "apikey", "security": "keys", "in": "query", "name": "key"},
                           {"type": "apikey", "security": "keys", "in": "header", "name": "x-key"}]
    contract["issuers"] = []
    for i, path in enumerate(contract["apis"][0]["paths"]):
        path["operations"][0].update({"issuers": [], "schemes": [i]})
    gateway = world.gateway(json.dumps(contract)).start()
    key = API_KEYS[""]()
    headers, target = seen(ask(gateway, f"/h/files/a?x=1&key={key}&y=2"))
    assert headers["x-query"] == ["x=1&y=2"] and key in target, headers
    headers, _ = seen(ask(gateway, f"/h/files/a?key={key}"))
    assert "x-query" not in headers
    assert seen(ask(gateway, "/h/files/b", x_key=key))[0]["x-key"] == [key]
    return gateway


@story
def a_hook_cannot_say_what_only_the_gateway_says(world, _):
    names = ["X-JWT-Assertion", "X_JWT_Assertion", "X-Forwarded-For", "Forwarded", "X-Request-ID", "X-HTTP-Method-Override", "Host",
             "Content-Length", "Transfer-Encoding", "Connection", "TE"]
    gateway = hooked(world, *[operation(f"/files/{i}", f'request.headers["{name}"] = "forged"') for i, name in enumerate(names)],
                     operation("/files/split", 'request.headers["X-A"] = request.headers["X-Text"]:replace("|", "\\r\\n")'),
                     operation("/files/split-answer", None, 'response.headers["X-A"] = "a\\r\\nX-B: c"'),
                     operation("/files/split-query", 'request.query = "a HTTP/1.1\\r\\nX-B: c"'))
    before = world.backend.requests
    for i, name in enumerate(names):
        assert_fault(ask(gateway, f"/h/files/{i}"))
    assert_fault(ask(gateway, "/h/files/split", X_Text="a|X-B: c"))
    assert_fault(ask(gateway, "/h/files/split-query"))
    assert world.backend.requests == before, "the backend was asked"
    answer = ask(gateway, "/h/files/split-answer")
    assert_fault(answer)
    assert answer.header("x-b") is None
    assert seen(ask(gateway, "/h/files/split", X_Text="a"))
    return gateway


@story
def an_endless_loop_a_memory_bomb_and_an_error_are_faults_and_harm_nobody(world, _):
    gateway = hooked(world, operation("/files/loop", "while true do end"),
                     operation("/files/compare", "local a = ('x'):rep(100000) local b = a:sub(1, 99999) .. 'y' while a < b do end"),
                     operation("/files/bomb", "local s = 'x' while true do s = s .. s end"),
                     operation("/files/tables", "local t = {} while true do t[#t + 1] = {} end"),
                     operation("/files/error", "local user = request.user\nreturn user.name"),
                     operation("/files/late", None, "response.headers['X-A'] = 'b' while true do end"),
                     operation("/files/good", "request.headers['X-A'] = 'b'"))
    before = workers_of(gateway)
    for _ in range(20):
        for path in ("loop", "compare", "bomb", "tables", "error", "late"):
            begin = time.monotonic()
            answer = ask(gateway, f"/h/files/{path}")
            assert time.monotonic() - begin < 2, f"{path} took {time.monotonic() - begin} s"
            assert_fault(answer)
            assert answer.header("x-a") is None
        assert seen(ask(gateway, "/h/files/good"))[0]["x-a"] == ["b"]
    assert workers_of(gateway) == before, "a worker died"
    logged = {path: gateway.logged(f"/h/files/{path}", 20) for path in ("loop", "compare", "bomb", "tables", "error", "late")}
    reasons = {path: {line["reason"] for line in lines} for path, lines in logged.items()}
    long, much = {"hook took too long"}, {"hook took too much memory"}
    if "san-" in world.build.name:  # so slow that the time of some is over before they have so much memory
        for path in ("bomb", "tables"):
            assert reasons[path] <= long | much, reasons
            reasons[path] = much
    assert reasons == {"loop": long, "compare": long, "late": long, "error": {"hook failed"}, "bomb": much, "tables": much}, reasons
    assert all(line["fault"] == 103500 for lines in logged.values() for line in lines), logged
    assert "request hook of Hooked, GET /files/error: hook:2: attempt to index a nil value (local 'user')" in gateway.err_path.read_text()
    counted = {result: gateway.metric(rf"gateway_hooks_total\{{phase=\"request\",result=\"{result}\"\}}") for result in ("time", "memory", "failed")}
    slow = counted["time"] - 40
    assert slow == 0 or ("san-" in world.build.name and 0 < slow < 40), counted
    assert counted == {"time": 40 + slow, "memory": 40 - slow, "failed": 20}, counted
    assert gateway.metric(r"gateway_hooks_total\{phase=\"response\",result=\"time\"\}") == 20
    assert gateway.metric(r"gateway_faults_total\{code=\"103500\"\}") == 120
    return gateway


def workers_of(gateway):
    children = subprocess.run(["ps", "--ppid", str(gateway.process.pid), "-o", "pid="], capture_output=True, text=True, check=True).stdout.split()
    workers = []
    for child in children:
        workers += subprocess.run(["ps", "--ppid", child, "-o", "pid="], capture_output=True, text=True, check=False).stdout.split()
    return sorted(workers)


@story
def hooks_do_without_what_was_remembered_and_backends_answers_of_other_kinds(world, _):
    """A script's globals die with its run; refusals and the gateway's own answers have no hooks."""
    gateway = hooked(world, operation("/files/a", "assert(count == nil) count = 1", "response.headers['X-A'] = 'b'", secured=True),
                     operation("/refused", None, "response.headers['X-A'] = 'b'") +
                     "\n      x-wso2-production-endpoints: {urls: ['http://127.0.0.1:1']}")
    token = world.tokens.get("")
    for _ in range(5):
        assert ask(gateway, "/h/files/a", Authorization="Bearer " + token).header("x-a") == "b"
    answer = ask(gateway, "/h/files/a")
    assert (answer.status, answer.header("x-a")) == (401, None)
    answer = ask(gateway, "/h/refused")
    assert (answer.status, answer.header("x-a")) == (500, None)
    assert b"101503" in answer.body
    assert ask(gateway, "/h/nowhere").status == 404
    return gateway


@story
def hooks_work_over_http2_and_leave_websockets_alone(world, _):
    gateway = hooked(world, operation("/files/a", 'request.headers["X-A"] = "b"', 'response.status = 202 response.headers["X-B"] = "c"'),
                     operation("/files/b", "return {status = 403, body = 'no', headers = {['X-C'] = 'd'}}"),
                     operation("/files/special/websocket", 'request.headers["Sec-WebSocket-Key"] = "changed"', "response.status = 202"))
    seen_by = by_curl(gateway, "GET /h/files/a", [], world.tokens)
    assert (seen_by.status, seen_by.header("x-b")) == (202, "c")
    assert ["x-a", "b"] in [[n.lower(), v] for n, v in json.loads(seen_by.body)["headers"]]
    answer = by_curl(gateway, "GET /h/files/b", [], world.tokens)
    assert (answer.status, answer.body, answer.header("x-c")) == (403, b"no", "d")
    connection = Connection(gateway.http)
    connection.send(b"GET /h/files/special/websocket HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert connection.line().startswith(b"HTTP/1.1 101 "), "no WebSocket"
    head = b""
    while (line := connection.line()) != b"\r\n":
        head += line
    assert b"X-Key: changed" in head, head
    connection.close()
    return gateway


@story
def another_backend_gets_what_the_hook_made_of_the_request(world, _):
    places = f"{{type: failover, urls: ['http://127.0.0.1:1', 'http://127.0.0.1:{world.backend.port}/second']}}"
    gateway = hooked(world, operation("/files/a", 'request.headers["X-A"] = (request.headers["X-A"] or "") .. "once" request.query = "x=1"') +
                     f"\n      x-wso2-production-endpoints: {places}")
    headers, target = seen(ask(gateway, "/h/files/a?old=1"))
    assert target == "/second/files/a?x=1" and headers["x-a"] == ["once"], (target, headers)
    assert gateway.metric(r"gateway_hooks_total\{phase=\"request\",result=\"ok\"\}") == 1
    return gateway


@story
def kept_answers_are_told_apart_by_what_hooks_say_and_get_their_changes_anew(world, _):
    root = """x-wso2-response-cache: {enabled: true}
x-apim-request-hook: |
  request.headers["X-Tenant"] = request.headers["X-Who"]
x-apim-response-hook: |
  response.headers["X-For"] = request.headers["X-Who"]
"""
    gateway = hooked(world, operation("/files/special/kept"), root=root)

    def hits_after_asking():
        for who in ("blue", "green"):
            answer = ask(gateway, "/h/files/special/kept", X_Who=who)
            assert json.loads(answer.body) == {"tenant": who}, answer.body
            assert answer.header("x-for") == who, answer.headers
        return gateway.metric(r"gateway_response_cache_total\{[^}]*result=\"hit\"\}")

    hits_after_asking()
    wait("kept answers, which nginx files a moment after they were sent", lambda: hits_after_asking() >= 2, 5)
    return gateway


@story
def a_script_beside_the_document_is_found_by_its_name(world, _):
    folder = world.folder / "scripts"
    (folder / "more").mkdir(parents=True)
    (folder / "a.yaml").write_text(document("A", "/h", "paths:\n  /files/a: {get: {x-wso2-disable-security: true, x-apim-request-hook: more/a.lua}}",
                                            f"http://127.0.0.1:{world.backend.port}"))
    (folder / "more/a.lua").write_text("request.headers['X-A'] = 'from a file'\n")
    build = [world.build / "bin/toolkit", "build", folder, world.folder / "scripts-built"]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    gateway = world.gateway((world.folder / "scripts-built/contract.json").read_text()).start()
    assert seen(ask(gateway, "/h/files/a"))[0]["x-a"] == ["from a file"]
    (folder / "more/a.lua").write_text("local a = 1\nlocal b = = 2\n")
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and 'paths./files/a.get.x-apim-request-hook: script "more/a.lua", line 2: unexpected symbol' in done.stderr, done.stderr
    return gateway


@story
def a_script_that_does_not_compile_never_starts(world, _):
    contract = json.loads(compile_documents(world, {"a.yaml": document("A", "/a", "paths:\n" + operation("/x", "return nil"))}))
    contract["hooks"]["scripts"][0] = "local x = 1\nif x then"
    gateway = world.gateway(json.dumps(contract))
    done = gateway.run()
    assert done.returncode != 0
    assert "hooks.scripts[0]: line 2: 'end' expected near <eof>" in done.stderr, done.stderr


@story
def bounds_of_hooks_are_the_administrators(world, _):
    script = "local s = ('x'):rep(300000)\nlocal n = 0\nfor i = 1, 300000 do n = n + 1 end"
    text = document("A", "/h", "paths:\n" + operation("/files/a", script))

    def started(**hooks):
        folder = world.folder / f"documents{len(world.gateways)}"
        folder.mkdir()
        (folder / "a.yaml").write_text(text.replace("@BACKEND@", str(world.backend.port)))
        (folder / "conf.json").write_text(json.dumps({"hooks": hooks, "securities": [{"name": "default-security-jwt", "type": "jwt", "issuers": [
            {"issuer": "i", "keys": [{"pem": world.tokens.pem}]}]}]}))
        (folder / "docs").mkdir()
        (folder / "a.yaml").rename(folder / "docs/a.yaml")
        done = subprocess.run([world.build / "bin/toolkit", "build", folder / "docs", folder, "--conf", folder / "conf.json"],
                              capture_output=True, text=True, check=False)
        return done, folder / "contract.json"

    done, path = started(milliseconds=50, kilobytes=2048)
    assert done.returncode == 0, done.stderr
    gateway = world.gateway(path.read_text()).start()
    assert seen(ask(gateway, "/h/files/a"))
    done, path = started(milliseconds=1, kilobytes=2048)
    assert_reason(world, path, "hook took too long")
    done, path = started(milliseconds=50, kilobytes=64)
    assert_reason(world, path, "hook took too much memory")
    done, path = started(milliseconds=51)
    assert done.returncode == 1 and re.search(r"hookMilliseconds: is 51, expected 1 to 50", done.stderr), done.stderr
    return gateway


def assert_reason(world, contract, reason):
    gateway = world.gateway(contract.read_text()).start()
    assert_fault(ask(gateway, "/h/files/a"))
    assert gateway.logged("/h/files/a")[0]["reason"] == reason
    gateway.stop()

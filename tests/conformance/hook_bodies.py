"""Stories of hooks that ask for bodies, and of answers that are held."""
import json
import time
import urllib.parse

from backend import DRIP_S
from compiled import compile_documents, curl, document
from dialog import Connection
from endpoints import GrpcBackend, call
from hooks import ask, assert_fault, hooked, operation, seen
from world import wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


SHOW = """--! body
request.headers["X-Body"] = request.body and #request.body .. " " .. request.body:sub(1, 20) or "none"
"""


@story
def a_hook_that_asks_sees_the_body_of_a_request_and_changes_nothing_by_it(world, _):
    gateway = hooked(world, operation("/files/a", SHOW, method="put"), operation("/files/b", SHOW),
                     operation("/files/c", SHOW + "request.headers['X-Own'] = 'x'", method="post", secured=True))
    headers, _ = seen(ask(gateway, "/h/files/a", "PUT", "hello world, this is it"))
    assert headers["x-body"] == ["23 hello world, this is"] and headers["content-length"] == ["23"], headers
    assert seen(ask(gateway, "/h/files/b"))[0]["x-body"] == ["none"]
    assert "content-length" not in seen(ask(gateway, "/h/files/b"))[0]
    assert ask(gateway, "/h/files/c", "POST", "x").status == 401
    headers, _ = seen(ask(gateway, "/h/files/c", "POST", "x" * 60000, Authorization="Bearer " + world.tokens.get("")))
    assert headers["x-body"] == ["60000 " + "x" * 20]
    c = Connection(gateway.http)  # in chunks, slowly, with 100-continue, on a connection that lives on
    c.send(b"PUT /h/files/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in (b"3\r\nabc", b"\r\n2\r", b"\nde\r\n", b"0\r\n\r\n"):
        time.sleep(0.02)
        c.send(piece)
    answer = c.answer()
    headers, _ = seen(answer)
    assert headers["x-body"] == ["5 abcde"] and headers["content-length"] == ["5"] and "transfer-encoding" not in headers, headers
    c.send(b"GET /h/files/b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert seen(c.answer())[0]["x-body"] == ["none"]
    assert curl(gateway, "/h/files/a", "--http2", "-X", "PUT", "--data-binary", "over http2")[0] == 200
    return gateway


@story
def a_hook_puts_another_body_in_the_place_of_a_requests(world, _):
    gateway = hooked(world, operation("/files/a", """--! body 2 kB
local order = json.decode(request.body)
order.total = order.price * order.count
order.tags[#order.tags + 1] = "seen"
request.body = json.encode(order)
""", method="post"), operation("/files/empty", "--! body\nrequest.body = nil", method="post"),
                     operation("/files/made", "--! body\nrequest.body = 'made'"),
                     operation("/files/both", "--! body\nrequest.body = request.body .. ' operation'", method="post") + "\n      x-wso2-production-endpoints: "
                     f"{{type: failover, urls: ['http://127.0.0.1:{world.refused}', 'http://127.0.0.1:@BACKEND@']}}",
                     root="x-apim-request-hook: |\n  --! body\n  if request.method == 'POST' and request.body:starts('r') then request.body = request.body .. ' root' end")
    order = '{"price": 2.5, "count": 2, "tags": [], "note": null, "id": 9007199254740991}'
    for encoded in (False, True):
        c = Connection(gateway.http)
        how = f"Transfer-Encoding: chunked\r\n\r\n{len(order):x}\r\n{order}\r\n0\r\n\r\n" if encoded else f"Content-Length: {len(order)}\r\n\r\n{order}"
        c.send(f"POST /h/files/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{how}".encode())
        answer = c.answer()
        said = json.loads(answer.body)
        want = '{"count":2,"id":9007199254740991,"note":null,"price":2.5,"tags":["seen"],"total":5}'
        assert (said["text"], said["body"]) == (want, len(want)), said
        headers, _ = seen(answer)
        assert headers["content-length"] == [str(len(want))] and "transfer-encoding" not in headers, headers
        c.send(b"GET /h/files/made HTTP/1.1\r\nHost: x\r\n\r\n")
        assert json.loads(c.answer().body)["text"] == "made"
    headers, _ = seen(ask(gateway, "/h/files/empty", "POST", "something", Content_MD5="x", Digest="y", X_Other="z"))
    assert headers["content-length"] == ["0"] and headers["x-other"] == ["z"], headers
    assert "content-md5" not in headers and "digest" not in headers, headers
    assert json.loads(ask(gateway, "/h/files/both", "POST", "rest").body)["text"] == "rest root operation"
    assert_fault(ask(gateway, "/h/files/a", "POST", '{"price": 1'))
    assert_fault(ask(gateway, "/h/files/a", "POST", '{"price": 1, "count": 12345678901234567890, "tags": []}'))
    assert "not JSON: line 1" in gateway.err_path.read_text()
    return gateway


@story
def a_body_that_a_hook_cannot_see_does_not_pass_by_it(world, _):
    gateway = hooked(world, operation("/files/a", "--! body 1 kB\nassert(#request.body > 0)", method="post"),
                     operation("/files/unasked", "request.headers['X-A'] = request.body", method="post"),
                     operation("/files/unasked-too", "request.body = 'x'", method="post"),
                     operation("/files/late", None, "response.headers['X-A'] = request.body", method="post"),
                     operation("/files/long", "--! body 1 kB\nrequest.body = ('x'):rep(1025)", method="post"),
                     operation("/files/memory", "--! body 512 kB\nlocal a = request.body .. 'x'\nlocal b = request.body .. 'y'", method="post"))
    before = world.backend.requests
    answer = ask(gateway, "/h/files/a", "POST", "x" * 1025)
    assert (answer.status, answer.body) == (413, b"Request Entity Too Large"), answer.body
    c = Connection(gateway.http)
    c.send(b"POST /h/files/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"200\r\n" + b"x" * 512 + b"\r\n" +
           b"201\r\n" + b"x" * 513 + b"\r\n0\r\n\r\n")
    assert c.answer().status == 413
    for coding in ({"Content_Encoding": "gzip"}, {"Content_Encoding": "identity"}, {"Content__Encoding": "br"}):
        answer = ask(gateway, "/h/files/a", "POST", "x", **coding)
        assert (answer.status, answer.body) == (415, b'{"fault":{"code":415, "message":"Unsupported Media Type", '
                                                     b'"description":"The body has a Content-Encoding"}}'), answer.body
    for path in ("unasked", "unasked-too", "long"):
        assert_fault(ask(gateway, f"/h/files/{path}", "POST", "x"))
    assert_fault(ask(gateway, "/h/files/memory", "POST", "x" * 500000))
    assert gateway.logged("/h/files/memory")[0]["reason"] == "hook took too much memory"
    assert world.backend.requests == before, "the backend was asked"
    assert_fault(ask(gateway, "/h/files/late", "POST", "x"))
    assert seen(ask(gateway, "/h/files/a", "POST", "x" * 1024))
    said = gateway.err_path.read_text()
    assert "the body cannot be read: the script does not begin with --! body" in said, said
    assert "a body has at most 1024 bytes here" in said and "the request's body is not kept" in said, said
    left = [p for p in (gateway.folder / "run" / "body").rglob("*") if p.is_file()]
    assert not left, "nothing is written to disk"
    return gateway


def say(**what):
    return "/h/files/special/say?" + urllib.parse.urlencode(what, doseq=True)


@story
def a_hook_sees_and_replaces_the_body_of_an_answer(world, _):
    script = """--! body 4 kB
assert(request.headers["Accept-Encoding"] == nil and request.headers.Range == nil)
if response.body then
  response.headers["X-Length"] = #response.body
  if response.headers["Content-Type"] == "application/json" then
    local said = json.decode(response.body)
    said.secret = nil
    response.body = json.encode(said)
  end
end
"""
    gateway = hooked(world, operation("/files/special/say", None, script), operation("/files/special/say", None, script, method="head").split("\n", 1)[1],
                     operation("/files/special/chunked", None, "--! body\nresponse.body = response.body:upper() .. '!'"),
                     operation("/files/special/no-content", None, "--! body\nresponse.headers['X-A'] = tostring(response.body)"),
                     operation("/files/special/created", None, "--! body\nresponse.status = 204"),
                     operation("/files/special/redirect", None, "--! body\nresponse.body = 'see there'"))
    about = ['ETag:"a"', "Last-Modified:Sat, 28 Nov 2026 00:00:00 GMT", "Content-MD5:x", "Digest:x", "Content-Digest:x", "Repr-Digest:x"]
    answer = ask(gateway, say(body='{"secret": 1, "name": "Rex"}', h=["X-Own:1", *about]), Accept_Encoding="gzip", Range="bytes=0-1")
    assert (answer.status, answer.body, answer.header("content-length")) == (200, b'{"name":"Rex"}', "14"), answer.body
    assert answer.header("x-length") == "28" and answer.header("x-own") == "1"
    assert not [h for h in about if answer.header(h.split(":")[0])], answer.headers
    answer = ask(gateway, say(body="as it is", type="text/plain", h=about))
    assert all(answer.header(h.split(":")[0]) for h in about), answer.headers
    assert (answer.body, answer.header("content-length"), answer.header("x-length")) == (b"as it is", "8", "8")
    assert ask(gateway, say(body="", type="text/plain")).body == b""
    answer = ask(gateway, say(body='{"secret": 1}'), "HEAD")
    assert (answer.status, answer.body, answer.header("content-length"), answer.header("x-length")) == (200, b"", None, None)
    answer = ask(gateway, "/h/files/special/chunked")
    assert (answer.body, answer.header("content-length"), answer.header("transfer-encoding")) == (b"HELLO WORLD!", "12", None)
    answer = ask(gateway, "/h/files/special/no-content")
    assert (answer.status, answer.header("x-a"), answer.body) == (204, "nil", b"")
    answer = ask(gateway, "/h/files/special/created")
    assert (answer.status, answer.body) == (204, b"")
    answer = ask(gateway, "/h/files/special/redirect")
    assert (answer.status, answer.body, answer.header("location")) == (302, b"see there", "/elsewhere")
    assert curl(gateway, say(body='{"secret": 1}'), "--http2")[0] == 200
    return gateway


@story
def an_answer_that_a_hook_cannot_see_is_a_fault(world, _):
    gateway = hooked(world, operation("/files/special/say", None, "--! body 1 kB\nresponse.body = response.body .. 'x'"),
                     operation("/files/special/big", None, "--! body\nlocal a = response.body"),
                     operation("/files/special/drip", None, "--! body\nif response.headers['Content-Type'] ~= 'text/event-stream' then response.body = '' end"),
                     operation("/files/special/created", None, "--! body\nresponse.headers['Location'] = nil while true do end"),
                     operation("/files/a", None, "response.headers['X-A'] = response.body"),
                     operation("/files/special/no-content", None, "--! body\nresponse.body = 'x'"))
    assert ask(gateway, say(body="y" * 1023)).body == b"y" * 1023 + b"x"
    for path in (say(body="y" * 1024), say(body="y" * 1025), say(body="y", h=["Content-Encoding:br", "Set-Cookie:a=b"]), "/h/files/special/big",
                 "/h/files/special/created", "/h/files/a", "/h/files/special/no-content"):
        answer = ask(gateway, path)
        assert_fault(answer)
        assert answer.header("set-cookie") is None and answer.header("content-encoding") is None and answer.header("location") is None
    reasons = {line.get("reason") for line in gateway.logged("/h/files/special/say", 4)}
    assert reasons == {None, "hook failed", "answer too large for a hook", "answer has a Content-Encoding"}, reasons
    c = Connection(gateway.http)
    c.send(b"GET /h/files/special/drip HTTP/1.1\r\nHost: x\r\n\r\n")
    start = time.monotonic()
    while b"data" not in c.line():
        pass
    assert time.monotonic() - start < DRIP_S - 1, "the first part came with the second one"
    c.close()
    return gateway


STRICT = """
  /files/special/say:
    post:
      x-wso2-disable-security: true
      x-apim-request-hook: |
        --! body
        if request.body == "legacy" then
          request.body = '{"n": 1}'
          request.headers["Content-Type"] = "application/json"
        end
      x-apim-response-hook: |
        --! body
        if response.body == "legacy" then
          response.body = '{"m": 1}'
          response.headers["Content-Type"] = "application/json"
        end
      requestBody: {required: true, content: {application/json: {schema: &n {type: object, required: [n]}}}}
      responses: {'200': {content: {application/json: {schema: {type: object, required: [m]}}}}}
    get:
      x-wso2-disable-security: true
      x-apim-response-hook: response.status = 201
      responses: {'201': {content: {application/json: {schema: {type: array}}}}}
"""


@story
def what_hooks_made_of_bodies_is_what_is_validated(world, _):
    text = document("Hooked", "/h", "paths:" + STRICT.replace("&n ", ""))
    gateway = world.gateway(compile_documents(world, {"a.yaml": text}, validateRequests=True, validateResponses=True)).start()
    before = world.backend.requests

    def post(body, says, kind="application/json", answers="application/json"):
        return ask(gateway, say(body=says, type=answers), "POST", body, Content_Type=kind)
    assert post("legacy", '{"m": 2}', "text/plain").body == b'{"m": 2}'
    assert post('{"n": 2}', "legacy", answers="text/plain").body == b'{"m": 1}'
    assert world.backend.requests == before + 2
    answer = post('{"o": 1}', "legacy")
    assert answer.status == 400 and b"Missing required property 'n'" in answer.body, answer.body
    assert post("other", "legacy", "text/plain").status == 400
    assert ask(gateway, say(body="legacy"), "POST").status == 400, "a body is required"
    assert world.backend.requests == before + 2
    answer = post('{"n": 2}', '{"k": 1}')
    assert answer.status == 500 and b'"Bad Response", "description":": Missing required property \'m\', "' in answer.body, answer.body
    # By the status that the hook gave it, also where the hook asks for nothing.
    assert ask(gateway, say(body="[]")).status == 201
    assert ask(gateway, say(body="{}")).status == 500
    return gateway


@story
def a_backend_that_ends_before_its_answer_is_held_completely_is_a_fault(world, _):
    held = operation("/files/special/ends", None, "--! body\nresponse.headers['X-A'] = 'b'")
    judged = "\n    post:\n      x-wso2-disable-security: true\n      responses: {'200': {content: {application/json: {schema: {type: object}}}}}"
    text = document("Hooked", "/h", "paths:\n" + held + judged).replace(
        "{urls: ['http://127.0.0.1:@BACKEND@']}",
        "{urls: ['http://127.0.0.1:@BACKEND@'], advanceEndpointConfig: {timeoutInMillis: 500}}")
    gateway = world.gateway(compile_documents(world, {"a.yaml": text}, validateResponses=True)).start()
    for method in ("GET", "POST"):
        for how in ("length", "chunks", "stalls", "nonsense"):
            answer = ask(gateway, "/h/files/special/ends?" + how, method)
            assert (answer.status, answer.body) == (500, b'{"fault":{"code":101503, "message":"Runtime Error", '
                                                         b'"description":"Error connecting to the back end"}}'), (how, answer.status, answer.body)
            assert answer.header("x-request-id") and answer.header("set-cookie") is None and answer.header("x-a") is None
    assert curl(gateway, "/h/files/special/ends?length", "--http2") == (500, 101503)
    logged = gateway.logged("/h/files/special/ends", 7)
    assert {(l["fault"], l["reason"]) for l in logged} == {(101503, "backend failed"), (101503, "backend timed out")}, logged
    assert gateway.metric(r"gateway_upstream_errors_total\{kind=\"timeout\"\}") == 2
    c = Connection(gateway.http)
    c.send(b"GET /h/files/special/ends?length HTTP/1.1\r\nHost: x\r\n\r\n")
    assert c.answer().status == 500
    c.send(b"GET /h/files/none HTTP/1.1\r\nHost: x\r\n\r\n")
    assert c.answer().status == 404, "the connection lives on"
    return gateway


@story
def streams_are_not_shown_to_hooks_that_ask_for_bodies(world, _):
    grpc = GrpcBackend(world, world.backend)
    place = f"\n      x-wso2-production-endpoints: {{urls: ['http://127.0.0.1:{grpc.port}']}}"
    careful = "--! body\nif not request.headers['Content-Type']:starts('application/grpc') then local a = request.body end"
    gateway = hooked(world, operation("/pkg.Greeter/Read", "--! body\nlocal a = request.body", method="post") + place,
                     operation("/pkg.Greeter/Look", None, "--! body\nlocal a = response.body", method="post") + place,
                     operation("/pkg.Greeter/Hello", careful, "--! body\nresponse.headers['X-Own'] = 'b'", method="post") + place,
                     operation("/files/special/websocket", "--! body\nassert(request.body == nil)", "--! body\nresponse.body = ''"))
    for path in ("Read", "Look"):
        _, headers, _ = call(gateway, "/h/pkg.Greeter/" + path)
        assert (headers["grpc-status"], headers["grpc-message"]) == ("2", "Internal Server Error"), headers
    said = gateway.err_path.read_text()
    assert "cannot be read: a gRPC call's is a stream" in said and "cannot be read: the answer is a stream" in said, said
    first, headers, body = call(gateway, "/h/pkg.Greeter/Hello")
    assert (first, headers["grpc-status"], headers["x-own"], json.loads(body)["text"]) == ("HTTP/2 200", "0", "b", "hello"), (headers, body)
    c = Connection(gateway.http)
    c.send(b"GET /h/files/special/websocket HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert c.line().startswith(b"HTTP/1.1 101 "), "no WebSocket"
    while c.line() != b"\r\n":
        pass
    c.send(b"hello")
    assert c.file.read1(5) == b"hello"
    c.close()
    return gateway


@story
def kept_answers_pass_hooks_with_their_bodies_each_time(world, _):
    root = """x-wso2-response-cache: {enabled: true}
x-apim-request-hook: |
  --! body
  if request.headers["X-Said"] then request.body = request.headers["X-Said"] end
x-apim-response-hook: |
  --! body 100 kB
  response.body = response.body .. " for " .. request.headers["X-Who"]
"""
    gateway = hooked(world, operation("/files/special/say"), root=root)
    hits = r"gateway_response_cache_total\{[^}]*result=\"hit\"\}"
    for filler in ("", "{k}" * 90):  # the second one is read from its file piece by piece
        path = say(body="{n}" + filler, h="Cache-Control:max-age=100")
        first = ask(gateway, path, X_Who="blue").body
        assert first.endswith(b" for blue"), first
        before = gateway.metric(hits)
        wait("a kept answer", lambda: ask(gateway, path, X_Who="blue").body and gateway.metric(hits) > before, 5)
        kept = ask(gateway, path, X_Who="green")
        number = kept.body.removesuffix(b" for green")
        assert ask(gateway, path, X_Who="red").body == number + b" for red"
        assert kept.header("content-length") == str(len(kept.body))
        other = ask(gateway, path, X_Who="red", X_Said="something else").body
        assert other != number + b" for red", "the backend was told something else"
    return gateway

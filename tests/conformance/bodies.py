"""Stories about bodies: validation against the documents' schemas, kept answers, examples as answers."""
import http.client
import json
import socket
import time
import urllib.parse

from backend import DRIP_S
from compiled import compile_documents, curl, document
from dialog import Connection
from world import wait

STORIES = []


def story(function):
    STORIES.append(function)
    return function


PETS = """
components:
  schemas:
    Pet:
      type: object
      required: [id, name]
      properties:
        id: {type: integer, readOnly: true}
        name: {type: string, minLength: 2, pattern: '^[A-Z]'}
        price: {type: number, minimum: 0, exclusiveMinimum: true}
        tags: {type: array, uniqueItems: true, items: {type: string}}
        owner: {type: string, nullable: true}
        parent: {$ref: '#/components/schemas/Pet'}
      additionalProperties: false
paths:
  /files/special/say:
    post:
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Pet'}}
          text/plain: {}
      responses: {'200': {content: {application/json: {schema: {type: object, required: [nothing]}}}}}
    get:
      x-auth-type: None
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
        4XX: {content: {'*/*': {schema: {type: array}}}}
    head:
      x-auth-type: None
      responses: {'200': {content: {application/json: {schema: {type: integer}}}}}
  /files/{name}:
    put:
      x-auth-type: None
      requestBody: {content: {application/json: {schema: {type: object, properties: {n: {type: integer}}}}}}
      responses: {}
"""


def validating(world, requests=True, responses=False):
    contract = compile_documents(world, {"pets.yaml": document("Pets", "/pets", PETS)}, validateRequests=requests, validateResponses=responses)
    return world.gateway(contract).start()


def ask(gateway, method, path, body=None, token=None, **headers):
    """(status, headers, body)"""
    c = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=10)
    sent = {k.replace("_", "-"): v for k, v in headers.items()}
    if token:
        sent["Authorization"] = "Bearer " + token
    c.request(method, path, body=body, headers=sent)
    r = c.getresponse()
    return r.status, dict(r.getheaders()), r.read().decode()


def say(**what):
    return "/files/special/say?" + urllib.parse.urlencode(what, doseq=True)


@story
def a_body_is_refused_with_all_that_is_wrong(world, _):
    gateway = validating(world)
    token = world.tokens.get("")
    body = json.dumps({"name": "x", "price": 0, "tags": ["a", "a"], "parent": {"name": 1}, "colour": "red"})
    before = world.backend.requests
    status, headers, text = ask(gateway, "POST", "/pets/files/special/say", body, token, Content_Type="application/json; charset=utf-8")
    fault = json.loads(text)["fault"]
    assert (status, headers["Content-Type"], fault["code"], fault["message"]) == (400, "application/json", 400, "Bad Request"), text
    errors = fault["description"].split(", ")
    assert errors[-1] == "" and len(errors) == 7, errors
    for path in ("/name: ", "/price: ", "/tags: ", "/parent/name: ", ": Object contains a property"):
        assert any(e.startswith(path) for e in errors), (path, errors)
    assert text.startswith('{"fault":{"code":400, "message":"Bad Request", "description":"'), text
    assert world.backend.requests == before
    assert gateway.logged("/pets/files/special/say")[0]["fault"] == 400
    return gateway


@story
def bodies_are_looked_at_after_credentials_and_reach_the_backend_as_they_are(world, _):
    gateway = validating(world)
    token, path = world.tokens.get(""), "/pets/files/special/say"
    assert ask(gateway, "POST", path, "[]", Content_Type="application/json")[0] == 401
    good = '{ "name" : "Rex",\t"owner":null, "parent":{"name":"Old"} }'
    assert ask(gateway, "POST", path, good, token, Content_Type="application/json")[0] == 200
    for body, kind in ((None, None), ("{}", None), ("name=Rex", "application/x-www-form-urlencoded"), ("{", "application/json"),
                       ('{"name":"Rex","name":"Max"}', "application/json"), ("[" * 60 + "]" * 60, "application/json"),
                       ('{"name":"Rex"} ]', "application/json"), ('{"name":"R\xff"}'.encode("latin-1"), "application/json")):
        kinds = {"Content_Type": kind} if kind else {}
        assert ask(gateway, "POST", path, body, token, **kinds)[0] == 400, (body, kind)
    assert ask(gateway, "POST", path, "anything", token, Content_Type="text/plain")[0] == 200
    body = '{"n": 1, "filler": "' + "x" * 300000 + '"}'
    status, _, text = ask(gateway, "PUT", "/pets/files/a", body, Content_Type="application/json")
    seen = json.loads(text)
    assert (status, seen["body"], seen["text"]) == (200, len(body), body[:200])
    assert dict(seen["headers"])["Content-Length"] == str(len(body))
    pieces = iter([b'{"n"', b": 2", b"}"] + [b" "] * 3000)
    status, _, text = ask(gateway, "PUT", "/pets/files/a", pieces, Content_Type="application/json")
    assert (status, json.loads(text)["body"]) == (200, 3008), text
    assert ask(gateway, "PUT", "/pets/files/a", None)[0] == 200
    return gateway


@story
def a_body_may_come_slowly_and_over_http2(world, _):
    gateway = validating(world)
    c = Connection(gateway.http)
    c.send(b"PUT /pets/files/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n")
    for byte in b'{"n": 17}':
        time.sleep(0.02)
        c.send(bytes([byte]))
    answer = c.answer()
    assert (answer.status, json.loads(answer.body)["body"]) == (200, 9)
    c.send(b"PUT /pets/files/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n" + b'{"n": ""}')
    assert c.answer().status == 400
    c.send(b"GET /pets/files/none HTTP/1.1\r\nHost: x\r\n\r\n")
    assert c.answer().status == 405, "the connection lives on"
    bad, good = world.folder / "bad.json", world.folder / "good.json"
    bad.write_text('{"n": "x", "filler": "' + "y" * 200000 + '"}')
    good.write_text(bad.read_text().replace('"x"', "1"))
    for file, status in ((bad, 400), (good, 200)):
        assert curl(gateway, "/pets/files/a", "--http2", "-X", "PUT", "-H", "Content-Type: application/json", "--data-binary", f"@{file}")[0] == status
    return gateway


@story
def bodies_that_are_too_large_to_be_judged_are_refused(world, _):
    gateway = validating(world)
    filler = '{"filler": "' + "x" * (1024 * 1024) + '"}'
    assert ask(gateway, "PUT", "/pets/files/a", filler, Content_Type="application/json")[0] == 413
    c = Connection(gateway.http)
    c.send(b"PUT /pets/files/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _i in range(9):
        c.send(b"20000\r\n" + b"x" * 0x20000 + b"\r\n")
    assert c.answer().status == 413
    left = [p for p in (gateway.folder / "run" / "body").rglob("*") if p.is_file()]
    assert not left, "nothing is written to disk"
    # Many at one time: as many as there is room for are held.
    head = b"PUT /pets/files/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    many = [Connection(gateway.http) for _i in range(60)]
    for c in many:
        c.send(head + b"x" * 900000)
    refused = 0
    for c in many:
        c.socket.settimeout(0.2)
        try:
            refused += b"503" in c.file.readline()
        except OSError:
            pass
    assert refused >= 20, refused
    for c in many:
        c.socket.close()
        c.file.close()
    # Clients that go away in the middle cost nothing that lasts.
    for _i in range(200):
        with socket.create_connection(("127.0.0.1", gateway.http)) as s:
            s.sendall(b"PUT /pets/files/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 700000)
    assert ask(gateway, "PUT", "/pets/files/a", '{"n": 1}', Content_Type="application/json")[0] == 200
    return gateway


@story
def answers_of_backends_are_held_against_the_document(world, _):
    gateway = validating(world, responses=True)
    good = '{"id": 1, "name": "Rex"}'
    status, headers, text = ask(gateway, "GET", "/pets" + say(body=good, h="X-Own:1"), Accept_Encoding="gzip", Range="bytes=0-1")
    assert (status, headers["X-Own"], headers["Content-Type"], text) == (200, "1", "application/json", good), (headers, text)
    assert headers["Content-Length"] == str(len(good))
    status, headers, text = ask(gateway, "GET", "/pets" + say(body='{"name": "Rex"}', h=["X-Own:1", "Set-Cookie:a=b", "ETag:x"]))
    assert (status, headers.get("X-Own"), headers.get("Set-Cookie"), headers.get("ETag")) == (500, None, None, None)
    assert text == '{"fault":{"code":500, "message":"Bad Response", "description":": Missing required property \'id\', "}}', text
    assert headers["Content-Length"] == str(len(text)) and headers["X-Request-ID"]
    assert ask(gateway, "GET", "/pets" + say(body="<p>", type="text/html"))[0] == 200
    assert ask(gateway, "GET", "/pets" + say(status=404, body="[1]"))[0] == 404
    assert ask(gateway, "GET", "/pets" + say(status=404, body="{}"))[0] == 500
    assert ask(gateway, "GET", "/pets" + say(status=503, body="{}"))[0] == 503
    assert ask(gateway, "GET", "/pets" + say(body=good, h="Content-Encoding:br"))[0] == 500
    assert ask(gateway, "GET", "/pets" + say(body=""))[0] == 500
    assert ask(gateway, "POST", "/pets" + say(body='{"nothing": 1}'), '{"name": "Rex"}', world.tokens.get(""), Content_Type="application/json")[0] == 200
    assert ask(gateway, "POST", "/pets" + say(body='{}'), '{"name": "Rex"}', world.tokens.get(""), Content_Type="application/json")[0] == 500
    status, headers, text = ask(gateway, "HEAD", "/pets" + say(body=good))
    assert (status, headers["Content-Length"], text) == (200, str(len(good)), ""), headers
    assert curl(gateway, "/pets" + say(body=good), "--http2")[0] == 200
    assert curl(gateway, "/pets" + say(body="1"), "--http2") == (500, 500)
    return gateway


@story
def without_the_setting_nothing_is_looked_at(world, _):
    gateway = validating(world, requests=False)
    assert "schemas" not in json.loads(gateway.contract.read_text())
    assert ask(gateway, "PUT", "/pets/files/a", "[", Content_Type="application/json")[0] == 200
    assert ask(gateway, "GET", "/pets" + say(body="{}"))[0] == 200
    return gateway


# ---- kept answers ----

KEPT = """
x-wso2-response-cache: {enabled: true, cacheTimeoutInSeconds: 60}
paths:
  /files/special/say:
    get: {x-auth-type: None}
    head: {x-auth-type: None}
    post: {x-auth-type: None}
  /files/special/drip: {get: {x-auth-type: None}}
"""


def keeping(world, body=KEPT, **settings):
    return world.gateway(compile_documents(world, {"kept.yaml": document("Kept", "/kept", body)}, **settings)).start()


def numbers(gateway, path, n=3, method="GET", token=None, **headers):
    """What the backend's count was in answers to the same question."""
    answers = [ask(gateway, method, "/kept" + path, None, token, **headers) for _ in range(n)]
    assert all(a[0] == 200 for a in answers), answers
    return [a[2] for a in answers]


def is_kept(gateway, path, **more):
    """An answer is given again; nginx files it a moment after it was sent. Gives what it says."""
    return wait("a kept answer", lambda: (got := numbers(gateway, path, 2, **more))[0] == got[1] and got[0], 5)


def is_never_kept(gateway, path, **more):
    got = numbers(gateway, path, 3, **more)
    return len(set(got)) == len(got)


@story
def an_answer_is_kept_as_long_as_it_says(world, _):
    gateway = keeping(world)
    path = say(body="{n}", h="Cache-Control:max-age=100")
    first = ask(gateway, "GET", "/kept" + path)
    assert "Age" not in first[1], first
    kept = is_kept(gateway, path)
    again = ask(gateway, "GET", "/kept" + path)
    assert again[2] == kept and int(again[1]["Age"]) <= 2 and again[1]["Cache-Control"] == "max-age=100", again
    hits, misses = (gateway.metric(f'gateway_response_cache_total\\{{[^}}]*result="{r}"\\}}') for r in ("hit", "miss"))
    assert hits >= 2 and misses >= 1, (hits, misses)
    old = say(body="{n}", a=1, h=["Cache-Control:max-age=100", "Age:70"])
    is_kept(gateway, old)
    got = ask(gateway, "GET", "/kept" + old)
    assert got[1].get("Age") in ("70", "71", "72", "73"), got
    assert is_never_kept(gateway, say(body="{n}", a=2, h=["Cache-Control:max-age=50", "Age:70"]))
    short = say(body="{n}", x=1, h="Cache-Control:max-age=1")
    one = numbers(gateway, short, 1)
    wait("the end of the answer's own time", lambda: numbers(gateway, short, 1) != one)
    return gateway


@story
def an_answer_is_kept_no_longer_than_the_document_says(world, _):
    gateway = keeping(world, KEPT.replace("cacheTimeoutInSeconds: 60", "cacheTimeoutInSeconds: 2"))
    path = say(body="{n}", h="Cache-Control:max-age=100")
    kept = is_kept(gateway, path)
    wait("the end of the extension's time", lambda: numbers(gateway, path, 1) != [kept])
    return gateway


@story
def what_is_not_for_everybody_is_not_kept(world, _):
    gateway = keeping(world)
    for i, headers in enumerate([[], ["Cache-Control:no-store"], ["Cache-Control:private, max-age=100"], ["Cache-Control:no-cache"],
                                 ["Cache-Control:max-age=100", "Set-Cookie:a=b"], ["Cache-Control:max-age=100", "Vary:*"],
                                 ["X-Accel-Expires:100"]]):
        assert is_never_kept(gateway, say(body="{n}", i=i, h=headers)), headers
    vary = say(body="{n}", h=["Cache-Control:max-age=100", "Vary:Accept-Language"])
    german = is_kept(gateway, vary, Accept_Language="de")
    assert is_kept(gateway, vary, Accept_Language="en") != german
    plain = say(body="{n}", k=1, h="Cache-Control:max-age=100")
    is_kept(gateway, plain)
    assert is_never_kept(gateway, plain, Cache_Control="no-cache")
    assert is_never_kept(gateway, say(body="{n}", s=1, h="Cache-Control:max-age=100"), Cache_Control="no-store")
    # Credentials that an open operation passes on are the backend's to judge.
    assert is_never_kept(gateway, say(body="{n}", o=1, h="Cache-Control:max-age=100"), Authorization="Basic eDp5")
    return gateway


@story
def a_kept_answer_is_only_for_who_may_have_it(world, _):
    gateway = keeping(world, KEPT.replace("get: {x-auth-type: None}\n    head", "get: {}\n    head"))
    token, second = world.tokens.get(""), world.tokens.get("second")
    shared = say(body="{n}", h="Cache-Control:public, max-age=100")
    kept = is_kept(gateway, shared, token=token)
    assert numbers(gateway, shared, 1, token=second) == [kept]
    assert ask(gateway, "GET", "/kept" + shared)[0] == 401
    assert ask(gateway, "GET", "/kept" + shared, token=world.tokens.get("expired"))[0] == 401
    assert is_never_kept(gateway, say(body="{n}", p=1, h="Cache-Control:max-age=100"), token=token)
    for word in ("s-maxage=100", "must-revalidate, max-age=100"):
        is_kept(gateway, say(body="{n}", w=word, h="Cache-Control:" + word), token=token)
    return gateway


@story
def a_change_makes_the_answer_be_asked_for_anew(world, _):
    gateway = keeping(world)
    path = say(body="{n}", h="Cache-Control:max-age=100")
    kept = is_kept(gateway, path)
    assert (refused := ask(gateway, "POST", "/kept" + say(status=500), "x", Content_Type="text/plain"))[0] == 500, refused
    assert numbers(gateway, path, 1) == [kept], "an error changed nothing"
    assert (done := ask(gateway, "POST", "/kept" + say(body="changed"), "x", Content_Type="text/plain"))[0] == 200, done
    wait("a new answer", lambda: numbers(gateway, path, 1) != [kept], 5)
    return gateway


@story
def a_kept_answer_is_judged_like_any_other(world, _):
    schema = "{responses: {'200': {content: {application/json: {schema: {type: integer}}}}}, x-auth-type: None}"
    gateway = keeping(world, KEPT.replace("get: {x-auth-type: None}\n    head", f"get: {schema}\n    head"), validateResponses=True)
    good = say(body="{n}", h="Cache-Control:max-age=100")
    is_kept(gateway, good)
    status, headers, _body = ask(gateway, "GET", "/kept" + good)
    assert status == 200 and "Age" in headers, headers
    bad = say(body='"x{n}"', h="Cache-Control:max-age=100")
    for _i in range(2):
        status, headers, text = ask(gateway, "GET", "/kept" + bad)
        assert (status, "Age" in headers, json.loads(text)["fault"]["code"]) == (500, False, 500)
    return gateway


@story
def what_is_not_kept_is_streamed(world, _):
    gateway = keeping(world)
    c = Connection(gateway.http)
    c.send(b"GET /kept/files/special/drip HTTP/1.1\r\nHost: x\r\n\r\n")
    start = time.monotonic()
    while b"data" not in c.line():
        pass
    assert time.monotonic() - start < DRIP_S - 1, "the first part came with the second one"
    c.close()
    kept = list((gateway.folder / "run" / "cache").rglob("*"))
    assert not [p for p in kept if p.is_file()], kept
    return gateway


# ---- examples ----

MOCKED = """
x-wso2-endpoint-implementation-type: MOCKED_OAS
components: {examples: {none: {value: {error: none}}}}
paths:
  /pets:
    get:
      responses:
        '200':
          headers: {X-Total: {example: 2}, Link: {schema: {example: '</pets?page=2>; rel="next"'}}, Transfer-Encoding: {example: chunked}}
          content:
            application/json: {example: {name: Rex, tags: [a, b], price: 1.5}}
            text/plain: {example: "Rex, \\"the\\" dog\\n"}
        '404': {content: {application/json: {examples: {none: {$ref: '#/components/examples/none'}, gone: {value: {error: gone}}}}}}
        5XX: {content: {application/json: {example: '{"raw":   1}'}}}
    post: {x-auth-type: None, responses: {'204': {description: done}, '400': {content: {application/json: {schema: {example: [1]}}}}}}
  /files/a: {get: {x-wso2-endpoint-implementation-type: ENDPOINT, x-auth-type: None, responses: {}}}
"""


@story
def examples_answer_where_there_is_no_backend(world, _):
    gateway = world.gateway(compile_documents(world, {"mock.yaml": document("Mock", "/mock", MOCKED)})).start()
    token = world.tokens.get("")
    before = world.backend.requests

    def get(**headers):
        status, got, body = ask(gateway, "GET", "/mock/pets", token=token, **headers)
        return status, got.get("Content-Type"), body
    rex = (200, "application/json", '{"name":"Rex","tags":["a","b"],"price":1.5}')
    text = (200, "text/plain", 'Rex, "the" dog\n')
    assert get() == rex
    assert get(Accept="text/*") == text
    assert get(Accept="application/json;q=0.1, text/plain;q=0.2") == text
    assert get(Accept="image/png")[0] == 406
    got = ask(gateway, "GET", "/mock/pets", token=token)[1]
    assert (got.get("X-Total"), got.get("Link"), got.get("Transfer-Encoding")) == ("2", '</pets?page=2>; rel="next"', None)
    assert get(Prefer="code=404, example=none") == (404, "application/json", '{"error":"none"}')
    assert get(Prefer="example=gone") == (404, "application/json", '{"error":"gone"}')
    assert get(Prefer="code=503") == (503, "application/json", '{"raw":   1}')
    assert get(Prefer="code=200, example=other")[0] == 404 and get(Prefer="code=302")[0] == 404
    assert ask(gateway, "GET", "/mock/pets")[0] == 401
    assert ask(gateway, "POST", "/mock/pets", "x" * 1000)[::2] == (204, "")
    assert ask(gateway, "POST", "/mock/pets", "x", Prefer="code=400")[::2] == (400, "[1]")
    assert world.backend.requests == before
    assert ask(gateway, "GET", "/mock/files/a")[0] == 200
    assert gateway.metric('gateway_requests_total\\{[^}]*operation="GET /pets"[^}]*status="4xx"\\}') == 6
    return gateway

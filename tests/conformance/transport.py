"""Stories of listeners and of clients' certificates."""
from compiled import compile_documents, curl, document
from world import openssl

STORIES = []


def story(function):
    STORIES.append(function)
    return function


def make_clients(folder):
    """A CA for clients, one it vouches for, one it vouched for long ago, one of nobody's; returns the gateway's directory."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=clients", "-days", "2", "-keyout", folder / "clients-ca.key",
            "-out", folder / "clients-ca.crt")
    for name in ("known", "expired"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "clients-ca.crt", "-CAkey", folder / "clients-ca.key",
                "-CAcreateserial", "-days", "-1" if name == "expired" else "2", "-out", folder / f"{name}.crt")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=known", "-days", "2", "-keyout", folder / "stranger.key",
            "-out", folder / "stranger.crt")
    trust = folder / "clients"
    trust.mkdir()
    (trust / "ca.crt").write_bytes((folder / "clients-ca.crt").read_bytes())
    return trust


def shows(world, name):
    return "--cert", world.folder / f"{name}.crt", "--key", world.folder / f"{name}.key"


PATHS = "paths: {/secured: {get: {}}, /open: {get: {x-wso2-disable-security: true}}}"


@story
def an_api_is_served_on_its_listeners_only(world, _):
    gateway = world.gateway(compile_documents(world, {
        "a.yaml": document("A", "/tls", "x-wso2-transports: [https]\n" + PATHS),
        "b.yaml": document("B", "/plain", "x-wso2-transports: [http]\n" + PATHS),
        "c.yaml": document("C", "/both", "x-wso2-transports: [http, https]\n" + PATHS)})).start()
    token = world.tokens.get("")
    assert curl(gateway, "/tls/secured", token=token) == (200, None)
    assert curl(gateway, "/tls/secured", token=token, scheme="http") == (404, None)
    assert curl(gateway, "/plain/secured", token=token) == (404, None)
    assert curl(gateway, "/plain/secured", token=token, scheme="http") == (200, None)
    for scheme in ("http", "https"):
        assert curl(gateway, "/both/open", scheme=scheme) == (200, None)
    return gateway


@story
def a_mandatory_client_certificate_is_asked_of_everybody(world, _):
    trust = make_clients(world.folder)
    gateway = world.gateway(compile_documents(world, {
        "a.yaml": document("A", "/mandatory", "x-wso2-mutual-ssl: mandatory\n" + PATHS),
        "b.yaml": document("B", "/optional", "x-wso2-mutual-ssl: optional\n" + PATHS),
        "c.yaml": document("C", "/none", PATHS)}), GATEWAY_CLIENT_TRUST_DIR=str(trust)).start()
    token = world.tokens.get("")
    for path in ("/mandatory/secured", "/mandatory/open"):
        assert curl(gateway, path, token=token) == (401, 900901)
        assert curl(gateway, path, token=token, scheme="http") == (401, 900901)
        assert curl(gateway, path, *shows(world, "stranger"), token=token) == (401, 900901)
        assert curl(gateway, path, *shows(world, "expired"), token=token) == (401, 900901)
        assert curl(gateway, path, *shows(world, "known"), token=token) == (200, None)
        assert curl(gateway, path, *shows(world, "known"), "--http2", token=token) == (200, None)
        assert curl(gateway, path, *shows(world, "stranger"), "--http2", token=token) == (401, 900901)
    # A certificate is no token.
    assert curl(gateway, "/mandatory/secured", *shows(world, "known")) == (401, 900902)
    assert curl(gateway, "/mandatory/secured", *shows(world, "known"), token=world.tokens.get("expired")) == (401, 900901)
    for api in ("/optional", "/none"):
        assert curl(gateway, api + "/secured", token=token) == (200, None)
        assert curl(gateway, api + "/secured", *shows(world, "known"), token=token) == (200, None)
        assert curl(gateway, api + "/secured", *shows(world, "stranger"), token=token) == (200, None)
    return gateway


@story
def without_certificates_to_trust_nobody_is_known(world, _):
    gateway = world.gateway(compile_documents(world, {"a.yaml": document("A", "/mandatory", "x-wso2-mutual-ssl: mandatory\n" + PATHS)}),
                            GATEWAY_CLIENT_TRUST_DIR="/nonexistent").start()
    assert curl(gateway, "/mandatory/open", *shows(world, "known")) == (401, 900901)
    return gateway


@story
def a_client_certificate_may_be_enough(world, _):
    paths = "paths: {/either: {get: {}}, /both: {get: {x-wso2-application-security: {optional: false}}}}"
    gateway = world.gateway(compile_documents(world, {
        "a.yaml": document("A", "/a", "x-wso2-mutual-ssl: mandatory\nx-wso2-application-security: {optional: true}\n" + paths)}),
        GATEWAY_CLIENT_TRUST_DIR=str(world.folder / "clients")).start()
    known = shows(world, "known")
    assert curl(gateway, "/a/either", *known) == (200, None)
    assert curl(gateway, "/a/either", *known, token=world.tokens.get("")) == (200, None)
    assert curl(gateway, "/a/either", *known, token=world.tokens.get("expired")) == (401, 900901)
    assert curl(gateway, "/a/either", token=world.tokens.get("")) == (401, 900901)
    assert curl(gateway, "/a/either") == (401, 900901)
    assert curl(gateway, "/a/both", *known) == (401, 900902)
    assert curl(gateway, "/a/both", *known, token=world.tokens.get("")) == (200, None)
    return gateway

"""Gateways compiled from OpenAPI documents, as users make them: documents → toolkit → contract → gateway."""
import json
import subprocess

from world import wait


def compile_documents(world, documents, securities=None, **settings):
    """The contract of documents (texts by name; @BACKEND@ is the backend's port)."""
    folder = world.folder / f"documents{len(world.gateways)}"
    folder.mkdir(exist_ok=True)
    swagger = folder / "swagger"
    swagger.mkdir(exist_ok=True)
    for name, text in documents.items():
        (swagger / name).write_text(text.replace("@BACKEND@", str(world.backend.port)))
    securities = securities or [{"name": "default-security-jwt", "type": "JWT", "issuers": [
        {"issuer": "https://issuer.test/token", "audience": "http://gateway.test", "keys": [{"pem": world.tokens.pem}]}]}]
    (folder / "conf.json").write_text(json.dumps({"securities": securities, "settings": settings}))
    done = subprocess.run([world.build / "bin/toolkit", "compile", "--swagger", swagger, "--conf", folder / "conf.json", "--out", folder],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return (folder / "contract.json").read_text()


def document(title, base, body, backend="http://127.0.0.1:@BACKEND@"):
    return (f"openapi: 3.0.0\ninfo: {{title: {title}, version: v1}}\nx-wso2-basePath: {base}\n"
            f"x-wso2-production-endpoints: {{urls: ['{backend}']}}\n{body}\n")


def curl(gateway, path, *options, scheme="https", token=None):
    """(status, code of the fault or None)"""
    port = gateway.https if scheme == "https" else gateway.http
    command = ["curl", "-sk", "-w", "\n%{http_code}", *map(str, options), f"{scheme}://127.0.0.1:{port}{path}"]
    if token:
        command += ["-H", "Authorization: Bearer " + token]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    body, status = done.stdout.rsplit("\n", 1)
    fault = json.loads(body).get("fault", {}).get("code") if body.startswith("{") else None
    return int(status), fault


__all__ = ["compile_documents", "curl", "document", "wait"]

"""Keys of every kind that tokens may be signed with, and such tokens."""
import base64
import json
import subprocess

KINDS = {"P-256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "P-384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
         "P-521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "Ed25519": ["ED25519"]}

# token name: algorithm of the signature, kind of key, name in the header
VARIANTS = {name.lower(): (name, kind, name) for name, kind in
            {"RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
             "ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}.items()}
VARIANTS |= {"ps256-as-rs256": ("PS256", "RSA", "RS256"), "es256-as-rs256": ("ES256", "P-256", "RS256"),
             "es384-as-es256": ("ES384", "P-384", "ES256"), "es256-as-hs256": ("ES256", "P-256", "HS256"),
             "eddsa-as-es256": ("EdDSA", "Ed25519", "ES256"), "es256-as-none": ("ES256", "P-256", "none"),
             "es256-der": ("ES256 DER", "P-256", "ES256")}


def openssl(*args, data=None):
    return subprocess.run(["openssl", *map(str, args)], input=data, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_keys(folder):
    """Files by kind; RSA is None: the caller has one."""
    keys = {"RSA": None}
    for kind, options in KINDS.items():
        keys[kind] = folder / f"token-{kind}.key"
        openssl("genpkey", "-algorithm", *options, "-out", keys[kind])
    return keys


def public(key):
    return openssl("pkey", "-in", key, "-pubout").decode()


def contract_keys(keys):
    return [{"id": kind, "pem": public(key), "notBefore": 0, "notAfter": 0} for kind, key in keys.items() if key]


def joined(der, size):
    """R and S side by side, as tokens have them, from OpenSSL's DER."""
    at, numbers = (3 if der[1] & 0x80 else 2), b""
    for _ in range(2):
        n = der[at + 1]
        numbers += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(size, b"\0")
        at += 2 + n
    return numbers


def signature(key, algorithm, text):
    if algorithm == "EdDSA":
        path = key.with_suffix(".text")
        path.write_bytes(text)
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", path)
    options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if algorithm.startswith("PS") else []
    made = openssl("dgst", f"-sha{algorithm[2:5]}", *options, "-sign", key, data=text)
    return joined(made, {"ES256": 32, "ES384": 48, "ES512": 66}[algorithm]) if algorithm in ("ES256", "ES384", "ES512") else made


def sign(key, algorithm, claims, name=None, **header):
    head = base64url(json.dumps({"alg": name or algorithm, **header}).encode())
    text = f"{head}.{base64url(json.dumps(claims).encode())}"
    return f"{text}.{base64url(signature(key, algorithm, text.encode()))}"


def jwk(key, kind, **members):
    """A public key as issuers publish it."""
    if kind == "RSA":
        modulus = openssl("rsa", "-in", key, "-noout", "-modulus").decode().strip().split("=")[1]
        return {"kty": "RSA", "n": base64url(bytes.fromhex(modulus)), "e": "AQAB", **members}
    der = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    if kind == "Ed25519":
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(der[-32:]), **members}
    size = {"P-256": 32, "P-384": 48, "P-521": 66}[kind]
    return {"kty": "EC", "crv": kind, "x": base64url(der[-2 * size:-size]), "y": base64url(der[-size:]), **members}

"""An issuer of JWTs on this machine: it signs tokens, publishes its keys over HTTP, and signs everybody in."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

_PAGE = """<!doctype html><html lang="en"><head><title>Identity provider</title><link rel="icon" href="data:,"></head>
<body><h1>Who are you?</h1><ul>{listed}</ul></body></html>"""


@cache
def rsa_key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return one of the test's RSA keys."""
    del number
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(number: int) -> ec.EllipticCurvePrivateKey:
    """Return one of the test's P-256 keys."""
    del number
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return the public part of a key as PEM."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: Any, key_id: str, **more: object) -> dict[str, object]:
    """Return the public part of a key as a JWK."""
    algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, **more}


def encoded(value: object) -> str:
    """Return JSON as a part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@dataclass
class FakeIssuer:
    """An issuer; `answers` replaces what a path responds with (status, body), `requests` are the paths asked for.

    `codes` are those that wait to be exchanged, with the parameters of their request; `person` is who signs in. In a
    browser, one chooses among `people`, whose claims come in addition or in the place of those.
    """

    url: str = ""
    keys: list[dict[str, object]] = field(default_factory=lambda: [jwk(rsa_key(1), "k1", alg="RS256", use="sig")])
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    person: dict[str, object] = field(
        default_factory=lambda: {
            "sub": "u-1",
            "email": "ada@example.com",
            "email_verified": True,
            "groups": ["billing-admins"],
        }
    )
    people: dict[str, dict[str, object]] = field(default_factory=dict)
    id_token: dict[str, object] = field(default_factory=dict)
    client_secret: str = ""

    def token(
        self, now: float, *, key: Any = None, key_id: str | None = "k1", algorithm: str = "RS256", **claims: object
    ) -> str:
        """Return a signed token for the API; a claim of None is left out."""
        whole: dict[str, object] = {"iss": self.url, "aud": "billing-api", "iat": now, "exp": now + 600}
        whole |= self.person | claims
        headers = {} if key_id is None else {"kid": key_id}
        payload = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(payload, key or rsa_key(1), algorithm, headers=headers)

    def authorize(self, url: str, person: str = "") -> str:
        """Sign in at the address that a browser was sent to; return the address that it is sent back to."""
        request = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**request, "person": person}
        return f"{request['redirect_uri']}?{urlencode({'code': code, 'state': request['state']})}"

    def respond(self, method: str, path: str, body: str, now: float) -> tuple[int, bytes]:
        """Return the status and body of a response."""
        self.requests.append(path)
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
            document = {"issuer": self.url, **{name: f"{self.url}/{value}" for name, value in endpoints.items()}}
            return 200, json.dumps(document).encode()
        if path == "/jwks":
            return 200, json.dumps({"keys": self.keys}).encode()
        if path == "/token" and method == "POST":
            return self._exchange({name: values[0] for name, values in parse_qs(body).items()}, now)
        if path.startswith("/authorize?"):
            return 200, self._page(path).encode()
        return 404, b"{}"

    def _page(self, url: str) -> str:
        """Return the page on which one chooses who signs in, or denies it."""
        request = dict(parse_qsl(urlsplit(url).query))
        denied = urlencode({"error": "access_denied", "state": request["state"]})
        links = {person: self.authorize(url, person) for person in self.people}
        links["Deny"] = f"{request['redirect_uri']}?{denied}"
        listed = "".join(f'<li><a href="{escape(target)}">{name}</a></li>' for name, target in links.items())
        return _PAGE.format(listed=listed)

    def _exchange(self, form: dict[str, str], now: float) -> tuple[int, bytes]:
        request = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        is_good = (
            request is not None
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == request["redirect_uri"]
            and form.get("client_id") == request["client_id"]
            and request["code_challenge_method"] == "S256"
            and challenge == request["code_challenge"]
            and form.get("client_secret", "") == self.client_secret
        )
        if request is None or not is_good:
            return 400, b'{"error": "invalid_grant"}'
        claims = {"aud": request["client_id"], "nonce": request["nonce"], **self.id_token}
        claims = self.people.get(request["person"], {}) | claims
        return 200, json.dumps({"id_token": self.token(now, **claims), "access_token": "opaque"}).encode()  # type: ignore[arg-type]


@contextmanager
def serving(issuer: FakeIssuer, now: float) -> Iterator[FakeIssuer]:
    """Serve an issuer over HTTP on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            status, content = issuer.respond(self.command, self.path, body, now)
            self.send_response(status)
            is_page = content.startswith(b"<!doctype")
            self.send_header("content-type", "text/html" if is_page else "application/json")
            if 300 <= status < 400:
                self.send_header("location", f"{issuer.url}/jwks")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

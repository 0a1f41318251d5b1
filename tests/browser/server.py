"""`python -m tests.browser.server [PORT]`: the console on the service in memory, with an issuer, until its input ends.

Prints one line of JSON: the base URL and the keys. The paths are those of the deployed service, below `/stage`,
so that a link of the console that would only work at the root of a host fails here.
"""

import base64
import contextlib
import io
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, unquote

import functions.admin.handler
import functions.admin.portal_dependencies
import functions.admin.webhook_dependencies
import functions.ingest.handler
from fusion_billing.access.portal_tokens import PortalSecret
from fusion_billing.outbound.ssrf_guard import SsrfGuard
from tests.browser.world import BEGIN, NOW, World, build
from tests.fakes.oidc_issuer import FakeIssuer, serving
from tests.integration.admin.known_issuer import forget
from tests.integration.admin.world import FakeKms, resolve_host
from tests.lives.service import CONTEXT, service

PREFIX = "/stage"
EMBEDDING_PATH = "/account"
EMBEDDING = """<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">
<script src="{url}/portal/fusion-usage.js" defer></script></head>
<body><main><h1>My account</h1><fusion-usage token="{token}"></fusion-usage></main></body></html>"""


class Handler(BaseHTTPRequestHandler):
    """Turns requests into API Gateway's events."""

    def do_GET(self) -> None:
        """Respond."""
        self._respond()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _respond(self) -> None:
        path, _, query = self.path.partition("?")
        if path == EMBEDDING_PATH:
            self._embed(query)
            return
        if not path.startswith(f"{PREFIX}/"):
            self.send_error(404)
            return
        event = self._event(unquote(path.removeprefix(PREFIX)), query)
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if (self.command, event["rawPath"]) == ("POST", "/v1/usage"):
                answer = functions.ingest.handler.handler(event, CONTEXT)
            else:
                answer = functions.admin.handler.handler(event, CONTEXT)
        body = answer["body"]
        content = base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _embed(self, token: str) -> None:
        """Respond with a page that embeds the element; it is another site, opened under another name of this host."""
        url = f"http://127.0.0.1:{os.environ['CONSOLE_PORT']}{PREFIX}"
        content = EMBEDDING.format(url=url, token=token).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(content)

    def _event(self, path: str, query: str) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        cookies = headers.pop("cookie", "")
        body = self.rfile.read(int(headers.get("content-length", "0")))
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)) or None,
            "headers": headers,
            "cookies": cookies.split("; ") if cookies else None,
            "requestContext": {
                "http": {"method": self.command, "path": path, "sourceIp": "127.0.0.1"},
                "requestId": "browser",
                "stage": "$default",
                "timeEpoch": int(datetime.now(UTC).timestamp() * 1000),
            },
            "body": body.decode() or None,
            "isBase64Encoded": False,
        }
        return {name: value for name, value in event.items() if value is not None}


@cache
def fake_kms() -> FakeKms:
    """Return a KMS that hides nothing."""
    return FakeKms()


@cache
def fake_guard() -> SsrfGuard:
    """Return the guard, with names resolved without a network."""
    return SsrfGuard(resolver=resolve_host)


class PortalSecrets:
    """The secret that signs portal tokens."""

    def get(self, of: str | None = None) -> tuple[PortalSecret, ...]:
        """Return it."""
        del of
        return (PortalSecret("s" * 64),)


@cache
def portal_secrets() -> PortalSecrets:
    """Return the secrets of portal tokens."""
    return PortalSecrets()


@contextlib.contextmanager
def issuer(url: str) -> Iterator[None]:
    """Offer signing in at an issuer on another site; `url` is the service's."""
    people: dict[str, dict[str, object]] = {
        "Ada": {"sub": "ada", "email": "ada@example.com", "groups": ["billing-admins"]},
        "Rita": {"sub": "rita", "email": "rita@example.com", "groups": ["billing-readers"]},
        "Sam": {"sub": "sam", "email": "sam@example.com", "groups": ["sales"]},
    }
    with serving(FakeIssuer(people=people), NOW.timestamp()) as made:
        made.url = made.url.replace("127.0.0.1", "localhost")
        os.environ |= {
            "OIDC_ISSUER": made.url,
            "OIDC_CLIENT_ID": "billing-console",
            "OIDC_SCOPES": "billing-admins=admin; billing-readers=ratings:read catalog:read",
            "OIDC_REDIRECT_URL": f"{url}/v1/sessions/oidc/callback",
            "FUSION_LOCAL_LOOPBACK_WEBHOOKS": "1",
        }
        forget()
        yield


def main() -> None:
    """Build the world and serve it."""
    logging.disable(logging.CRITICAL)
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    dependencies = functions.admin.webhook_dependencies
    with (
        service(BEGIN) as made,
        patch.object(dependencies, "kms", fake_kms),
        patch.object(dependencies, "guard", fake_guard),
        patch.object(functions.admin.portal_dependencies, "secrets", portal_secrets),
        HTTPServer(("127.0.0.1", port), Handler) as server,
        contextlib.ExitStack() as opened,
    ):
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            world: World = build(made)
        os.environ["CONSOLE_PORT"] = str(server.server_port)
        os.environ["PORTAL_ORIGINS"] = f"http://localhost:{server.server_port}"
        url = f"http://127.0.0.1:{server.server_port}{PREFIX}"
        opened.enter_context(issuer(url))
        token = world.call("POST", "/v1/portal-tokens", {"subscription": "4101", "expires_in": 3600})["token"]
        told = {"url": url, "keys": world.keys, "endpoint": world.endpoint, "portal_token": token}
        print(json.dumps(told), flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()

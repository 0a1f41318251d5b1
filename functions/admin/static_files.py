"""Serve the files of the console, the portal and the API reference, which are deployed with this function.

This module is imported at the first request for a file. Browsers check the console's page at every visit. Its other
files have the version in their path (`/console/v/<version>/main.js`), so browsers cache them until the next deployment.
The files of the portal, which other sites link to, and of the API reference have fixed paths.
"""

import base64
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from functions.admin.responses import Response
from fusion_billing import settings
from fusion_billing.errors import NotFound
from fusion_billing.http.api_gateway import headers_of
from fusion_billing.json_types import JsonMapping, JsonObject

FOLDER = Path(__file__).parent / "console"
PAGES = {name: Path(__file__).parent / name for name in ("portal", "docs")}
"""First part of the path -> the folder of a page at that address, whose files are below it."""

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "vary": "accept-encoding",
}
_CHECK_EACH_TIME, _KEEP = "no-cache", "public, max-age=31536000, immutable"
_KEEP_SHORTLY = "public, max-age=300"
_METHODS = frozenset({"GET", "HEAD"})
_VERSION_MARK, _ISSUER_MARK = b"{{version}}", b"{{issuer}}"


@dataclass(frozen=True, slots=True)
class FileResponse:
    """A response whose body may be compressed."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_event(self) -> JsonObject:
        """Return the response in API Gateway's payload format 2.0."""
        return {
            "statusCode": self.status,
            "headers": dict(self.headers),
            "body": base64.b64encode(self.body).decode("ascii"),
            "isBase64Encoded": True,
        }


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is sent: its media type, its content, plain and compressed, and its entity tag."""

    kind: str
    plain: bytes
    compressed: bytes
    tag: str


def respond(event: JsonMapping) -> FileResponse | Response:
    """Return the file at a path of the console or of another page; raises `NotFound`.

    The page is at `/console` and at `/console/`: some gateways tell them apart, some don't. Its links are relative,
    since the service may stand below a path, so that at the latter they lead to `/console/console/`.
    """
    if event["requestContext"]["http"]["method"] not in _METHODS:
        raise NotFound("Unknown path: only GET and HEAD are supported here")
    headers = headers_of(event)
    folder, _, name = event["rawPath"].strip("/").partition("/")
    if folder in PAGES:
        return _page_or_file(folder, event["rawPath"], headers)
    if not name:
        return _sent(_page(), headers, _CHECK_EACH_TIME)
    _, version, name = [*name.removeprefix(f"{FOLDER.name}/").split("/", 2), "", ""][:3]
    if name not in files() or name.endswith(".html"):
        raise NotFound("No such file")
    return _sent(_file(FOLDER / name), headers, _KEEP if version == version_of_files() else _CHECK_EACH_TIME)


def _page_or_file(page: str, path: str, headers: Mapping[str, str]) -> FileResponse:
    """Return a page at its address, such as `/portal`, where a link with a token leads, or a file below it."""
    folder = PAGES[page]
    if path == f"/{page}":
        return _sent(_file(folder / "index.html"), headers, _CHECK_EACH_TIME)
    if path == "/docs/":
        return FileResponse(302, headers={**_HEADERS, "location": "../docs", "cache-control": _CHECK_EACH_TIME})
    known = {file.name for file in folder.iterdir() if file.suffix in _KINDS} - {"index.html"}
    name = path.removeprefix(f"/{page}/")
    if name not in known:
        raise NotFound("No such file")
    return _sent(_file(folder / name), headers, _KEEP_SHORTLY)


def _sent(file: _File, headers: Mapping[str, str], cache_control: str) -> FileResponse:
    sent = {**_HEADERS, "etag": file.tag, "cache-control": cache_control}
    if file.tag in headers.get("if-none-match", "").replace("W/", "").split(", "):
        return FileResponse(304, headers=sent)
    sent["content-type"] = file.kind
    if "gzip" in headers.get("accept-encoding", ""):
        return FileResponse(200, file.compressed, {**sent, "content-encoding": "gzip"})
    return FileResponse(200, file.plain, sent)


@cache
def files() -> frozenset[str]:
    """Return the names of all files, with slashes."""
    found = (path for path in FOLDER.rglob("*") if path.is_file() and path.suffix in _KINDS)
    return frozenset(path.relative_to(FOLDER).as_posix() for path in found)


@cache
def version_of_files() -> str:
    """Return the version that addresses name: a digest of all files."""
    digest = hashlib.sha256()
    for name in sorted(files()):
        digest.update(name.encode() + (FOLDER / name).read_bytes())
    return digest.hexdigest()[:12]


@cache
def _page() -> _File:
    content = (FOLDER / "index.html").read_bytes()
    content = content.replace(_ISSUER_MARK, escape(_issuer()).encode())
    return _made(".html", content.replace(_VERSION_MARK, version_of_files().encode()))


def _issuer() -> str:
    """Return the host where people can sign in to the console; empty if there is none."""
    is_offered = settings.text("OIDC_CLIENT_ID", "")
    return urlsplit(settings.text("OIDC_ISSUER", "")).netloc if is_offered else ""


@cache
def _file(path: Path) -> _File:
    return _made(path.suffix, path.read_bytes())


def _made(suffix: str, content: bytes) -> _File:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    return _File(_KINDS[suffix], content, gzip.compress(content, 9, mtime=0), tag)

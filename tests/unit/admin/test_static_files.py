"""The console's files: found, compressed, cached, and guarded by headers; never loaded by a cold start."""

import base64
import gzip
import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from functions.admin import app, static_files
from functions.admin.static_files import FOLDER

MOST_COMPRESSED = 100_000
MOST_LINES = 300
MOST_BYTES_OF_THE_REFERENCE = 30_000


def fetch(path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.resolve(
        {"rawPath": path, "headers": named, "requestContext": {"http": {"method": method, "path": path}}}
    )


def body(response: dict[str, Any]) -> bytes:
    content = base64.b64decode(response["body"])
    return gzip.decompress(content) if response["headers"].get("content-encoding") == "gzip" else content


def script_link() -> str:
    """Return the link to the console's first script, as the page has it."""
    found = re.search(r'src="([^"]+main\.js)"', body(fetch("/console")).decode())
    assert found is not None
    return found[1]


def script() -> str:
    """Return the path of the console's first script."""
    return urljoin("/console", script_link())


def test_the_page_names_the_version_of_its_files_and_is_checked_with_each_visit() -> None:
    page = fetch("/console/")
    assert page["statusCode"] == 200
    assert page["headers"]["content-type"] == "text/html; charset=utf-8"
    assert page["headers"]["cache-control"] == "no-cache"
    assert b"{{" not in body(page)
    assert f"v/{static_files.version_of_files()}/main.js".encode() in body(page)


def test_a_file_of_this_version_is_kept_by_browsers_and_one_of_another_is_not() -> None:
    assert fetch(script())["headers"]["cache-control"] == "public, max-age=31536000, immutable"
    assert fetch("/console/v/000000000000/main.js")["headers"]["cache-control"] == "no-cache"


def test_the_page_works_at_both_its_addresses_wherever_the_service_stands() -> None:
    assert body(fetch("/console")) == body(fetch("/console/"))
    for address in ("/stage/console", "/stage/console/"):
        path = urljoin(address, script_link()).removeprefix("/stage")
        assert fetch(path)["headers"]["cache-control"] == "public, max-age=31536000, immutable", path


@pytest.mark.parametrize("path", ["/console", "/console/", script()])
def test_every_response_has_the_headers_that_guard_a_page(path: str) -> None:
    headers = fetch(path)["headers"]
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_has_no_inline_script_or_style_and_names_no_other_host() -> None:
    page = body(fetch("/console/")).decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|https?://", page) == []


def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    tag = fetch(script())["headers"]["etag"]
    for known in (tag, f'W/{tag}, "other"'):
        again = fetch(script(), if_none_match=known)
        assert (again["statusCode"], again["body"]) == (304, "")
    assert fetch(script(), if_none_match='"other"')["statusCode"] == 200


def test_files_are_sent_compressed_to_those_who_take_it() -> None:
    plain, small = fetch(script()), fetch(script(), accept_encoding="br, gzip")
    assert "content-encoding" not in plain["headers"]
    assert small["headers"]["content-encoding"] == "gzip"
    assert small["headers"]["vary"] == "accept-encoding"
    assert body(plain) == body(small)


@pytest.mark.parametrize(
    "path",
    [
        "/console/nothing.js",
        "/console/v/1/nothing.js",
        "/console/v/1/../static_files.py",
        "/console/v/1/../../app.py",
        "/console/v/1//etc/passwd",
        "/console/v/1/index.html",
        "/console/v/1/vendor",
    ],
)
def test_nothing_but_the_consoles_files_is_served(path: str) -> None:
    assert fetch(path)["statusCode"] == 404


def test_every_file_is_served_and_the_page_preloads_what_exists() -> None:
    for name in static_files.files() - {"index.html"}:
        assert fetch(f"/console/v/x/{name}")["statusCode"] == 200, name
    page = body(fetch("/console/")).decode()
    for address in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert fetch(f"/{address}")["statusCode"] == 200, address


def test_the_whole_console_fits_the_limit() -> None:
    sizes = {name: len(gzip.compress((FOLDER / name).read_bytes(), 9)) for name in static_files.files()}
    code = {name: size for name, size in sizes.items() if not name.endswith(".txt")}
    assert sum(code.values()) <= MOST_COMPRESSED, sorted(code.items(), key=lambda item: -item[1])


def test_every_module_is_small_and_imports_what_exists() -> None:
    for path in FOLDER.rglob("*.js"):
        if path.parent.name == "vendor":
            continue
        text = path.read_text()
        assert text.count("\n") <= MOST_LINES, path.name
        for imported in re.findall(r"""(?:from|import)\s*\(?["'](\.[^"']+)["']""", text):
            assert (path.parent / imported).resolve().is_file(), (path.name, imported)


def test_no_module_turns_texts_into_html_or_code() -> None:
    for path in FOLDER.rglob("*.js"):
        if path.parent.name != "vendor":
            text = path.read_text()
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|dangerously|document\.write|eval\(|new Function", text
            )
            assert not re.search(r"sessionStorage|document\.cookie", text), path.name
            stored = re.findall(r"localStorage.*", text)
            assert stored == [] or path.name == "csv.js", path.name
            assert all(re.match(r"localStorage\.[gs]etItem\(MARK\b", each) for each in stored), "a preference at most"


def test_vendored_files_are_those_that_the_registry_has() -> None:
    listed = re.findall(
        r"^\| `(\S+)` \| \S+ \| \S+ \| `([0-9a-f]{64})` \|", (FOLDER / "vendor" / "README.md").read_text(), re.MULTILINE
    )
    assert {name for name, _ in listed} == {path.name for path in (FOLDER / "vendor").glob("*.js")}
    for name, digest in listed:
        content = (FOLDER / "vendor" / name).read_bytes()
        if name == "hooks.js":  # its one import names the package: browsers need the file
            content = content.replace(b'from"./preact.js"', b'from"preact"')
        assert hashlib.sha256(content).hexdigest() == digest, name


def test_a_cold_start_loads_nothing_of_the_console() -> None:
    code = "import sys, functions.admin.app; sys.exit('functions.admin.static_files' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_reference_is_small_and_names_no_other_host() -> None:
    files = list((Path(static_files.__file__).parent / "docs").iterdir())
    assert sum(file.stat().st_size for file in files) <= MOST_BYTES_OF_THE_REFERENCE
    for file in files:
        if file.suffix != ".svg":
            assert re.findall(r"https?://|\binnerHTML\b|\beval\(|\sstyle=", file.read_text()) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=", body(fetch("/docs")).decode()) == []


def test_the_reference_has_the_headers_that_guard_a_page() -> None:
    page = fetch("/docs")
    assert (page["statusCode"], page["headers"]["cache-control"]) == (200, "no-cache")
    assert page["headers"]["content-security-policy"] == fetch("/console/")["headers"]["content-security-policy"]
    for name in re.findall(r'"docs/([\w.]+)"', body(page).decode()):
        assert fetch(f"/docs/{name}")["statusCode"] == 200
    assert fetch("/docs/")["headers"]["location"] == "../docs"
    for path in ("/docs/../app.py", "/docs/index.html"):
        assert fetch(path)["statusCode"] == 404

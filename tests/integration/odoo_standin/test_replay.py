"""The stand-in answers as the real Odoo 19 did, exchange by exchange, in the order recorded."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

DATA = Path(__file__).parents[2] / "data" / "odoo" / "exchanges.json"
SHARED = Path(__file__).parents[4] / "shared" / "odoo" / "exchanges.json"

# The recording keeps no headers: they follow from what each exchange was about.
KEY_BY_TITLE = {
    "no auth": None,
    "bad key": "no-such-key",
    "access error model (internal user w/o sale rights)": "key-nosale",
    "access error create": "key-nosale",
    "load: as no-rights user": "key-nosale",
    "record rule: own-documents user, search": "key-own",
    "record rule: own-documents user, write": "key-own",
    "load: as own-docs user": "key-own",
    "unlock as admin": "key-admin",
    "imd": "key-admin",
}
HEADERS_BY_TITLE = {
    "wrong db": {"X_Odoo_Database": "no-such-database"},
    "no db header": {"X_Odoo_Database": ""},
    "bad content type": {"Content_Type": "text/plain"},
    "form content type": {"Content_Type": "application/x-www-form-urlencoded"},
}
NOT_COVERED: dict[str, str] = {}
"""Number and title (`12 private method`) -> why the stand-in answers otherwise, or not at all."""


def exchanges() -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(DATA.read_text(encoding="utf-8"))
    return read


def sent(client: Any, exchange: dict[str, Any]) -> Any:
    request, title = exchange["request"], exchange["title"]
    headers = HEADERS_BY_TITLE.get(title, {})
    body = request["body"]
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    key = KEY_BY_TITLE.get(title, "key-relay")
    if request["method"] == "GET":
        return client.send("GET", request["path"], b"", {"Authorization": f"bearer {key}"})
    return client.post(request["path"], content, key, **headers)


def recorded_body(response: dict[str, Any]) -> Any:
    """Return the recorded body as a value: some were kept as text, two of them cut short."""
    body = response["body"]
    if response["content_type"] == "application/json" and isinstance(body, str):
        try:
            return json.loads(body)
        except ValueError:
            return Cut(body)
    return body


class Cut(str):
    """JSON text of which the recording kept only the beginning."""

    __slots__ = ()


def differences(real: Any, ours: Any) -> list[str]:
    if isinstance(real, Cut):
        kept = real.partition(', "debug"')[0] if '"debug"' in real else real
        text = json.dumps(ours, default=float)
        return [] if text.startswith(kept) else [f"recorded {kept!r}, here {text[: len(kept)]!r}"]
    if isinstance(real, dict) and "debug" in real:
        real, ours = dict(real), dict(ours)
        if not isinstance(real.pop("debug"), str) or not isinstance(ours.pop("debug"), str):
            return ["debug is no text"]
    return [] if shape(real) == shape(ours) else [f"recorded {real!r}, here {ours!r}"]


def shape(value: Any) -> Any:
    """Return a value that equals another's only if type, keys and content agree."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return str(json.dumps(value, default=float))


def test_every_exchange_replays(client: Any) -> None:
    wrong = {}
    for number, exchange in enumerate(exchanges()):
        answer, response = sent(client, exchange), exchange["response"]
        found = differences(recorded_body(response), answer.body)
        if answer.status != response["status"]:
            found.insert(0, f"recorded status {response['status']}, here {answer.status}")
        if answer.content_type != response["content_type"]:
            found.insert(0, f"recorded {response['content_type']}, here {answer.content_type}")
        if found:
            wrong[f"{number} {exchange['title']}"] = found
    unexpected = {title: found for title, found in wrong.items() if title not in NOT_COVERED}
    assert not unexpected, "\n".join(f"{title}: {found}" for title, found in unexpected.items())
    assert wrong.keys() == NOT_COVERED.keys()
    assert len(exchanges()) == 117


def test_the_copied_exchanges_are_the_shared_ones() -> None:
    if not SHARED.exists():
        pytest.skip("no shared/ beside this checkout: the copy in tests/data stands alone")
    assert json.loads(DATA.read_text(encoding="utf-8")) == json.loads(SHARED.read_text(encoding="utf-8"))

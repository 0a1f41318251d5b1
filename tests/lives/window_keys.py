"""Keys of records that the service derives from windows, as an app would write them itself."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from random import Random
from typing import Any

Body = Mapping[str, Any]

_WITHOUT_A_WRITER = 3
"""Of so many records, one has no writer: it is pushed without a key."""


def choose(metrics: dict[str, dict[str, Any]], seed: object) -> None:
    """Have the records of some metrics keyed by window; what else the seed makes stays the same."""
    for code, body in metrics.items():
        if Random(f"windows {seed} {code}").random() < 0.4:
            body["idempotency"] = "window"


def derived(body: Body, number: int) -> str:
    """Return the key of the record `number`: most have a writer of their own, others share the key of their window."""
    instants = [datetime.fromisoformat(body[name]).astimezone(UTC) for name in ("period_start", "period_end")]
    parts = ["window", body["subscription"], body["metric"], *(f"{instant:%Y%m%dT%H%M%SZ}" for instant in instants)]
    if "properties" in body or "member" in body:
        given = body.get("properties")
        properties = json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if given else ""
        parts.append("@" + sha256(f"{properties}\n{body.get('member', '')}".encode()).hexdigest()[:16])
    if number % _WITHOUT_A_WRITER:
        parts.append(f"k{number}")
    return "~".join(parts)


def as_sent(body: Body) -> dict[str, Any]:
    """Return a request whose records have no key if the service derives the same one."""
    if "records" in body:
        return {**body, "records": [as_sent(record) for record in body["records"]]}
    key = body.get("idempotency_key", "")
    is_derived = key.startswith("window~") and not key.rpartition("~")[2].startswith("k")
    return {name: value for name, value in body.items() if name != "idempotency_key" or not is_derived}


def wrong_keys(body: Body, response: Body) -> list[str]:
    """Return what keys a response names that are not those of the records."""
    records, results = body.get("records", [body]), response.get("results", [response])
    return [
        f"{record['idempotency_key']} is named {result['idempotency_key']}"
        for record, result in zip(records, results, strict=True)
        if result.get("outcome") in {"created", "updated", "unchanged", "stale"}
        and result["idempotency_key"] != record["idempotency_key"]
    ]


def distinct(bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first body of each key."""
    found: dict[str, dict[str, Any]] = {}
    for body in bodies:
        found.setdefault(body["idempotency_key"], body)
    return list(found.values())

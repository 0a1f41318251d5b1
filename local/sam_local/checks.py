"""What each function must answer under `sam local`, and what must have come of it in Odoo and at the receiver."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

from local.artefacts import ROOT
from local.demo import catalog, flow
from local.demo.calls import Unexpected
from local.run import Running
from local.sam_local.sam import Sam

EVENTS = ROOT / "events"

_SECONDS = 280


@dataclass(frozen=True, slots=True)
class Place:
    """Where the checks run: `sam local`, the demo it works on, and the ports it may use."""

    sam: Sam
    running: Running
    api_port: int
    lambda_port: int


def checks(place: Place) -> Iterator[str]:
    """Run every check; yield the name of each that held. Raises `Unexpected` for the first that did not."""
    yield from _functions(place)
    yield from _lines_and_webhooks(place)
    yield from _api(place)
    yield from _lambda(place)


def _functions(place: Place) -> Iterator[str]:
    """Invoke each function with each event."""
    push = place.running.folder / "ingest.json"
    yield _invoked(place, "IngestFunction", push, lambda answer: _outcome(answer) == (201, "created"))
    yield _invoked(place, "IngestFunction", push, lambda answer: _outcome(answer) == (200, "unchanged"))
    yield _invoked(place, "AdminFunction", EVENTS / "admin.json", _is_healthy)
    yield _invoked(place, "RateFunction", EVENTS / "rate-plan.json", lambda answer: answer.keys() == {"hours"})


def _lines_and_webhooks(place: Place) -> Iterator[str]:
    """Rate what was pushed and relay it: the line in Odoo and the webhook must follow."""
    running = place.running
    before = len(running.receiver.received())
    amount = _line_subtotal(running)
    yield _invoked(place, "RateFunction", EVENTS / "rate-work.json", lambda answer: answer == {"batchItemFailures": []})
    yield _invoked(place, "RelayFunction", EVENTS / "relay-sync.json", _has_synced)
    yield _invoked(place, "RelayFunction", EVENTS / "relay.json", _has_relayed)
    _require(_line_subtotal(running) > amount, "a line in Odoo", f"its subtotal is still {amount}")
    yield "a line in Odoo"
    _require(len(running.receiver.received()) > before, "a delivered webhook", "the receiver got none")
    yield "a delivered webhook"


def _api(place: Place) -> Iterator[str]:
    with place.sam.serving("start-api", place.api_port) as url:
        yield _held("start-api: POST /v1/usage, cold", _push(place, url), (201, "created"))
        yield _held("start-api: the same record, warm", _push(place, url), (200, "unchanged"))
        refused = requests.post(f"{url}/v1/usage", json=_payload(place), headers=_bearer("fb_none"), timeout=_SECONDS)
        yield _held("start-api: a wrong key", refused.status_code, 401)
        read = requests.get(f"{url}/v1/subscriptions/4102/usage", headers=_bearer(place.running.key), timeout=_SECONDS)
        seen = (read.status_code, "api_calls" in read.text, read.text[:300])
        yield _held("start-api: GET usage", seen[:2], (200, True))


def _lambda(place: Place) -> Iterator[str]:
    with place.sam.serving("start-lambda", place.lambda_port) as url:
        config = Config(read_timeout=_SECONDS, proxies={}, retries={"total_max_attempts": 1})
        client = boto3.client(
            "lambda",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )
        response = client.invoke(FunctionName="RateFunction", Payload=(EVENTS / "rate-work.json").read_bytes())
        yield _held("start-lambda: RateFunction", json.loads(response["Payload"].read()), {"batchItemFailures": []})


def _invoked(place: Place, function: str, event: Path, holds: Callable[[Any], bool]) -> str:
    answer = place.sam.invoke(function, event)
    _require(holds(answer), f"{function} {event.name}", f"it returned {json.dumps(answer)[:2000]}")
    return f"{function} {event.name}"


def _outcome(answer: Any) -> tuple[int, str]:
    return answer["statusCode"], json.loads(answer["body"]).get("outcome", "")


def _is_healthy(answer: Any) -> bool:
    return bool(answer["statusCode"] == 200 and json.loads(answer["body"])["status"] == "ok")  # noqa: PLR2004


def _has_synced(answer: Any) -> bool:
    return bool(answer["complete"] and answer["read"] and not answer["failed"] and not answer["alarm"])


def _has_relayed(answer: Any) -> bool:
    lines, deliveries = answer["lines"], answer["deliveries"]
    return bool(not lines["failed"] and not deliveries["failed"] and not deliveries["errors"])


def _line_subtotal(running: Running) -> float:
    """Return the subtotal of the order line in Odoo that the pushed record is billed on."""
    lines = flow.lines(running.odoo, running.odoo_key)
    return float(lines[catalog.MONTHLY, "api_calls_pro"]["price_subtotal"])


def _push(place: Place, url: str) -> tuple[int, str]:
    response = requests.post(
        f"{url}/v1/usage", json=_payload(place), headers=_bearer(place.running.key), timeout=_SECONDS
    )
    return response.status_code, response.json().get("outcome", "")


def _payload(place: Place) -> dict[str, str]:
    today = place.running.today
    return {
        "idempotency_key": "sam-local:api:1",
        "subscription": "4102",
        "metric": "api_calls",
        "period_start": f"{today - timedelta(days=1)}T00:00:00Z",
        "period_end": f"{today}T00:00:00Z",
        "quantity": "3",
    }


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _held(name: str, seen: Any, expected: Any) -> str:
    _require(seen == expected, name, f"expected {expected}, got {seen}")
    return name


def _require(holds: bool, name: str, otherwise: str) -> None:  # noqa: FBT001  what is required
    if not holds:
        raise Unexpected(f"{name} failed: {otherwise}")

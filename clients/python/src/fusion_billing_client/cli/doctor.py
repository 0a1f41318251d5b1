"""`fusion doctor`: what is wrong between this machine, the service and Odoo."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from fusion_billing_client._sync.client import Client
from fusion_billing_client.cli import output
from fusion_billing_client.cli.failures import Failure
from fusion_billing_client.cli.session import Json, session_of
from fusion_billing_client.errors import (
    APIError,
    AuthenticationError,
    FusionBillingError,
    NotFoundError,
    PermissionDeniedError,
)
from fusion_billing_client.meter import Meter
from fusion_billing_client.requests import Request

_MOST_SKEW = 30.0
_MOST_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing that was checked; `fix` says what to do."""

    check: str
    result: Literal["ok", "failed", "unknown"]
    detail: str
    fix: str = ""


def doctor(
    context: typer.Context,
    ledger: Annotated[Path | None, typer.Option(help="Check this ledger of a meter too.")] = None,
    as_json: Json = False,
) -> None:
    """Check the service, the key, the clock, Odoo, and what is failing."""
    session = session_of(context, as_json)
    found = []
    with session.client() as client:
        for check in (_health, _key, _clock, _odoo, _lines, _endpoints):
            findings = list(_checked(check, client))
            found += findings
            if check is _health and findings[0].result == "failed":
                break
    if ledger is not None:
        found.append(_ledger(ledger))
    if session.is_json:
        output.show_json(found)
    else:
        output.show_table(
            ("check", "result", "detail", "fix"),
            ((finding.check, finding.result, finding.detail, finding.fix) for finding in found),
        )
    failed = sum(finding.result == "failed" for finding in found)
    if failed:
        raise Failure(f"{failed} of {len(found)} checks failed")


def _checked(check: Callable[[Client], Iterator[Finding]], client: Client) -> Iterator[Finding]:
    name = check.__name__.strip("_")
    try:
        yield from check(client)
    except PermissionDeniedError as error:
        yield Finding(name, "unknown", error.detail, "use a key with this scope")
    except NotFoundError as error:
        yield Finding(name, "unknown", error.detail, "update the service")
    except FusionBillingError as error:
        yield Finding(name, "failed", str(error))


def _health(client: Client) -> Iterator[Finding]:
    try:
        health = client.health()
    except FusionBillingError as error:
        yield Finding("health", "failed", str(error), "check the base URL and that the service is deployed")
    else:
        yield Finding("health", "ok" if health.status == "ok" else "failed", f"version {health.version}")


def _key(client: Client) -> Iterator[Finding]:
    try:
        next(client.metrics.list(page_size=1), None)
    except AuthenticationError as error:
        yield Finding("key", "failed", error.detail, "run fusion login, or set FUSION_KEY")
    except PermissionDeniedError:
        yield Finding("key", "ok", "valid, without catalog:read")
    else:
        yield Finding("key", "ok", "valid")


def _clock(client: Client) -> Iterator[Finding]:
    before = time.time()
    response = client.transport.send(Request("GET", "/v1/health"))
    after = time.time()
    date = response.headers.get("date")
    if date is None:
        yield Finding("clock", "unknown", "the response has no date")
        return
    theirs = parsedate_to_datetime(date).timestamp() + 0.5  # it has whole seconds
    skew = (before + after) / 2 - theirs
    is_right = abs(skew) <= _MOST_SKEW
    detail = f"within {_MOST_SKEW:.0f} s of the service" if is_right else f"{skew:+.0f} s off the service"
    yield Finding("clock", "ok" if is_right else "failed", detail, "" if is_right else "set the clock by NTP")


def _odoo(client: Client) -> Iterator[Finding]:
    try:
        client.lines.reconcile()
    except APIError as error:
        if not error.code.startswith("odoo") and error.status != 502:  # noqa: PLR2004
            raise
        yield Finding("odoo", "failed", f"{error.code}: {error.detail}", "run make odoo-check")
    else:
        yield Finding("odoo", "ok", "reachable, its order lines were compared")


def _lines(client: Client) -> Iterator[Finding]:
    failed = list(client.lines.list(state="failed"))
    shown = ", ".join(f"{line.id} ({line.error.code if line.error else '?'})" for line in failed[:_MOST_SHOWN])
    if failed:
        yield Finding("order lines", "failed", f"{len(failed)} failed: {shown}", "fusion lines, then fusion retry")
    else:
        yield Finding("order lines", "ok", "none failed")


def _endpoints(client: Client) -> Iterator[Finding]:
    failing = [found for found in client.endpoints.list() if found.failing_since or found.state != "enabled"]
    if failing:
        shown = ", ".join(f"{found.id} ({found.disabled_reason or 'failing'})" for found in failing[:_MOST_SHOWN])
        yield Finding("webhooks", "failed", f"{len(failing)} endpoints: {shown}", "correct the receivers, then replay")
    else:
        yield Finding("webhooks", "ok", "no endpoint fails")


def _ledger(path: Path) -> Finding:
    if not path.exists():
        return Finding("ledger", "failed", f"{path}: does not exist", "name the path that the meter has")
    try:
        with Meter(None, path, flush_interval=None) as meter:
            status = meter.status()
    except FusionBillingError as error:
        return Finding("ledger", "failed", str(error))
    if status.rejected or status.unreadable:
        detail = f"{status.rejected} rejected, {status.unreadable} unreadable"
        return Finding("ledger", "failed", detail, "see Meter.rejected()")
    oldest = f", the oldest of {status.oldest_pending}" if status.oldest_pending else ""
    return Finding("ledger", "ok", f"{status.pending} to push{oldest}")

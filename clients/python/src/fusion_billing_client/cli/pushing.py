"""`fusion push`: usage records from a file."""

import contextlib
import io
import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.progress import Progress as Bar

from fusion_billing_client._sync.client import Client
from fusion_billing_client.cli import output, record_files
from fusion_billing_client.cli.failures import Failure, UsageFailure
from fusion_billing_client.cli.progress import Progress
from fusion_billing_client.cli.record_files import Format, Line
from fusion_billing_client.cli.session import Json, Session, session_of
from fusion_billing_client.errors import NotFoundError, PermissionDeniedError
from fusion_billing_client.models import PushResult

_BATCH = 500
_MOST_SHOWN = 20


@dataclass
class Summary:
    """What became of the records of a file."""

    outcomes: Counter[str] = field(default_factory=Counter)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0

    def reject(self, line: int, key: str | None, code: str, message: str) -> dict[str, Any]:
        """Note a rejected record."""
        entry = {"line": line, "idempotency_key": key, "outcome": "invalid", "code": code, "message": message}
        self.outcomes["invalid"] += 1
        self.rejected.append(entry)
        return entry


def push(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="The file; - is the standard input.")],
    csv: Annotated[bool, typer.Option("--csv", help="The file is CSV.")] = False,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="The file has one JSON object a line.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file, and send nothing.")] = False,
    derive_keys: Annotated[
        bool, typer.Option("--derive-keys", help="Make keys of subscription, metric, window, member and properties.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write the result of each record here, as NDJSON.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on where the last push of this file stopped.")] = True,
    as_json: Json = False,
) -> None:
    """Push usage records from a file. Pushing it again changes nothing."""
    session = session_of(context, as_json)
    format_ = _format(file, is_csv=csv, is_ndjson=ndjson)
    summary = Summary()
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(_opened(file))
        out = stack.enter_context(report.open("w")) if report else None
        lines = _with_keys(record_files.read(source, format_), derive=derive_keys)
        if dry_run:
            _check(session, lines, summary, out)
        else:
            progress = Progress(Path(file)) if file != "-" else None
            client = stack.enter_context(session.client())
            _push(client, lines, progress if resume else None, summary, out)
    _show(session, summary, is_dry_run=dry_run)


def _format(file: str, *, is_csv: bool, is_ndjson: bool) -> Format:
    if is_csv and is_ndjson:
        raise UsageFailure("--csv, --ndjson: name one of them")
    named: Format | None = "csv" if is_csv else "ndjson" if is_ndjson else None
    found = named or record_files.format_of(Path(file))
    if found is None:
        raise UsageFailure(f"FILE: {file} could be of any format. Add --csv or --ndjson")
    return found


@contextlib.contextmanager
def _opened(file: str) -> Iterator[IO[str]]:
    if file == "-":
        yield io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
    else:
        with Path(file).open(encoding="utf-8-sig", newline="") as opened:
            yield opened


def _with_keys(lines: Iterator[Line], *, derive: bool) -> Iterator[Line]:
    """Yield lines whose records all have keys: without one, pushing the file again would count again."""
    seen: dict[str, int] = {}
    for line in lines:
        if line.faults:
            yield line
            continue
        key = line.record.get("idempotency_key")
        if not key and not derive:
            fix = "Add it to each record, or make keys of what is counted by --derive-keys"
            raise Failure(f"line {line.number}: idempotency_key is missing. {fix}")
        key = str(key or line.derived_key())
        if derive and key in seen:
            message = f"counts the same as line {seen[key]}. Add them up, or give each an idempotency_key"
            yield Line(line.number, line.record, (message,))
            continue
        seen.setdefault(key, line.number)
        yield Line(line.number, {**line.record, "idempotency_key": key})


def _check(session: Session, lines: Iterator[Line], summary: Summary, out: IO[str] | None) -> None:
    with contextlib.suppress(UsageFailure), session.client() as client:
        known = _Known(client)
        for line in lines:
            _check_line(line, known.faults(line) if not line.faults else (), summary, out)
        return
    for line in lines:  # without an address: what can be seen in the file alone
        _check_line(line, (), summary, out)


def _check_line(line: Line, more: tuple[str, ...], summary: Summary, out: IO[str] | None) -> None:
    faults = (*line.faults, *more)
    if faults:
        _write(out, summary.reject(line.number, line.record.get("idempotency_key"), "invalid", "; ".join(faults)))
    else:
        summary.outcomes["valid"] += 1


class _Known:
    """Which metrics and subscriptions exist, as far as the key may see it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._found: dict[tuple[str, str], bool] = {}

    def faults(self, line: Line) -> tuple[str, ...]:
        """Return what a record names that does not exist."""
        names = (("metric", str(line.record["metric"])), ("subscription", str(line.record["subscription"])))
        return tuple(f"{kind}: {name} does not exist" for kind, name in names if not self._exists(kind, name))

    def _exists(self, kind: str, name: str) -> bool:
        if (kind, name) not in self._found:
            try:
                _ = self._client.metrics.get(name) if kind == "metric" else self._client.subscriptions.get(name)
                self._found[kind, name] = True
            except NotFoundError:
                self._found[kind, name] = False
            except PermissionDeniedError:
                self._found[kind, name] = True  # the service will tell
        return self._found[kind, name]


def _push(
    client: Client, lines: Iterator[Line], progress: Progress | None, summary: Summary, out: IO[str] | None
) -> None:
    done = progress.done() if progress else 0
    summary.skipped = sum(1 for _ in itertools.islice(lines, done))
    with Bar(transient=True, disable=not sys.stderr.isatty(), console=_errors()) as bar:
        task = bar.add_task("Pushing", total=None)
        while batch := list(itertools.islice(lines, _BATCH)):
            _push_batch(client, batch, summary, out)
            done += len(batch)
            bar.update(task, completed=done, description=f"Pushing, {done} records")
            if progress:
                progress.note(done)
    if progress:
        progress.finish()


def _errors() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _push_batch(client: Client, batch: list[Line], summary: Summary, out: IO[str] | None) -> None:
    good = [line for line in batch if not line.faults]
    for line in batch:
        if line.faults:
            _write(
                out, summary.reject(line.number, line.record.get("idempotency_key"), "invalid", "; ".join(line.faults))
            )
    results = client.usage.push([line.record for line in good]).results if good else ()
    unavailable = sum(result.outcome == "unavailable" for result in results)
    if unavailable:
        raise Failure(f"{unavailable} records could not be stored for now. Push the file again: it goes on here")
    for line, result in zip(good, results, strict=True):
        _note(line, result, summary, out)


def _note(line: Line, result: PushResult, summary: Summary, out: IO[str] | None) -> None:
    summary.outcomes[result.outcome] += 1
    entry = {"line": line.number, "idempotency_key": result.idempotency_key, "outcome": result.outcome}
    if result.error is not None:
        entry |= {"code": result.error.code, "message": result.error.detail}
        summary.rejected.append(entry)
    _write(out, entry)


def _write(out: IO[str] | None, entry: dict[str, Any]) -> None:
    if out is not None:
        out.write(json.dumps(entry) + "\n")


def _show(session: Session, summary: Summary, *, is_dry_run: bool) -> None:
    if session.is_json:
        counts = dict(sorted(summary.outcomes.items()))
        output.show_json(
            {"dry_run": is_dry_run, "outcomes": counts, "skipped": summary.skipped, "rejected": summary.rejected}
        )
    else:
        if summary.skipped:
            output.show_text(f"{summary.skipped} records were pushed before")
        counted = ", ".join(f"{count} {name}" for name, count in sorted(summary.outcomes.items()))
        output.show_text(counted or "No records")
        for entry in summary.rejected[:_MOST_SHOWN]:
            output.show_text(f"line {entry['line']}: {entry['message']} ({entry['code']})")
        if len(summary.rejected) > _MOST_SHOWN:
            output.show_text(f"and {len(summary.rejected) - _MOST_SHOWN} more: --report FILE writes all of them")
    if summary.rejected:
        raise Failure(f"{len(summary.rejected)} records were rejected. Correct them and push the file again")

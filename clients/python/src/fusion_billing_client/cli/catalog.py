"""`fusion plan`, `fusion apply` and `fusion pull`: the catalog as code."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusion_billing_client.cli import output
from fusion_billing_client.cli.failures import Failure, UsageFailure
from fusion_billing_client.cli.session import Json, session_of

if TYPE_CHECKING:
    from fusion_billing_client.catalog.planning import Step

_MOST_SHOWN = 10
_SIGNS = {"create": "+", "update": "~", "delete": "-", "unchanged": " ", "unmanaged": "?"}
_CHANGED = 3

Files = Annotated[Path, typer.Argument(help="The folder of YAML files, or one file.")]
Prune = Annotated[bool, typer.Option("--prune", help="Delete what was applied before and is no longer in the files.")]


def plan(
    context: typer.Context,
    path: Files = Path("catalog"),
    prune: Prune = False,
    detailed_exit_status: Annotated[
        bool, typer.Option("--exit-status", help="End with status 3 if there are changes or drift.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what the files would change in the service, in money, and what drifted."""
    from fusion_billing_client.catalog import files, planning
    from fusion_billing_client.catalog.state import State

    session = session_of(context, as_json)
    with session.client() as client:
        steps = planning.plan(client, files.load(path), State(path, client.base_url).versions, prune=prune)
    if session.is_json:
        output.show_json([_as_json(step) for step in steps])
    else:
        _show(steps)
    if detailed_exit_status and any(step.drift or step.action in {"create", "update", "delete"} for step in steps):
        raise typer.Exit(_CHANGED)


def apply(
    context: typer.Context,
    path: Files = Path("catalog"),
    yes: Annotated[bool, typer.Option("--yes", help="Apply without asking.")] = False,
    confirm: Annotated[
        list[str] | None, typer.Option(help="Confirm a change of aggregation, rounding, metric or currency.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Reason, for the history.")] = None,
    prune: Prune = False,
    as_json: Json = False,
) -> None:
    """Put what the files change into the service, each change guarded by its version."""
    from fusion_billing_client.catalog import applying, files, planning
    from fusion_billing_client.catalog.state import State

    session = session_of(context, as_json)
    with session.client() as client:
        state = State(path, client.base_url)
        steps = planning.plan(client, files.load(path), state.versions, prune=prune)
        if not session.is_json:
            _show(steps)
        confirmed = set(confirm or ())
        is_changing = any(step.action in {"create", "update", "delete"} for step in steps)
        if is_changing and not yes:
            _ask()
            confirmed |= {name for step in steps for name in step.confirm}  # the plan has shown them
        try:
            done = applying.apply(client, steps, state, confirmed=confirmed, reason=reason)
        except applying.ConfirmationRequired as required:
            names = " ".join(f"--confirm {name}" for name in str(required).split(","))
            raise Failure(f"confirm: this changes what open periods are rated as. Add {names}") from None
        except applying.ChangedSincePlan as changed:
            raise Failure(f"{changed}. Run fusion plan again") from None
    if session.is_json:
        output.show_json({"applied": done, "steps": [_as_json(step) for step in steps]})
    elif done:
        output.show_text(f"Applied {done} changes")


def pull(context: typer.Context, path: Files = Path("catalog")) -> None:
    """Write the service's catalog into files; comments stay."""
    from fusion_billing_client.catalog import pulling
    from fusion_billing_client.catalog.state import State

    session = session_of(context)
    with session.client() as client:
        pulled = pulling.pull(client, path)
        state = State(path, client.base_url)
    state.versions = pulled.versions
    state.store()
    for file in pulled.files:
        output.show_text(f"Wrote {file}")
    if not pulled.files:
        output.show_text("No changes")


def _ask() -> None:
    if not sys.stdin.isatty():
        raise UsageFailure("--yes: add it to apply without a terminal to ask on")
    typer.confirm("Apply?", abort=True)


def _show(steps: "Iterable[Step]") -> None:
    listed = list(steps)
    for step in listed:
        if step.action in {"unchanged", "unmanaged"} and not step.drift and not step.note:
            continue
        output.show_text(f"{_SIGNS[step.action]} {step.name} ({step.action})")
        if step.drift:
            output.show_text(f"    drift: {step.drift}")
        if step.note:
            output.show_text(f"    note: {step.note}")
        for change in step.fields:
            output.show_text(f"    {change.field}: {_value(change.before)} -> {_value(change.after)}")
        _show_money(step)
    counts = {action: sum(step.action == action for step in listed) for action in ("create", "update", "delete")}
    drifted = sum(bool(step.drift) for step in listed)
    changes = ", ".join(f"{count} to {action}" for action, count in counts.items() if count) or "No changes"
    unmanaged = sum(step.action == "unmanaged" for step in listed)
    more = [f"{unmanaged} only in the service"] if unmanaged else []
    more += [f"{drifted} drifted"] if drifted else []
    output.show_text(", ".join([changes, *more]))


def _show_money(step: "Step") -> None:
    for effect in step.effects:
        for total in effect.totals:
            if total.difference:
                sign = "+" if total.difference > 0 else ""
                output.show_text(
                    f"    open periods: {total.before} -> {total.after} {total.currency} ({sign}{total.difference}), "
                    f"{effect.changed_subscriptions} of {effect.evaluated} subscriptions"
                )
        for rating in effect.subscriptions[:_MOST_SHOWN]:
            before, after = rating.before, rating.after
            output.show_text(
                f"      {rating.subscription} {rating.charge}: "
                f"{before.amount if before else 'none'} -> {after.amount if after else 'none'}"
                + (f" ({after.error})" if after and after.error else "")
            )
        if len(effect.subscriptions) > _MOST_SHOWN:
            output.show_text(f"      and {len(effect.subscriptions) - _MOST_SHOWN} more")
        if effect.truncated:
            output.show_text("      not everything was evaluated: there are too many subscriptions or records")
        if effect.confirm:
            output.show_text(f"    to confirm: {', '.join(effect.confirm)}")


def _value(value: Any) -> str:
    import json

    return "none" if value is None else value if isinstance(value, str) else json.dumps(output.plain(value))


def _as_json(step: "Step") -> dict[str, Any]:
    return {
        "name": step.name,
        "action": step.action,
        "version": step.version,
        "fields": [{"field": each.field, "before": each.before, "after": each.after} for each in step.fields],
        "effects": [effect.raw for effect in step.effects],
        "drift": step.drift,
        "note": step.note,
    }

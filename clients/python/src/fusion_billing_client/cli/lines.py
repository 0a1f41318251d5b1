"""`fusion lines` and `fusion retry`."""

from typing import Annotated

import typer

from fusion_billing_client._sync.client import Client
from fusion_billing_client.cli import output
from fusion_billing_client.cli.failures import Failure, UsageFailure
from fusion_billing_client.cli.session import Json, session_of
from fusion_billing_client.errors import APIError


def lines(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="failed, due, final_invoice, changed or sent.")] = "failed",
    as_json: Json = False,
) -> None:
    """List order lines in a state."""
    session = session_of(context, as_json)
    with session.client() as client:
        found = list(client.lines.list(state=state))
    if session.is_json:
        output.show_json(found)
        return
    output.show_table(
        ("line", "state", "amount", "currency", "attempts", "error"),
        (
            (
                line.id,
                line.state,
                line.amount,
                line.currency,
                line.attempt_count,
                None if line.error is None else f"{line.error.code}: {line.error.message}",
            )
            for line in found
        ),
        title=f"Order lines, {state}",
    )


def retry(
    context: typer.Context,
    line: Annotated[list[str] | None, typer.Argument(help="Ids of order lines.")] = None,
    all_failed: Annotated[bool, typer.Option("--all-failed", help="Every failed order line.")] = False,
    as_json: Json = False,
) -> None:
    """Send failed order lines again, at once."""
    session = session_of(context, as_json)
    if bool(line) == all_failed:
        raise UsageFailure("LINE: name one or more order lines, or --all-failed")
    with session.client() as client:
        wanted = [found.id for found in client.lines.list(state="failed")] if all_failed else line or []
        errors = {id_: error for id_ in wanted if (error := _retry(client, id_)) is not None}
    if session.is_json:
        output.show_json([{"line": id_, "error": errors.get(id_)} for id_ in wanted])
    else:
        for id_ in wanted:
            output.show_text(f"{id_}: {errors.get(id_, 'sent again')}")
    if errors:
        raise Failure(f"{len(errors)} of {len(wanted)} order lines could not be sent again")


def _retry(client: Client, line: str) -> str | None:
    try:
        client.lines.retry(line)
    except APIError as error:
        return error.detail
    return None

"""`fusion rate`."""

import time
from typing import Annotated

import typer

from fusion_billing_client.cli import output
from fusion_billing_client.cli.failures import Failure
from fusion_billing_client.cli.session import Json, session_of

_SECONDS = 120.0


def rate(
    context: typer.Context,
    subscription: Annotated[str | None, typer.Argument(help="Only this subscription.")] = None,
    as_json: Json = False,
) -> None:
    """Rate now what the schedule would rate in the next hour, and wait for it."""
    session = session_of(context, as_json)
    with session.client() as client:
        run = client.ratings.run(subscription)
        until = time.monotonic() + _SECONDS
        while run.status != "done":
            if time.monotonic() > until:
                raise Failure(f"{run.run} is not done after {_SECONDS:.0f} s, and goes on")
            time.sleep(0.5)
            run = client.ratings.get_run(run.run)
    if session.is_json:
        output.show_json(run)
    else:
        output.show_text(f"{run.evaluated} evaluated, {run.changed} changed, {run.failed} failed")
    if run.failed:
        raise Failure(f"{run.failed} ratings failed. The log of the rate function names them")

"""`fusion usage` and `fusion explain`."""

import re
from typing import Annotated

import typer

from fusion_billing_client.cli import output
from fusion_billing_client.cli.failures import UsageFailure
from fusion_billing_client.cli.session import Json, session_of
from fusion_billing_client.models import RatingDetail

_LINE = re.compile(r"(?P<subscription>[^~/]+)~(?P<start>\d{8}T\d{6}Z)~(?P<charge>[a-z0-9_.-]+)(?P<corrects>@\S+)?")
_RATING = re.compile(r"(?P<subscription>[^~/]+)/(?P<charge>[a-z0-9_.-]+(@\S+)?)")
_MOST_SHOWN = 20


def usage(
    context: typer.Context,
    subscription: Annotated[str, typer.Argument(help="The subscription or an alias.")],
    at: Annotated[str | None, typer.Option(help="An instant or a date in the period, instead of now.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a subscription used and owes in the open period."""
    session = session_of(context, as_json)
    with session.client() as client:
        found = client.subscriptions.usage(subscription, at=at)
    if session.is_json:
        output.show_json(found)
        return
    output.show_text(f"{found.subscription}: {output.cell(found.period_start)} to {output.cell(found.period_end)}")
    output.show_table(
        ("metric", "units", "included", "overage", "amount", "currency", "projected"),
        (
            (
                metric.metric,
                metric.units,
                metric.included_units,
                metric.overage_units,
                metric.amount,
                metric.currency,
                (metric.projection or {}).get("amount"),
            )
            for metric in found.metrics
        ),
    )


def explain(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="An order line's id, or SUBSCRIPTION/CHARGE.", metavar="LINE_OR_RATING")],
    period: Annotated[str | None, typer.Option(help="An instant or a date in the period, for a rating.")] = None,
    as_json: Json = False,
) -> None:
    """Explain an amount, down to the usage records."""
    session = session_of(context, as_json)
    line, rating = _LINE.fullmatch(what), _RATING.fullmatch(what)
    if line is not None:
        subscription, charge = line["subscription"], line["charge"] + (line["corrects"] or "")
        start = line["start"]
        period = f"{start[:4]}-{start[4:6]}-{start[6:8]}T{start[9:11]}:{start[11:13]}:{start[13:15]}Z"
    elif rating is not None:
        subscription, charge = rating["subscription"], rating["charge"]
    else:
        raise UsageFailure(
            "LINE_OR_RATING: must be a line such as 42~20261101T000000Z~calls, or SUBSCRIPTION/CHARGE such as 42/calls"
        )
    with session.client() as client:
        found = client.subscriptions.rating(subscription, charge, period_start=period)
    if session.is_json:
        output.show_json(found)
        return
    _show(found)


def _show(found: RatingDetail) -> None:
    start, end = output.cell(found.period_start), output.cell(found.period_end)
    output.show_text(f"{found.subscription}/{found.charge}: {found.amount} {found.currency}, {start} to {end}")
    output.show_text(
        f"{output.cell(found.units)} units, {output.cell(found.included_units)} included, "
        f"{output.cell(found.billable_units)} billed; version {found.version}, {found.state}"
    )
    if found.line is not None:
        output.show_text(f"Order line {found.line.id}: {found.line.state}, {output.cell(found.line.amount)}")
    output.show_table(
        ("step", "units", "unit amount", "amount"),
        ((step.description, step.units, step.unit_amount, step.amount) for step in found.steps[:_MOST_SHOWN]),
        title="\nSteps",
    )
    output.show_table(
        ("version", "units", "amount", "rated at"),
        ((entry.version, entry.units, entry.amount, entry.rated_at) for entry in found.history[-_MOST_SHOWN:]),
        title="\nVersions",
    )
    output.show_table(
        ("record", "from", "units", "revision"),
        (
            (record.idempotency_key, record.period_start, record.quantity, record.revision)
            for record in found.records[:_MOST_SHOWN]
        ),
        title="\nUsage records",
    )
    if found.records_cursor or len(found.records) > _MOST_SHOWN:
        output.show_text("More records: fusion export usage")

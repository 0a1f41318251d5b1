"""Statements of closed periods: what was rated, what Odoo invoiced, and the hash that proves both."""

from datetime import datetime

from functions.admin.ports import Statements
from fusion_billing.access.principal import Principal
from fusion_billing.errors import Forbidden, NotFound
from fusion_billing.instants import rfc3339
from fusion_billing.statements.statement import StatementJson


def listing(
    store: Statements, subscription: str, after: datetime | None, limit: int
) -> tuple[list[StatementJson], str | None]:
    """Return a page of a subscription's statements, the newest first, and where the next one begins."""
    found, following = store.page(subscription, after, limit)
    return found, None if following is None else rfc3339(following)


def get(store: Statements, subscription: str, period_start: datetime) -> StatementJson:
    """Return the statement of the period that starts then; raises `NotFound`, `TamperedStatement`."""
    statement = store.get(subscription, period_start)
    if statement is None:
        raise NotFound("No such statement: the period is not closed yet, or no period starts at this instant")
    return statement


def check_scope(principal: Principal) -> None:
    """Raise `Forbidden` for a source that is limited to metrics: a statement is proven as a whole."""
    if principal.metrics is not None:
        raise Forbidden("A statement covers every metric, and the source of this key is limited to some")

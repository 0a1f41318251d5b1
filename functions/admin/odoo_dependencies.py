"""The collaborators of the routes that call Odoo.

Imports are at the top: only those routes import this module.
"""

import time
import uuid
from collections.abc import Callable
from functools import cache

from functions.admin import dependencies
from functions.admin.services.reconcile import Reconciler
from fusion_billing import settings
from fusion_billing.application.sync_subscriptions import SubscriptionSync
from fusion_billing.dynamodb.ratings.guarded_lines import GuardedLines
from fusion_billing.dynamodb.state.leases import Leases
from fusion_billing.dynamodb.state.sync import SyncState
from fusion_billing.errors import Unavailable
from fusion_billing.odoo import configuration, precision
from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.copy_guarding import CopyGuarding, products_of
from fusion_billing.odoo.line_guarding import LineGuarding

_SECONDS_OF_A_REQUEST = 22.0  # API Gateway waits thirty, and the last call takes its time


@cache
def odoo() -> Odoo:
    """Return the client of Odoo, whose calls leave time to respond; raises `Unavailable` if none is configured."""
    if not configuration.is_configured():
        raise Unavailable("Odoo is not configured: set ODOO_URL", code="odoo_not_configured")
    return configuration.from_environment(seconds=10.0)


def reconciler(*, repair: bool) -> Reconciler:
    """Return the comparison of order lines with Odoo, for one request; only with `repair` it writes anything."""
    client, dynamodb = odoo(), dependencies.dynamodb()
    guarding = LineGuarding(
        store=GuardedLines(dynamodb, settings.text("RATINGS_TABLE")),
        odoo=client,
        precision=cache(lambda: precision.read(client)),
        events=dependencies.outbox(),
        line_partitions=dependencies.line_partitions(),
        clock=dependencies.now,
        seconds=lambda: client.seconds,
        guard="repair" if repair else None,
    )
    leases = Leases(dynamodb, settings.text("STATE_TABLE"), uuid.uuid4().hex)
    charges = cache(dependencies.catalog().charges)
    return Reconciler(
        guarding=guarding,
        copies=CopyGuarding(guarding, dependencies.subscriptions(), leases),
        subscriptions=dependencies.subscriptions(),
        products=lambda: products_of(version for versions in charges().values() for version in versions),
        remaining=_remaining(_SECONDS_OF_A_REQUEST),
    )


def subscription_sync() -> SubscriptionSync:
    """Return the reader of subscriptions in Odoo, for one request."""
    return SubscriptionSync(
        odoo=odoo(),
        store=dependencies.subscriptions(),
        writer=dependencies.subscription_writer(),
        state=SyncState(dependencies.dynamodb(), settings.text("STATE_TABLE")),
        clock=dependencies.now,
        remaining=_remaining(_SECONDS_OF_A_REQUEST),
    )


def _remaining(seconds: float) -> Callable[[], float]:
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()

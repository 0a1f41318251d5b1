"""The collaborators of the overview. Imports are at the top: only its route imports this module."""

import time
from functools import cache

from functions.admin import dependencies, webhook_dependencies
from functions.admin.overview_ports import Totals
from functions.admin.services.overview import OverviewStores
from fusion_billing import settings
from fusion_billing.application.amount_totals import AmountTotals
from fusion_billing.dynamodb.markers.marked_counts import MarkedCounts
from fusion_billing.dynamodb.ratings.rated_amounts import RatedAmounts
from fusion_billing.dynamodb.state.amount_totals import StoredTotals
from fusion_billing.dynamodb.state.failing_pairs import FailingPairs


@cache
def amount_totals() -> Totals:
    """Return the totals of rated amounts, as far as this container knows them."""
    client = dependencies.dynamodb()
    return AmountTotals(
        RatedAmounts(client, settings.text("RATINGS_TABLE")), StoredTotals(client, settings.text("STATE_TABLE"))
    )


def stores() -> OverviewStores:
    """Return the stores that the overview reads."""
    return OverviewStores(
        amount_totals(),
        dependencies.lines(),
        webhook_dependencies.deliveries(),
        webhook_dependencies.endpoints(),
        dependencies.sources(),
        dependencies.keys(),
        MarkedCounts(
            dependencies.dynamodb(),
            markers_table=settings.text("MARKERS_TABLE"),
            state_table=settings.text("STATE_TABLE"),
            shards=settings.integer("CHANGE_SHARDS", 16),
        ),
        FailingPairs(dependencies.dynamodb(), settings.text("STATE_TABLE")),
        time.monotonic,
    )

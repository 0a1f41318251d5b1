"""What the routes of usage records work with; see `functions.admin.dependencies`."""

import time

from functions.admin import dependencies
from functions.admin.services.usage import Records, Voider
from fusion_billing import settings
from fusion_billing.dynamodb.catalog.targets import TargetStore
from fusion_billing.dynamodb.markers.change_markers import ChangeMarkers
from fusion_billing.dynamodb.usage.voiding import UsageVoiding
from fusion_billing.retry import Deadline

_SECONDS_OF_A_WRITE = 10.0


def records() -> Records:
    """Return usage records, as their routes show them."""
    targets = TargetStore(dependencies.dynamodb(), settings.text("CATALOG_TABLE"), time.monotonic)
    return Records(dependencies.usage_reader(), dependencies.sources(), targets, _deadline)


def voider() -> Voider:
    """Return the use case that voids usage records; it always writes a marker for each."""
    markers = ChangeMarkers(
        dependencies.dynamodb(), settings.text("MARKERS_TABLE"), settings.integer("CHANGE_SHARDS", 16)
    )
    usage, windows = settings.text("USAGE_TABLE"), settings.text("WINDOW_USAGE_TABLE")
    return Voider(records(), markers, UsageVoiding(dependencies.dynamodb(), usage, windows))


def _deadline() -> Deadline:
    return Deadline(_SECONDS_OF_A_WRITE, time.monotonic, time.sleep)

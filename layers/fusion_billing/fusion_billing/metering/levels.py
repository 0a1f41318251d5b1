"""Levels over time: metrics whose windows count in every period that they overlap.

It stands by itself since ingest, which imports no definitions, needs it too.
"""

from datetime import timedelta
from typing import Final

LEVEL: Final = "time_weighted"
"""The aggregation of such a metric."""

LONGEST_LEVEL: Final = timedelta(days=32)
"""How long a window of such a metric may be: so far back a period's records are looked for."""

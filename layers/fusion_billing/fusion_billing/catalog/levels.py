"""Name the aggregation of levels over time: its windows count in every period that they overlap.

A module of its own because ingest, which imports no pydantic, needs it too.
"""

from typing import Final

LEVEL: Final = "time_weighted"
"""The aggregation of such a metric."""

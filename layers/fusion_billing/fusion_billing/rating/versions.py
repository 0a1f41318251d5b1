"""Find the price versions of a charge that are in force in a period, and when each starts."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from fusion_billing.catalog.charge import Charge
from fusion_billing.catalog.valid_from import instant_of, order_of


class Part(NamedTuple):
    """The part of a period that one version prices: from `since` (the period's start, or its own)."""

    version: Charge
    since: datetime


def in_force(versions: Sequence[Charge], start: datetime, end: datetime) -> list[Part]:
    """Return the versions in force within `[start, end)`, in order; none where all are valid from later.

    A version valid from a day is so from its midnight in UTC: a subscription's zone is the caller's matter.
    """
    ordered = sorted(versions, key=_valid_from) if len(versions) > 1 else versions
    parts: list[Part] = []
    for version in ordered:
        since = instant_of(version.valid_from)
        if since is not None and since >= end:
            break
        if since is None or since <= start:
            parts = [Part(version, start)]
        else:
            parts.append(Part(version, since))
    return parts


def _valid_from(version: Charge) -> tuple[datetime, bool, date]:
    return order_of(version.valid_from)

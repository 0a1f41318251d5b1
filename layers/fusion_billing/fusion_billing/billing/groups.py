"""Limit the groups of a rating: enough for every real use, and few enough to rate within a run."""

from collections.abc import Iterable, Mapping

from fusion_billing.billing.pricing import Pricing
from fusion_billing.errors import FusionError
from fusion_billing.rating.records import Record

MOST_GROUPS = 10_000


class TooManyGroups(FusionError):
    """A charge's `group_by` makes more groups than one rating may have."""

    code = "too_many_groups"


def check_groups(price: Pricing, records: Iterable[Record]) -> None:
    """Raise `TooManyGroups` if usage makes more than `MOST_GROUPS` groups of a charge."""
    properties = [record.properties or _NONE for record in records]
    for names in {version.group_by for version in price.versions if version.group_by}:
        groups = {tuple(each.get(name) for name in names) for each in properties}
        if len(groups) > MOST_GROUPS:
            raise TooManyGroups(
                f"charge {price.charge.code} is grouped by {', '.join(names)} into {len(groups)} groups: "
                f"at most {MOST_GROUPS} are rated"
            )


_NONE: Mapping[str, str] = {}

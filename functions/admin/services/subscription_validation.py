"""Check the definition of a subscription, its overrides against the charges that they are of."""

import json
from collections.abc import Iterator, Mapping, Sequence

from functions.admin.ports import CatalogReading
from fusion_billing.catalog.charge import Charge, ChargeOverride
from fusion_billing.catalog.filters import unreachable_filters
from fusion_billing.catalog.identifiers import CODE, MAX_OVERRIDES
from fusion_billing.catalog.overrides import dated
from fusion_billing.catalog.subscription import Subscription
from fusion_billing.catalog.validation import check_size, parse
from fusion_billing.errors import Fault, Refused

_MOST_READ_ONE_BY_ONE = 10
"""Overridden charges that are read one by one; for more, all charges are read."""


def checked(catalog: CatalogReading, id_: str, body: Mapping[str, object]) -> Subscription:
    """Return the subscription that `body` describes; raises `Refused` with every fault.

    Each override is laid over every version of its charge, which must exist.
    """
    faults: tuple[Fault, ...] = ()
    subscription = None
    try:
        subscription = parse(Subscription, body, id=id_)
    except Refused as refused:
        faults = refused.faults
    faults += _override_faults(catalog, body.get("overrides"), subscription)
    if faults or subscription is None:
        raise Refused(faults)
    check_size(json.dumps(subscription.as_json(), ensure_ascii=False))
    return subscription


def _override_faults(catalog: CatalogReading, raw: object, subscription: Subscription | None) -> tuple[Fault, ...]:
    faults: list[Fault] = []
    overrides = (subscription.overrides if subscription is not None else None) or {}
    # A code that is none is among the subscription's own faults.
    codes = [code for code in raw if CODE.fullmatch(code)] if isinstance(raw, dict) else []
    if len(codes) > MAX_OVERRIDES:
        return ()  # which is a fault of its own already
    charges = catalog.charges() if len(codes) > _MOST_READ_ONE_BY_ONE else None
    for code in codes:
        versions = catalog.charge(code) if charges is None else charges.get(code, [])
        if not versions:
            faults.append(Fault(f"overrides.{code}", "unknown_charge", "No such charge"))
        if code in overrides:
            faults += _misfits(code, versions, overrides[code])
    return tuple(dict.fromkeys(faults))


def _misfits(
    code: str, versions: Sequence[Charge], override: ChargeOverride | tuple[ChargeOverride, ...]
) -> Iterator[Fault]:
    several = not isinstance(override, ChargeOverride)
    for index, each in enumerate(dated(override)):
        filters = each.as_json().get("filters")
        for fault in (*_misfit(versions, each), *unreachable_filters(filters)):
            yield fault.under(f"overrides.{code}" + (f".{index}" if several else ""))


def _misfit(versions: Sequence[Charge], override: ChargeOverride) -> Iterator[Fault]:
    for version in versions:
        try:
            version.with_override(override)
        except Refused as refused:
            yield from refused.faults

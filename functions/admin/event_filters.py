"""The filters that lists of events and of deliveries share: `type` and `since`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from fusion_billing.errors import Fault, Refused
from fusion_billing.instants import parse_query_instant
from fusion_billing.webhooks.events.registry import EVENT_TYPES
from fusion_billing.webhooks.filters import filter_faults


def since(query: Mapping[str, str], more_faults: Sequence[Fault] = ()) -> datetime | None:
    """Return `since`, or None.

    Raises `Refused` with the faults of `type` and `since`, and with `more_faults` of other parameters.
    """
    faults = [] if "type" not in query else filter_faults([query["type"]], EVENT_TYPES, "type")
    faults += more_faults
    found = None
    try:
        found = parse_query_instant(query["since"], "since") if "since" in query else None
    except Refused as refused:
        faults += refused.faults
    if faults:
        named = [Fault(fault.field.removesuffix(".0"), fault.code, fault.message) for fault in faults]
        raise Refused(named, code="invalid_parameter")
    return found

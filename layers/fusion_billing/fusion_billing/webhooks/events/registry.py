"""The registry of event types: every event that a webhook may report, with its payload and an example."""

from collections.abc import Mapping
from itertools import chain

from pydantic import ValidationError

from fusion_billing.webhooks.events import endpoints, order_lines, periods, ratings, subscriptions, usage
from fusion_billing.webhooks.events.payload import EventType

EVENT_TYPES: Mapping[str, EventType] = {
    event.name: event
    for event in chain(
        usage.EVENTS,
        ratings.EVENTS,
        periods.EVENTS,
        order_lines.EVENTS,
        subscriptions.EVENTS,
        endpoints.EVENTS,
    )
}


def check(name: str, data: Mapping[str, object]) -> None:
    """Check that `data` has the shape of the event `name`.

    Raises:
        ValueError: If the event does not exist or `data` has another shape. That is a bug of the caller, not
            a user's mistake. The message names the fields and never quotes their values.
    """
    event = EVENT_TYPES.get(name)
    if event is None:
        raise ValueError(f"unknown event type: {name}")
    try:
        event.model.model_validate(data)
    except ValidationError as error:
        faults = ", ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_input=False)
        )
        raise ValueError(f"invalid data of the event {name}: {faults}") from None

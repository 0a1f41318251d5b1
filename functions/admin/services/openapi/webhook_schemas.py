"""The schemas of webhook endpoints and deliveries."""

from functions.admin.services.openapi.schema_parts import (
    ANY_OBJECT,
    COUNT,
    INSTANT,
    TEXT,
    TEXTS,
    Schema,
    array,
    closed_object,
    object_,
    ref,
)
from fusion_billing.webhooks.events.registry import EVENT_TYPES


def webhook_schemas() -> dict[str, Schema]:
    """Return the schemas of endpoints and deliveries, by name."""
    endpoint = {"url": {"type": "string", "format": "uri"}, "events": TEXTS, "description": TEXT}
    shown = {**endpoint, "id": TEXT, "state": TEXT}
    secret = {"type": "string", "pattern": "^whsec_"}
    return {
        "EndpointDefinition": closed_object(("url", "events"), **endpoint),
        "EndpointChange": object_(**endpoint, state=TEXT),
        "Endpoint": object_(("id", "url", "events"), **shown),
        "EndpointWithSecret": {"allOf": [ref("Endpoint"), object_(("secret",), secret=secret)]},
        "Replay": closed_object(("since",), since=INSTANT, states=TEXTS),
        "TestEvent": closed_object(type={"type": "string", "enum": list(EVENT_TYPES)}),
        "Accepted": ANY_OBJECT,
        "Event": object_(
            ("id", "type", "created_at", "deliveries"),
            id=TEXT | {"description": "the `webhook-id` that it is sent under"},
            type=TEXT,
            subscription=TEXT,
            created_at=INSTANT,
            deliveries=array(
                object_(
                    ("id", "endpoint", "state", "attempt_count"),
                    id=TEXT,
                    endpoint=TEXT,
                    state=TEXT,
                    attempt_count=COUNT,
                )
            ),
            body=ANY_OBJECT | {"description": "what was sent; only if one event is shown"},
        ),
        "Delivery": object_(
            id=TEXT,
            type=TEXT,
            state=TEXT,
            attempt_count=COUNT,
            attempts=array(ANY_OBJECT),
            body={"type": ["string", "null"]},
        ),
    }

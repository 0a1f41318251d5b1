"""Events about webhook endpoints themselves."""

from pydantic import Field

from fusion_billing.webhooks.events.payload import Data, EventType, InstantText, Text


class EndpointDisabled(Data):
    """An endpoint was disabled: it responded with 410, or every attempt failed for five days."""

    endpoint: Text = Field(description="ID of the endpoint")
    url: Text
    reason: Text = Field(description="`gone` (it responded with 410) or `failing` (five days of failures)")
    disabled_at: InstantText
    failing_since: InstantText | None = None


class EndpointTest(Data):
    """A test event, sent on request."""

    endpoint: Text = Field(description="ID of the endpoint")
    message: str


EVENTS = (
    EventType(
        "endpoint.disabled",
        EndpointDisabled,
        {
            "endpoint": "ep_5Z0Y8Q2M4R6T1V3X",
            "url": "https://billing.example.com/webhooks",
            "reason": "failing",
            "disabled_at": "2026-11-20T10:00:00Z",
            "failing_since": "2026-11-15T09:58:00Z",
        },
    ),
    EventType(
        "endpoint.test",
        EndpointTest,
        {"endpoint": "ep_5Z0Y8Q2M4R6T1V3X", "message": "This is a test event."},
    ),
)

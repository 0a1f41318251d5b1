"""Write docs/errors.md from the registry of error codes: `python -m local.error_page`."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from fusion_billing.error_codes import ERROR_CODES, ErrorCode, Topic

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"

_HEAD = """<!-- Written by `make docs` from fusion_billing/error_codes.py. Do not edit by hand. -->

# Error codes

```json
{
  "type": "urn:fusion-billing:problem:invalid",
  "title": "Invalid request",
  "status": 422,
  "detail": "quantity: must not be negative",
  "code": "invalid",
  "errors": [{"field": "quantity", "code": "negative", "message": "must not be negative"}],
  "errors_total": 1
}
```

Every error is an RFC 9457 `application/problem+json` document. Programs read `code`, and the `code` of each entry of
`errors`; people read `detail` and `message`, whose wording may change. `errors` lists the first 100 faults of a
request, `errors_total` counts all of them. New codes may be added: treat an unknown one by its HTTP status.

Retry a 429 or 503 after the seconds in `Retry-After`: nothing was stored. A 500 carries a `reference` that the
log has too.

The status below is that of a response with this `code`. A code without a status appears in `errors`, in the results
of a batch, or as the error of an order line.
"""

_HEADINGS: dict[Topic, str] = {
    "request": "Requests",
    "value": "Values of fields",
    "definition": "Metrics, charges and subscriptions",
    "usage": "Usage records",
    "access": "API keys and access",
    "conflict": "Conflicts",
    "endpoint": "URLs of webhook endpoints",
    "service": "The service",
    "odoo": "Order lines and Odoo",
}


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(page())


def page() -> str:
    """Return the page as the registry has it."""
    return _HEAD + "".join(line for topic in get_args(Topic) for line in _section(topic))


def _section(topic: Topic) -> Iterator[str]:
    yield f"\n## {_HEADINGS[topic]}\n\n| code | status | meaning |\n|---|---|---|\n"
    yield from (_row(error) for error in ERROR_CODES.values() if error.topic == topic)


def _row(error: ErrorCode) -> str:
    return f"| `{error.code}` | {error.status or ''} | {error.meaning} |\n"


if __name__ == "__main__":
    main()

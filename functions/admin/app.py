"""The admin function's application: which module answers which paths.

`TOPICS` maps the first word of a path after `/v1` to the modules of `functions/admin/routes` whose
routers may answer it. They are imported when the first request for the topic comes: a cold start pays
for the topic it serves and for no other.
"""

from importlib import import_module
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin import problems
from functions.admin.resolver import Resolver
from fusion_billing.errors import FusionError
from fusion_billing.http import problem

TOPICS: dict[str, tuple[str, ...]] = {
    "charges": ("charges",),
    "deliveries": ("deliveries",),
    "endpoints": ("endpoints", "deliveries"),
    "estimates": ("estimates",),
    "health": ("health",),
    "keys": ("sources",),
    "lines": ("lines",),
    "metrics": ("metrics",),
    "openapi.json": ("openapi",),
    "ratings": ("runs",),
    "sources": ("sources",),
    "subscriptions": ("subscriptions", "lines"),
    "subscriptions/": ("ratings", "statements"),
    "usage": ("usage",),
}

logger = Logger()
app = Resolver()
_included: set[str] = set()


def include(topic: str) -> None:
    """Import the routers of `topic` and add them to the application, once."""
    for module in TOPICS.get(topic, ()):
        if module not in _included:
            app.include_router(import_module(f"functions.admin.routes.{module}").router)
            _included.add(module)


def topic_of(path: str) -> str:
    """Return the word that tells the topic: `metrics` for `/v1/metrics/api_calls`, and `openapi.json`.

    What lies below a subscription is a topic of its own, `subscriptions/`, since it brings rating along.
    """
    words = path.split("/")
    if words[1:2] != ["v1"] or len(words) <= 2:  # noqa: PLR2004
        return words[-1]
    below = f"{words[2]}/"
    return below if len(words) > 4 and below in TOPICS else words[2]  # noqa: PLR2004


@app.exception_handler(FusionError)  # type: ignore[untyped-decorator]
def _on_purpose(error: FusionError) -> Response[str]:
    return problems.of_error(error)


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _by_accident(error: Exception) -> Response[str]:
    reference = problem.new_reference()
    logger.error("internal error", reference=reference, **problem.places(error))
    return problems.unexpected(reference)


def resolve(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway event (payload 2.0)."""
    include(topic_of(event.get("rawPath", "")))
    return app.resolve(event, context)

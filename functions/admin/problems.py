"""Problems (RFC 9457) as the resolver's responses; `fusion_billing.http.problem` says what is in them."""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Response

from fusion_billing.errors import FusionError
from fusion_billing.http import problem


def of_error(error: FusionError) -> Response[str]:
    """Return the problem that an error raised on purpose is."""
    status, document = problem.of_error(error)
    return _response(status, document, problem.headers_of(status))


def of_method(method: str, allowed: list[str]) -> Response[str]:
    """Return the problem of a path that is there, and takes other methods than the one used."""
    detail = f"this path does not take {method}, but {', '.join(allowed)}"
    return _response(405, problem.document(405, "method_not_allowed", detail), {"allow": ", ".join(allowed)})


def unexpected(reference: str) -> Response[str]:
    """Return the problem of an error that nobody raised on purpose: its reference, and nothing of it."""
    return _response(*problem.unexpected(reference), {})


def _response(status: int, document: dict[str, Any], headers: Mapping[str, str]) -> Response[str]:
    body = json.dumps(document, separators=(",", ":"))
    return Response(status, problem.MEDIA_TYPE, body, headers={"cache-control": "no-store", **headers})

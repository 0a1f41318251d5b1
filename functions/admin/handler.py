"""The admin function's entry: every route but `POST /v1/usage`."""

import time
from typing import Any

from functions.admin import dependencies
from functions.admin.app import logger, resolve
from fusion_billing import settings


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer an HTTP API event, and log that it was: neither its body, nor its query, nor its key."""
    began = time.perf_counter()
    answer = resolve(event, context)
    http = event["requestContext"]["http"]
    logger.info(
        "request",
        method=http["method"],
        path=event["rawPath"],
        status=answer["statusCode"],
        milliseconds=round((time.perf_counter() - began) * 1000, 1),
        request_id=event["requestContext"].get("requestId"),
    )
    return answer


if settings.text("AWS_LAMBDA_FUNCTION_NAME", ""):
    dependencies.authenticator()  # while the container starts, when its CPU is not yet on anyone's bill

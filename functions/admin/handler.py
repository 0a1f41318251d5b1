"""The admin function's entry point: every route except `POST /v1/usage`."""

import time

from functions.admin import access_dependencies
from functions.admin.app import logger, resolve
from fusion_billing import settings
from fusion_billing.json_types import JsonObject
from fusion_billing.snapshots import reseed_after_restore

_LOGGED_CHARACTERS = 512


def handler(event: JsonObject, context: object) -> JsonObject:
    """Respond to an HTTP API event and log the request, without its body, its query and its key."""
    del context
    started = time.perf_counter()
    response = resolve(event)
    http = event["requestContext"]["http"]
    logger.info(
        "request",
        method=http["method"],
        path=event["rawPath"][:_LOGGED_CHARACTERS],
        status=response["statusCode"],
        milliseconds=round((time.perf_counter() - started) * 1000, 1),
        request_id=event["requestContext"].get("requestId"),
    )
    return response


if settings.text("AWS_LAMBDA_FUNCTION_NAME", ""):
    access_dependencies.authenticator()  # at init, where Lambda gives full CPU and a slow start is paid once
    reseed_after_restore()

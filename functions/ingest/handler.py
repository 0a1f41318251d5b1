"""Handle `POST /v1/usage`."""

import time
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from functions.ingest.app import App
from functions.ingest.service import Stores
from fusion_billing import settings
from fusion_billing.access.rate_limit import SLOT_SECONDS, RateLimiter
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.catalog.api_keys import KeyStore
from fusion_billing.dynamodb.catalog.targets import TargetStore
from fusion_billing.dynamodb.markers.change_markers import ChangeMarkers
from fusion_billing.dynamodb.raw_requests import encode_requests_as_json
from fusion_billing.dynamodb.raw_responses import decode_reads_as_json
from fusion_billing.dynamodb.state.key_uses import KeyUses
from fusion_billing.dynamodb.state.request_counts import RequestCounts
from fusion_billing.dynamodb.usage.batch_write import UsageBatch
from fusion_billing.dynamodb.usage.single_write import UsageStore
from fusion_billing.http.authentication import Authenticator
from fusion_billing.http.log import Log
from fusion_billing.http.source_address import AllowedAddresses
from fusion_billing.json_types import JsonObject
from fusion_billing.lambda_context import LambdaContext
from fusion_billing.snapshots import reseed_after_restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from fusion_billing.dynamodb.audit.audit_log import AuditLog
    from fusion_billing.oidc.people import People

_MARGIN_SECONDS = 3.0  # for the call in progress at the deadline, and for the response
_LONGEST_SECONDS = 20.0


@cache
def app() -> App:
    """Return the ingest function as the environment configures it, made once in each container."""
    dynamodb = client.dynamodb(read_timeout=_MARGIN_SECONDS, attempts=2)
    encode_requests_as_json(decode_reads_as_json(dynamodb))
    usage, windows = settings.text("USAGE_TABLE"), settings.text("WINDOW_USAGE_TABLE")
    catalog = settings.text("CATALOG_TABLE")
    markers = settings.text("MARKERS_TABLE")
    state = settings.text("STATE_TABLE")
    uses = KeyUses(dynamodb, state, time.monotonic)
    limiter = RateLimiter(
        RequestCounts(dynamodb, state, time.monotonic, slot_seconds=SLOT_SECONDS),
        time.monotonic,
        settings.integer("CALLER_REQUESTS_PER_SECOND", 250),
    )
    return App(
        authenticator=Authenticator(
            KeyStore(dynamodb, catalog), time.monotonic, limiter, uses, _people(dynamodb, catalog)
        ),
        stores=Stores(
            targets=TargetStore(dynamodb, catalog, time.monotonic),
            markers=ChangeMarkers(dynamodb, markers, settings.integer("CHANGE_SHARDS", 16)),
            single=UsageStore(dynamodb, usage, windows),
            batch=UsageBatch(dynamodb, usage, windows),
            new_key=lambda: uuid.uuid4().hex,
        ),
        now=lambda: datetime.now(UTC),
        clock=time.monotonic,
        pause=time.sleep,
        addresses=AllowedAddresses(
            admin=settings.text("ADMIN_ALLOWED_CIDRS", ""), usage=settings.text("USAGE_ALLOWED_CIDRS", "")
        ),
        audit_log=lambda: _audit_log(dynamodb),
        log=Log(settings.text("POWERTOOLS_SERVICE_NAME", "ingest"), settings.text("LOG_LEVEL", "info")),
    )


def _people(dynamodb: "DynamoDBClient", catalog: str) -> "Callable[[], People] | None":
    """Return the authenticator of people by JWT; None without an issuer."""
    if not settings.text("OIDC_ISSUER", ""):
        return None

    @cache
    def people() -> "People":
        from fusion_billing.dynamodb.catalog.sources import SourceStore  # noqa: PLC0415
        from fusion_billing.oidc.configuration import build_people  # noqa: PLC0415  not for a cold start

        return build_people(SourceStore(dynamodb, catalog), time.monotonic, creates_source=False)

    return people


def _audit_log(dynamodb: "DynamoDBClient") -> "AuditLog":
    from fusion_billing.dynamodb.audit.audit_log import AuditLog  # noqa: PLC0415  not for a cold start

    return AuditLog(dynamodb, settings.text("AUDIT_TABLE"))


def handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    """Respond to an HTTP API event (payload format 2.0) within the function's timeout."""
    remaining = context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
    return app().respond(event, min(_LONGEST_SECONDS, remaining))


if settings.text("AWS_LAMBDA_FUNCTION_NAME", ""):
    app()  # during the init phase, which has a full CPU
    reseed_after_restore()

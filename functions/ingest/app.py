"""Respond to `POST /v1/usage`, an event of API Gateway.

There is one route, so no resolver: every millisecond of a cold start and microsecond of a record counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.ingest.request import read_batch, read_body
from functions.ingest.responses import batch_response, single_response
from functions.ingest.service import Stores, summary, take
from fusion_billing.access.principal import Principal
from fusion_billing.errors import FusionError
from fusion_billing.http import problem
from fusion_billing.http.api_gateway import headers_of
from fusion_billing.http.authentication import Authenticator
from fusion_billing.http.source_address import AllowedAddresses
from fusion_billing.json_types import JsonMapping, JsonObject
from fusion_billing.retry import Deadline

if TYPE_CHECKING:
    from functions.ingest.corrections import Corrections
    from fusion_billing.audit.recorder import AuditLog


@dataclass(frozen=True, slots=True)
class App:
    """The ingest function; `log` is called with a message and fields, never with a body or a key's secret."""

    authenticator: Authenticator
    stores: Stores
    now: Callable[[], datetime]
    clock: Callable[[], float]
    pause: Callable[[float], None]
    log: Callable[..., None]
    addresses: AllowedAddresses
    audit_log: "Callable[[], AuditLog] | None" = None

    def respond(self, event: JsonMapping, seconds: float) -> JsonObject:
        """Return the response to a request within `seconds`; an unexpected error is a 500 with a reference."""
        started = self.clock()
        request_id = (event.get("requestContext") or {}).get("requestId")
        fields: dict[str, Any] = {}
        try:
            response = self._respond(event, seconds, fields)
        except FusionError as error:
            fields["code"] = error.code
            response = problem.error_response(error)
        except Exception as error:  # noqa: BLE001  the last line: nothing of it may reach the caller
            reference = problem.new_reference()
            # The message of an error may quote the request, so only its type and places are logged.
            self.log("error", "internal error", reference=reference, **problem.places(error))
            response = problem.unexpected_response(reference)
        milliseconds = round((self.clock() - started) * 1000, 1)
        status = response["statusCode"]
        self.log("info", "usage received", status=status, milliseconds=milliseconds, request=request_id, **fields)
        return response

    def _respond(self, event: Mapping[str, Any], seconds: float, fields: dict[str, Any]) -> dict[str, Any]:
        deadline = Deadline(seconds, self.clock, self.pause)
        now = self.now()
        headers = headers_of(event)
        self.addresses.check(event, "usage")
        principal = self.authenticator.authenticate(headers, now)
        if principal.is_admin:  # it may act for every source
            self.addresses.check(event, "admin")
        principal.require("usage:write")
        fields.update(source=principal.source, key=principal.key_id)
        body = read_body(event)
        is_batch = "records" in body
        values = read_batch(body, headers) if is_batch else [body]
        header_key = headers.get("idempotency-key")  # a batch has none
        corrections = self._corrections(principal, values, now, headers)
        if corrections is not None:
            corrections.requested()
        results = take(self.stores, principal, values, now, deadline, header_key=header_key)
        if corrections is not None:
            corrections.done(results)
        counts = fields["outcomes"] = summary(results)
        return batch_response(results, counts) if is_batch else single_response(results[0])

    def _corrections(
        self, principal: Principal, values: Sequence[Any], now: datetime, headers: Mapping[str, str]
    ) -> "Corrections | None":
        """Return what goes into the audit log; None for a source's own records, which is nearly always."""
        if self.audit_log is None or not principal.is_admin or not any(map(_names_a_source, values)):
            return None
        from functions.ingest.corrections import Corrections  # noqa: PLC0415  not for a cold start

        return Corrections(self.audit_log(), principal, values, now, via_session="authorization" not in headers)


def _names_a_source(value: object) -> bool:
    return isinstance(value, dict) and bool(value.get("source"))

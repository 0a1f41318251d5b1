"""Bugs of how the product reads responses of others, and of what it leaves out."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import PropertyMock, patch

import functions.rate.invoiced_periods
import functions.relay.delivery_attempt
import functions.relay.partition
import functions.relay.partition_lease
import functions.relay.sending
from fusion_billing.webhooks.delivery_result import EndpointResponse
from tests.campaign.planted_bugs.base import Bug, Send


class UnknownIgnored(Bug, name="unknown_result_ignored"):
    """No intent is written before a call of Odoo: a result that is lost is taken for one that never was."""

    kinds = ("odoo_invoices_and_killed",)
    found_by = (7, "odoo_invoices_and_killed")

    def patches(self) -> Iterator[Any]:
        yield patch.object(functions.relay.sending.Sending, "_with_intents", lambda _, steps: steps)


class DigestIgnored(Bug, name="acknowledged_digest_wrong"):
    """A line that was sent once counts as up to date, whatever its rating says."""

    found_by = (4, None)

    def patches(self) -> Iterator[Any]:
        yield patch.object(functions.relay.partition, "needs_no_call", lambda line: line.stored.odoo_id is not None)


class StaleReportedUpdated(Bug, name="stale_reported_updated"):
    """A push with an older sequence is reported as having taken effect."""

    found_by = (2, None)

    def response(self, function: str, response: Any) -> Any:
        if function != "ingest" or response is None or not response.get("body"):
            return response
        body = json.loads(response["body"])
        for result in (body, *body.get("results", ())):
            if result.get("outcome") == "stale":
                result["outcome"] = "updated"
        return {**response, "body": json.dumps(body)}


class SendFailureIgnored(Bug, name="send_failure_ignored"):
    """A message that SQS did not take counts as sent."""

    kinds = ("sqs_send_refused", "sqs_send_partly_failed")
    found_by = (73, "sqs_send_partly_failed")

    def sqs(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        try:
            response = send(**request)
        except Exception:  # noqa: BLE001  that is the bug
            return {"Successful": []}
        return {name: value for name, value in response.items() if name != "Failed"}


class LateUsageIgnored(Bug, name="late_usage_ignored"):
    """Usage of an invoiced period is never billed."""

    found_by = (1, None)

    def patches(self) -> Iterator[Any]:
        yield patch.object(functions.rate.invoiced_periods.InvoicedPeriods, "adjust", lambda *_, **__: None)
        yield patch.object(functions.rate.invoiced_periods.InvoicedPeriods, "review", lambda *_, **__: {})


class RedirectAccepted(Bug, name="redirect_taken_for_success"):
    """A redirect of a receiver counts as delivered."""

    kinds = ("receiver_redirects",)
    found_by = (1, "receiver_redirects")

    def patches(self) -> Iterator[Any]:
        accepted = property(lambda response: response.status is not None and response.status < 400)
        yield patch.object(EndpointResponse, "success", accepted)


class TimeOutAccepted(Bug, name="time_out_taken_for_success"):
    """A receiver that never responds counts as delivered to."""

    kinds = ("receiver_hangs_and_forgets",)
    found_by = (1, "receiver_hangs_and_forgets")

    def patches(self) -> Iterator[Any]:
        accepted = property(lambda response: response.status in (200, 204) or response.error == "timed_out")
        yield patch.object(EndpointResponse, "success", accepted)


class ClaimForEver(Bug, name="claim_never_expires"):
    """A delivery that was claimed by a run that died is never claimed again."""

    kinds = ("killed_before_http_call", "killed_after_aws_call")
    found_by = (6, "killed_before_http_call")

    def patches(self) -> Iterator[Any]:
        yield patch.object(functions.relay.delivery_attempt, "LEASE", timedelta(days=3650))


class LeaseUnchecked(Bug, name="lease_not_checked"):
    """Lines are sent whoever holds the lease of their partition, even while a call with them may be in progress."""

    kinds = ("relay_within_odoo_call",)
    found_by = (1, "relay_within_odoo_call")

    def patches(self) -> Iterator[Any]:
        yield patch.object(functions.relay.partition_lease.PartitionLease, "take", _taken)
        yield patch.object(functions.relay.partition.LinePartition, "_may_be_at_odoo", lambda *_: False)


def _taken(lease: functions.relay.partition_lease.PartitionLease) -> bool:
    lease._until = lease.clock() + functions.relay.partition_lease.LEASE
    return True


class GuardOff(Bug, name="changes_in_odoo_not_repaired"):
    """What a person changes on an order line stays, and is invoiced."""

    kinds = ("person_edits_price", "person_edits_quantity", "person_updates_prices")
    found_by = (18, "person_edits_price")

    def patches(self) -> Iterator[Any]:
        yield patch.dict("os.environ", {"LINE_GUARD": "report"})


class ReadBackIgnored(Bug, name="read_back_ignored"):
    """Ratings are frozen at what was sent, whatever Odoo invoiced."""

    kinds = ("person_edits_price", "person_edits_quantity")
    found_by = (2, "person_edits_price")

    def patches(self) -> Iterator[Any]:
        yield patch.object(functions.relay.partition, "InvoiceReading", _Nothing)


class _Nothing:
    def __init__(self, *_: Any, **__: Any) -> None:
        self.run = PropertyMock()

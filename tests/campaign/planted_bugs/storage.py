"""Bugs of what is stored: markers, usage, ratings, statements, events, leases."""

import re
from typing import Any

from tests.campaign.planted_bugs.base import Bug, Send, partition_key, unconditional

_MARKER_WRITES = ("put_item", "update_item", "batch_write_item")


class MarkerDropped(Bug, name="marker_dropped"):
    """Usage is stored without its change marker."""

    found_by = (10, None)

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        is_marker = operation in _MARKER_WRITES and request.get("TableName") == self.world.tables.markers
        return {} if is_marker and self.function == "ingest" else send(**request)


class VoidingUnmarked(Bug, name="voiding_unmarked"):
    """A voided record has no change marker."""

    found_by = (109, None)

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        is_marker = operation in _MARKER_WRITES and request.get("TableName") == self.world.tables.markers
        return {} if is_marker and self.function == "admin" else send(**request)


class UsageUnconditional(Bug, name="usage_written_unconditionally"):
    """A usage record is written whatever is stored: an older sequence overwrites a newer one."""

    found_by = (2, None)

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        usage = self.world.tables.usage, self.world.tables.window_usage
        if operation == "update_item" and request["TableName"] in usage:
            return send(**unconditional(request))
        return send(**request)


class ThrottledStatements(Bug, name="throttled_statements_taken_for_written"):
    """A statement of a batch that was throttled counts as carried out."""

    kinds = ("dynamodb_throttled_statements",)
    found_by = (2, "dynamodb_throttled_statements")

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        response = send(**request)
        if operation == "batch_execute_statement":
            for each in response["Responses"]:
                if each.get("Error", {}).get("Code") == "ThrottlingError":
                    del each["Error"]
        return response


class UnprocessedKeys(Bug, name="unprocessed_keys_dropped"):
    """Items that BatchGetItem left unprocessed count as missing."""

    kinds = ("dynamodb_unprocessed_keys",)
    found_by = (1, "dynamodb_unprocessed_keys")

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        response = send(**request)
        if operation == "batch_get_item":
            response["UnprocessedKeys"] = {}
        return response


class VersionUnguarded(Bug, name="rating_version_unguarded"):
    """A rating is written whatever version is stored."""

    kinds = ("sqs_visible_while_in_process", "schedule_overlapping", "odoo_invoices_while_rating")
    found_by = (60, "sqs_visible_while_in_process")

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        if self.function != "rate":
            return send(**request)
        if operation == "transact_write_items":
            items = [self._unguarded(item) for item in request["TransactItems"]]
            return send(TransactItems=items)
        if operation in ("put_item", "update_item") and request["TableName"] == self.world.tables.ratings:
            return send(**unconditional(request))
        if operation == "batch_execute_statement":
            return send(Statements=[self._statement(each) for each in request["Statements"]])
        return send(**request)

    def _unguarded(self, item: dict[str, Any]) -> dict[str, Any]:
        [(kind, write)] = item.items()
        is_rating = write["TableName"] == self.world.tables.ratings and kind in ("Put", "Update")
        return {kind: unconditional(write)} if is_rating else item

    @staticmethod
    def _statement(statement: dict[str, Any]) -> dict[str, Any]:
        text, parameters = statement["Statement"], list(statement["Parameters"])
        guard = re.search(r" AND version = \?", text)
        if guard is None:
            return statement
        del parameters[text[: guard.start()].count("?")]
        return {**statement, "Statement": text.replace(guard[0], "", 1), "Parameters": parameters}


class EventApart(Bug, name="event_outside_transaction"):
    """Events are written after the change that they report, not with it."""

    kinds = ("dynamodb_transaction_conflict", "dynamodb_transaction_throttled")
    found_by = (8, "dynamodb_transaction_conflict")

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        items = request.get("TransactItems", ())
        if operation != "transact_write_items" or len(items) < 2 or self.function == "admin":
            return send(**request)
        send(TransactItems=items[:1])
        return send(TransactItems=items[1:])


class CircuitNeverCloses(Bug, name="circuit_never_closes"):
    """The circuit breaker stays open once Odoo was unavailable."""

    kinds = ("odoo_unreachable", "odoo_database_down")
    found_by = (6, "odoo_unreachable")

    def dynamodb(self, operation: str, request: dict[str, Any], send: Send) -> Any:
        if partition_key(request).startswith("CIRCUIT"):
            if operation == "delete_item":
                return {}
            if operation == "get_item":
                response = send(**request)
                if "Item" in response:
                    response["Item"]["until"] = {"S": "9"}
                return response
        return send(**request)

"""Errors recorded from a real Odoo 19 are classified."""

import json
from pathlib import Path
from typing import Any

import pytest

from fusion_billing.odoo import errors
from fusion_billing.odoo.error_classification import (
    as_configuration_error,
    from_load_messages,
    from_name,
    from_response,
)

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "odoo" / "errors.json").read_text("utf-8"))

EXPECTED: dict[str, type[errors.OdooError]] = {
    "no auth": errors.KeyRejected,
    "bad key": errors.KeyRejected,
    "wrong db": errors.WrongDatabase,
    "GET": errors.InvalidCall,
    "bad path": errors.InvalidCall,
    "bad content type": errors.WrongAddress,
    "form content type": errors.WrongAddress,
    "malformed json": errors.InvalidCall,
    "array body": errors.InvalidCall,
    "unknown model": errors.InvalidCall,
    "unknown method": errors.InvalidCall,
    "private method": errors.AccessDenied,
    "missing arg": errors.InvalidCall,
    "extra arg": errors.InvalidCall,
    "ids to api.model": errors.InvalidCall,
    "access error model (internal user w/o sale rights)": errors.AccessDenied,
    "access error create": errors.AccessDenied,
    "record rule: own-documents user, write": errors.AccessDenied,
    "record missing: write": errors.RecordNotFound,
    "bad field in write": errors.InvalidCall,
    "bad field in create": errors.InvalidCall,
    "bad field in read": errors.InvalidCall,
    "bad field in domain": errors.InvalidCall,
    "bad type qty": errors.InvalidCall,
    "fk missing order": errors.RecordNotFound,
    "fk missing product": errors.RecordNotFound,
    "create without order": errors.InvalidCall,
    "selection wrong": errors.InvalidCall,
    "unlink line on confirmed": errors.ValidationFailed,
    "NaN literal": errors.InvalidCall,
    "batch create, 1 bad (atomic?)": errors.RecordNotFound,
    "order.write commands w/ missing line": errors.RecordNotFound,
    "write qty on locked": errors.OrderLocked,
    "write price on locked": errors.OrderLocked,
    "create invoices": errors.AccessDenied,
    "load: unknown column": errors.InvalidCall,
    "load on sale.order with nested lines": errors.InvalidCall,
}

EXPECTED_OF_LOAD: dict[str, dict[int, type[errors.OdooError]]] = {
    "load: 2 rows, second bad order (atomic?)": {1: errors.RecordNotFound},
    "load: bad qty": {0: errors.ValidationFailed},
    "load: as own-docs user": {0: errors.AccessDenied},
    "load: as no-rights user": {0: errors.AccessDenied},
    "load: update on locked": {0: errors.OrderLocked},
    "load: qty-only update on locked": {0: errors.OrderLocked},
    "load: order as xid missing": {0: errors.RecordNotFound},
    "locale ctx": {0: errors.ValidationFailed},
}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: str(recorded["title"]))
def test_each_recorded_failure_has_its_class(recorded: dict[str, Any]) -> None:
    if recorded["title"] in EXPECTED_OF_LOAD:
        row_errors = from_load_messages(recorded["body"]["messages"])
        assert {row: type(error) for row, error in row_errors.items()} == EXPECTED_OF_LOAD[recorded["title"]]
        return
    body = recorded["body"] if isinstance(recorded["body"], dict) else None
    error = from_response(recorded["status"], recorded["content_type"], body)
    assert type(error) is EXPECTED[recorded["title"]]
    assert "traceback" not in str(error)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, errors.TooManyRequests),
        (502, errors.GatewayError),
        (503, errors.GatewayError),
        (504, errors.ReadTimeout),
        (500, errors.GatewayError),
        (301, errors.WrongAddress),
        (401, errors.KeyRejected),
        (418, errors.WrongAddress),
    ],
)
def test_a_response_without_a_name_is_classified_by_its_status(status: int, expected: type[errors.OdooError]) -> None:
    assert type(from_response(status, "text/plain", None)) is expected


def test_a_serialization_failure_is_recognized_in_both_of_its_forms() -> None:
    text = "could not serialize access due to concurrent update"
    outside = from_response(500, "application/json", {"name": "psycopg2.errors.SerializationFailure", "message": text})
    inside = from_load_messages([{"rows": {"from": 3, "to": 3}, "record": 3, "type": "error", "message": text}])
    assert type(outside) is errors.SerializationFailure
    assert type(inside[3]) is errors.SerializationFailure


def test_too_many_requests_has_the_number_of_seconds_to_wait() -> None:
    error = from_response(429, "text/plain", None, retry_after=17)
    assert isinstance(error, errors.TooManyRequests)
    assert error.after == 17


def test_the_message_on_row_0_does_not_hide_the_row_that_it_is_about() -> None:
    row_errors = from_load_messages(
        [
            {"rows": {"from": 0, "to": 0}, "type": "error", "record": 0, "message": "Something else"},
            {
                "rows": {"from": 57, "to": 57},
                "type": "error",
                "record": 57,
                "message": "It is forbidden to modify the following fields in a locked order:\nQuantity",
            },
            {
                "type": "warning",
                "message": "Found more than 10 errors and more than one error per 10 records",
            },
        ]
    )
    assert {row: type(error) for row, error in row_errors.items()} == {
        0: errors.ValidationFailed,
        57: errors.OrderLocked,
    }


def test_access_denied_to_a_whole_model_is_a_configuration_error() -> None:
    model = from_name("odoo.exceptions.AccessError", "You are not allowed to access 'Sales Order' records.")
    record = from_name("odoo.exceptions.AccessError", "Uh-oh! Looks like you have stumbled upon some top-secret")
    assert type(as_configuration_error(model)) is errors.MissingAccessRights
    assert as_configuration_error(record) is record


def test_a_missing_database_is_a_configuration_error_in_every_protocol() -> None:
    error = from_name("psycopg2.OperationalError", 'FATAL: database "nope" does not exist')
    assert type(error) is errors.WrongDatabase


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('connection to server at "db", port 5432 failed: Connection refused\n', errors.DatabaseUnavailable),
        ('connection to server on socket "/run/.s.PGSQL.5432" failed: No such file', errors.DatabaseUnavailable),
        (
            'connection to server at "db", port 5432 failed: FATAL:  the database system is starting up',
            errors.DatabaseUnavailable,
        ),
        ("could not connect to server: Connection refused", errors.DatabaseUnavailable),
        (
            'connection to server at "db", port 5432 failed: FATAL:  database "x" does not exist',
            errors.WrongDatabase,
        ),
        ("server closed the connection unexpectedly", errors.GatewayError),
        ("terminating connection due to administrator command", errors.GatewayError),
    ],
)
def test_a_failed_connection_is_unavailable_and_a_broken_one_unknown(
    message: str, kind: type[errors.OdooError]
) -> None:
    error = from_name("psycopg2.OperationalError", message)
    assert (type(error), error.unknown) == (kind, kind is errors.GatewayError)


def test_a_long_message_is_truncated() -> None:
    assert len(from_name("odoo.exceptions.UserError", "x" * 10_000).message) == 500

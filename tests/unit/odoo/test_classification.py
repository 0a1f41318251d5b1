"""Odoo's answers told apart, over the errors recorded from a real Odoo 19."""

import json
from pathlib import Path
from typing import Any

import pytest

from fusion_billing.odoo import errors
from fusion_billing.odoo.error_classification import as_alarm, of_answer, of_load, of_name

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "odoo" / "errors.json").read_text("utf-8"))

EXPECTED: dict[str, type[errors.OdooError]] = {
    "no auth": errors.KeyRejected,
    "bad key": errors.KeyRejected,
    "wrong db": errors.WrongDatabase,
    "GET": errors.Permanent,
    "bad path": errors.Permanent,
    "bad content type": errors.Misaddressed,
    "form content type": errors.Misaddressed,
    "malformed json": errors.Permanent,
    "array body": errors.Permanent,
    "unknown model": errors.Permanent,
    "unknown method": errors.Permanent,
    "private method": errors.AccessRefused,
    "missing arg": errors.Permanent,
    "extra arg": errors.Permanent,
    "ids to api.model": errors.Permanent,
    "access error model (internal user w/o sale rights)": errors.AccessRefused,
    "access error create": errors.AccessRefused,
    "record rule: own-documents user, write": errors.AccessRefused,
    "record missing: write": errors.Missing,
    "bad field in write": errors.Permanent,
    "bad field in create": errors.Permanent,
    "bad field in read": errors.Permanent,
    "bad field in domain": errors.Permanent,
    "bad type qty": errors.Permanent,
    "fk missing order": errors.Missing,
    "fk missing product": errors.Missing,
    "create without order": errors.Permanent,
    "selection wrong": errors.Permanent,
    "unlink line on confirmed": errors.Rejected,
    "NaN literal": errors.Permanent,
    "batch create, 1 bad (atomic?)": errors.Missing,
    "order.write commands w/ missing line": errors.Missing,
    "write qty on locked": errors.Locked,
    "write price on locked": errors.Locked,
    "create invoices": errors.AccessRefused,
    "load: unknown column": errors.Permanent,
    "load on sale.order with nested lines": errors.Permanent,
}

EXPECTED_OF_LOAD: dict[str, dict[int, type[errors.OdooError]]] = {
    "load: 2 rows, second bad order (atomic?)": {1: errors.Missing},
    "load: bad qty": {0: errors.Rejected},
    "load: as own-docs user": {0: errors.AccessRefused},
    "load: as no-rights user": {0: errors.AccessRefused},
    "load: update on locked": {0: errors.Locked},
    "load: qty-only update on locked": {0: errors.Locked},
    "load: order as xid missing": {0: errors.Missing},
    "locale ctx": {0: errors.Rejected},
}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: str(recorded["title"]))
def test_each_recorded_failure_has_its_class(recorded: dict[str, Any]) -> None:
    if recorded["title"] in EXPECTED_OF_LOAD:
        told = of_load(recorded["body"]["messages"])
        assert {row: type(error) for row, error in told.items()} == EXPECTED_OF_LOAD[recorded["title"]]
        return
    body = recorded["body"] if isinstance(recorded["body"], dict) else None
    error = of_answer(recorded["status"], recorded["content_type"], body)
    assert type(error) is EXPECTED[recorded["title"]]
    assert "traceback" not in str(error)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, errors.TooManyRequests),
        (502, errors.GatewayFailed),
        (503, errors.GatewayFailed),
        (504, errors.TimedOut),
        (500, errors.GatewayFailed),
        (301, errors.Misaddressed),
        (401, errors.KeyRejected),
        (418, errors.Misaddressed),
    ],
)
def test_an_answer_without_a_name_is_told_by_its_status(status: int, expected: type[errors.OdooError]) -> None:
    assert type(of_answer(status, "text/plain", None)) is expected


def test_a_serialization_failure_is_tried_again_in_both_of_its_shapes() -> None:
    text = "could not serialize access due to concurrent update"
    outside = of_answer(500, "application/json", {"name": "psycopg2.errors.SerializationFailure", "message": text})
    inside = of_load([{"rows": {"from": 3, "to": 3}, "record": 3, "type": "error", "message": text}])
    assert type(outside) is errors.SerializationFailure
    assert type(inside[3]) is errors.SerializationFailure


def test_the_pause_that_odoo_asks_for_is_kept() -> None:
    error = of_answer(429, "text/plain", None, retry_after=17)
    assert isinstance(error, errors.TooManyRequests)
    assert error.after == 17


def test_a_user_error_s_word_on_row_0_does_not_hide_the_row_it_is_about() -> None:
    told = of_load(
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
    assert {row: type(error) for row, error in told.items()} == {0: errors.Rejected, 57: errors.Locked}


def test_a_model_closed_as_a_whole_is_an_alarm_and_a_closed_record_is_not() -> None:
    model = of_name("odoo.exceptions.AccessError", "You are not allowed to access 'Sales Order' records.")
    record = of_name("odoo.exceptions.AccessError", "Uh-oh! Looks like you have stumbled upon some top-secret")
    assert type(as_alarm(model)) is errors.NoRights
    assert as_alarm(record) is record


def test_a_database_that_is_gone_is_an_alarm_under_every_protocol() -> None:
    error = of_name("psycopg2.OperationalError", 'FATAL: database "nope" does not exist')
    assert type(error) is errors.WrongDatabase


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('connection to server at "db", port 5432 failed: Connection refused\n', errors.DatabaseDown),
        ('connection to server on socket "/run/.s.PGSQL.5432" failed: No such file', errors.DatabaseDown),
        (
            'connection to server at "db", port 5432 failed: FATAL:  the database system is starting up',
            errors.DatabaseDown,
        ),
        ("could not connect to server: Connection refused", errors.DatabaseDown),
        (
            'connection to server at "db", port 5432 failed: FATAL:  database "x" does not exist',
            errors.WrongDatabase,
        ),
        ("server closed the connection unexpectedly", errors.GatewayFailed),
        ("terminating connection due to administrator command", errors.GatewayFailed),
    ],
)
def test_a_connection_that_could_not_be_made_is_waited_for_and_one_that_broke_is_unknown(
    message: str, kind: type[errors.OdooError]
) -> None:
    error = of_name("psycopg2.OperationalError", message)
    assert (type(error), error.unknown) == (kind, kind is errors.GatewayFailed)


def test_a_message_is_cut_before_it_can_carry_a_page() -> None:
    assert len(of_name("odoo.exceptions.UserError", "x" * 10_000).message) == 500

"""Every route of the document: shut without a key, and to a key with every scope but its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.admin.services.openapi.operations import OPERATIONS, Operation
from fusion_billing.access.principal import ADMIN, SCOPES


def guarded() -> Iterator[Operation]:
    for _, operations in OPERATIONS:
        for operation in operations:
            if operation.scope is not None and (operation.method, operation.path) != ("POST", "/v1/usage"):
                yield operation


def place(operation: Operation) -> str:
    words = operation.path.split("/")
    return "/".join("x" if word.startswith("{") else word for word in words)


def test_no_route_opens_without_a_key(admin: Any) -> None:
    for operation in guarded():
        answer = admin.call(operation.method, place(operation), {}, key="")
        assert (answer.status, answer.code) == (401, "missing_key"), operation
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_no_route_opens_to_a_key_that_has_every_scope_but_its_own(admin: Any) -> None:
    keys = {
        scope: admin.key(*(SCOPES - {scope, ADMIN}), source=f"src_all_but_{number}")
        for number, scope in enumerate(sorted(SCOPES))
    }
    for operation in guarded():
        assert operation.scope is not None
        answer = admin.call(operation.method, place(operation), {}, key=keys[operation.scope])
        assert (answer.status, answer.code) == (403, "missing_scope"), operation


@pytest.mark.parametrize("raw", ["{", "[]", b"\xff"])
def test_no_route_that_takes_a_body_takes_what_is_none(admin: Any, raw: str | bytes) -> None:
    for operation in guarded():
        if operation.body is not None and operation.scope != "webhooks:write":
            answer = admin.call(operation.method, place(operation), raw=raw)
            assert answer.status in {400, 404}, (operation, answer.json)

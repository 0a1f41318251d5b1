"""Scopes and limits."""

from typing import Any

import pytest

from fusion_billing.access.principal import SCOPES, Principal
from fusion_billing.errors import Forbidden


def principal(*scopes: str, **limits: Any) -> Principal:
    return Principal("id", "src_a", frozenset(scopes), **limits)


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_a_scope_opens_what_it_names_and_admin_opens_all(scope: str) -> None:
    principal(scope).require(scope)
    principal("admin").require(scope)
    other = "usage:read" if scope != "usage:read" else "usage:write"
    if scope != "admin":
        with pytest.raises(Forbidden) as refused:
            principal(scope).require(other)
        assert refused.value.code == "missing_scope"


def test_writing_does_not_imply_reading() -> None:
    with pytest.raises(Forbidden):
        principal("usage:write").require("usage:read")


def test_limits_bind_only_where_there_are_any() -> None:
    free = principal("usage:write")
    assert free.may_use_metric("anything")
    assert free.may_use_plan("anything")
    bound = principal("usage:write", metrics=frozenset({"seats"}), plans=frozenset({"Pro"}))
    assert (bound.may_use_metric("seats"), bound.may_use_metric("api_calls")) == (True, False)
    assert (bound.may_use_plan("Pro"), bound.may_use_plan("Basic")) == (True, False)

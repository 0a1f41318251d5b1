"""What the claims of a JWT make of a person."""

from datetime import UTC, datetime
from typing import Any

import pytest

from fusion_billing.access.keys import ID_PATTERN
from fusion_billing.access.people import Limits, Rules, check, parse_scopes, principal_of
from fusion_billing.errors import Forbidden, Unauthenticated

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
AT = NOW.timestamp()
ISSUER = "https://id.example.com"
CLAIMS: dict[str, Any] = {"iss": ISSUER, "aud": "billing-api", "sub": "u-1", "exp": AT + 600, "groups": ["admins"]}
RULES = Rules(ISSUER, "billing-api", "groups", parse_scopes("admins=admin; readers=ratings:read catalog:read"))


def refusal(**changes: Any) -> str:
    """Return the code that claims are refused with, empty if they are accepted."""
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    try:
        check(claims, issuer=ISSUER, audience="billing-api", now=NOW)
    except Unauthenticated as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ""),
        ({"aud": ["other", "billing-api"]}, ""),
        ({"unknown": {"deep": [1]}}, ""),
        ({"iss": "https://id.example.org"}, "invalid_jwt"),
        ({"iss": f"{ISSUER}/"}, "invalid_jwt"),
        ({"iss": None}, "invalid_jwt"),
        ({"aud": "billing"}, "invalid_jwt"),
        ({"aud": ["billing-api-2"]}, "invalid_jwt"),
        ({"aud": []}, "invalid_jwt"),
        ({"aud": {"billing-api": 1}}, "invalid_jwt"),
        ({"aud": None}, "invalid_jwt"),
        ({"sub": None}, "invalid_jwt"),
        ({"sub": ""}, "invalid_jwt"),
        ({"sub": 7}, "invalid_jwt"),
        ({"exp": AT - 59}, ""),
        ({"exp": AT - 60}, "expired_jwt"),
        ({"exp": None}, "invalid_jwt"),
        ({"exp": "soon"}, "invalid_jwt"),
        ({"exp": True}, "invalid_jwt"),
        ({"exp": float("nan")}, "invalid_jwt"),
        ({"exp": 10**400}, "invalid_jwt"),
        ({"nbf": AT + 60}, ""),
        ({"nbf": AT + 61}, "invalid_jwt"),
        ({"nbf": "now"}, "invalid_jwt"),
        ({"iat": AT + 61}, "invalid_jwt"),
    ],
)
def test_claims_are_for_this_service_and_valid_now(changes: dict[str, Any], code: str) -> None:
    assert refusal(**changes) == code


def scopes(claim: object, rules: Rules = RULES) -> set[str]:
    return set(principal_of(CLAIMS | {"groups": claim}, rules, Limits()).scopes)


def test_values_of_the_claim_are_mapped_and_no_other_value_gives_a_scope() -> None:
    assert scopes(["admins"]) == {"admin"}
    assert scopes(["readers", "sales"]) == {"ratings:read", "catalog:read"}
    assert scopes("readers admins") == {"ratings:read", "catalog:read", "admin"}
    for nothing in (["admin"], "admin", [], None, 7, {"admins": True}, [["admins"]], ["Admins"], "admins,readers"):
        assert scopes(nothing) == set(), nothing


def test_a_person_without_a_mapped_value_may_do_nothing() -> None:
    with pytest.raises(Forbidden):
        principal_of(CLAIMS | {"groups": ["sales"]}, RULES, Limits()).require("ratings:read")


def test_a_claim_may_be_nested_or_have_dots_in_its_name() -> None:
    nested = Rules(ISSUER, "a", "realm_access.roles", parse_scopes("admins=admin"))
    assert principal_of(CLAIMS | {"realm_access": {"roles": ["admins"]}}, nested, Limits()).scopes == {"admin"}
    assert principal_of(CLAIMS | {"realm_access.roles": ["admins"]}, nested, Limits()).scopes == {"admin"}
    assert principal_of(CLAIMS | {"realm_access": "admins"}, nested, Limits()).scopes == set()


def test_a_claim_limits_a_person_to_subscriptions() -> None:
    rules = Rules(ISSUER, "a", "groups", RULES.scopes, "subscriptions")
    limited = principal_of(CLAIMS | {"subscriptions": ["42", "43"]}, rules, Limits())
    assert limited.subscriptions == frozenset({"42", "43"})
    assert not limited.is_operator
    within = Limits(plans=frozenset({"Pro"}), subscriptions=frozenset({"43", "44"}))
    assert principal_of(CLAIMS | {"subscriptions": "42 43"}, rules, within).subscriptions == frozenset({"43"})
    assert principal_of(CLAIMS, rules, within).plans == frozenset({"Pro"})
    assert principal_of(CLAIMS, rules, Limits()).subscriptions == frozenset()


def test_a_person_is_named_by_a_verified_address_or_the_subject() -> None:
    def name(**claims: object) -> str:
        return principal_of(CLAIMS | claims, RULES, Limits()).actor

    assert name(email="ada@example.com", email_verified=True) == "ada@example.com"
    assert name(email="ada@example.com") == "u-1"
    assert name(email="ada@example.com", email_verified="true") == "u-1"
    assert name(sub="u\n1\u202e") == "u?1?"
    assert len(name(sub="u" * 1000)) == 254


def test_a_person_has_an_id_of_its_own_per_issuer() -> None:
    here = principal_of(CLAIMS, RULES, Limits()).key_id
    there = principal_of(CLAIMS, Rules("https://other.example.com", "a", "groups", RULES.scopes), Limits()).key_id
    assert here != there
    assert ID_PATTERN.fullmatch(here)


@pytest.mark.parametrize(
    "text", ["", ";", "admins", "admins=", "=admin", "admins=root", "a b=admin", "a=admin;a=admin"]
)
def test_a_malformed_mapping_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|unknown"):
        parse_scopes(text)

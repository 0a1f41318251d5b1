"""Turn the claims of an issuer's JWT into the principal of a person. Pure.

A person has no API key. The values of one claim, such as groups, are mapped to scopes; another claim may limit the
person to subscriptions. All people share the source `src_people`, whose limits hold for them.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from fusion_billing.access.principal import SCOPES, Principal
from fusion_billing.errors import Unauthenticated
from fusion_billing.json_types import JsonMapping

SOURCE = "src_people"
"""The source of everything that people do."""

LEEWAY_SECONDS = 60
"""How far the issuer's clock may differ from ours."""

_LONGEST_NAME = 254
_VALUE_OF_MAP = re.compile(r"[^\s=;]+")
_TOO_FAR = 10**12  # seconds: far beyond what a date can hold


@dataclass(frozen=True, slots=True)
class Rules:
    """What a JWT must say, and what it allows.

    Attributes:
        issuer: The `iss` of every token.
        audience: The `aud` of tokens that are sent to the API.
        scope_claim: The claim whose values are mapped: a name, or a path with dots.
        scopes: Value of that claim -> the scopes that it gives.
        subscription_claim: The claim with the IDs of the person's subscriptions; None: no limit.
    """

    issuer: str
    audience: str
    scope_claim: str
    scopes: Mapping[str, frozenset[str]]
    subscription_claim: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the source of people; None: no limit."""

    metrics: frozenset[str] | None = None
    plans: frozenset[str] | None = None
    subscriptions: frozenset[str] | None = None


def parse_scopes(text: str) -> dict[str, frozenset[str]]:
    """Return the mapping in `value=scope scope; value=scope`.

    Raises `ValueError` if it has another form, or an unknown scope.
    """
    found: dict[str, frozenset[str]] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        value, equals, scopes = entry.partition("=")
        granted = frozenset(scopes.replace(",", " ").split())
        if not equals or not granted or _VALUE_OF_MAP.fullmatch(value.strip()) is None or value.strip() in found:
            raise ValueError(f"expected value=scope, once for each value, not {entry!r}")
        if granted - SCOPES:
            raise ValueError(f"unknown scope {min(granted - SCOPES)!r}")
        found[value.strip()] = granted
    if not found:
        raise ValueError("expected at least one value=scope")
    return found


def check(claims: JsonMapping, *, issuer: str, audience: str, now: datetime) -> None:
    """Raise `Unauthenticated` unless verified claims are for this service and valid at `now`."""
    if claims.get("iss") != issuer:
        raise invalid("The JWT has another issuer")
    named = claims.get("aud")
    if audience not in (named if isinstance(named, list) else [named]):
        raise invalid("The JWT is for another audience")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or not _can_be_encoded(subject):
        raise invalid("The JWT has no subject")
    at = now.timestamp()
    if _time(claims, "exp") + LEEWAY_SECONDS <= at:
        raise Unauthenticated("The JWT has expired", code="expired_jwt")
    for name in ("nbf", "iat"):
        if name in claims and _time(claims, name) - LEEWAY_SECONDS > at:
            raise invalid(f"The JWT is not valid yet (`{name}`)")


def principal_of(claims: JsonMapping, rules: Rules, limits: Limits) -> Principal:
    """Return the person that checked claims are about. A person without a mapped value has no scope."""
    granted = (rules.scopes.get(value, frozenset()) for value in _texts(claims, rules.scope_claim))
    claim = rules.subscription_claim
    person = Principal(
        key_id=_id_of(rules.issuer, claims["sub"]),
        source=SOURCE,
        scopes=frozenset().union(*granted),
        subscriptions=None if claim is None else frozenset(_texts(claims, claim)),
        person=_name_of(claims),
    )
    return narrowed(person, limits)


def narrowed(principal: Principal, limits: Limits) -> Principal:
    """Return a person within the limits of the source as well."""
    return replace(
        principal,
        metrics=_common(principal.metrics, limits.metrics),
        plans=_common(principal.plans, limits.plans),
        subscriptions=_common(principal.subscriptions, limits.subscriptions),
    )


def _common(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    """Return what two limits allow; None is no limit."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def invalid(message: str) -> Unauthenticated:
    """Return the error of an invalid JWT."""
    return Unauthenticated(message, code="invalid_jwt")


def _time(claims: JsonMapping, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _TOO_FAR:
        raise invalid(f"The JWT has no valid `{name}`")
    return float(value)


def _can_be_encoded(text: str) -> bool:
    """Return whether a text has no half of a surrogate pair, which JSON can name and UTF-8 can't hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _id_of(issuer: str, subject: str) -> str:
    """Return the ID of a person, which has the form of an API key's ID."""
    return "p" + hashlib.sha256(f"{issuer}\0{subject}".encode()).hexdigest()[:31]


def _name_of(claims: JsonMapping) -> str:
    """Return what the audit log calls a person: the address that the issuer has verified, else the subject."""
    email = claims.get("email")
    is_verified = isinstance(email, str) and email.strip() != "" and claims.get("email_verified") is True
    name = str(email) if is_verified else str(claims["sub"])
    return "".join(character if character.isprintable() else "?" for character in name)[:_LONGEST_NAME]


def _texts(claims: JsonMapping, name: str) -> list[str]:
    """Return the texts of a claim: those of a list, or the words of a text."""
    value = claims.get(name)
    if value is None and "." in name:
        value = claims
        for word in name.split("."):
            value = value.get(word) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value.split()
    listed = value if isinstance(value, list) else []
    return [text for text in listed if isinstance(text, str) and _can_be_encoded(text)]

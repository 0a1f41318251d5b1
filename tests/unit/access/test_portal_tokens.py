"""Portal tokens: how they are written, and what proves them."""

from datetime import UTC, datetime, timedelta

import pytest

from fusion_billing.access.portal_tokens import PortalSecret, issue, principal_of, read_secrets, secret_id_of
from fusion_billing.errors import Unauthenticated

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET, OTHER = PortalSecret("s" * 64), PortalSecret("o" * 64)


@pytest.mark.parametrize("subscription", ["42", "a.b:c-d_E", "x" * 64])
def test_a_token_reads_the_ratings_of_its_subscription(subscription: str) -> None:
    token = issue(subscription, NOW + timedelta(minutes=1), SECRET)
    assert secret_id_of(token) == SECRET.id
    principal = principal_of(token, [OTHER, SECRET], NOW)
    assert principal.subscriptions == frozenset({subscription})
    assert (principal.scopes, principal.source, principal.is_portal) == (frozenset({"ratings:read"}), "", True)
    assert SECRET.text not in token


def test_another_secret_proves_nothing() -> None:
    token = issue("42", NOW + timedelta(minutes=1), SECRET)
    for secrets in ([], [OTHER]):
        with pytest.raises(Unauthenticated) as refused:
            principal_of(token, secrets, NOW)
        assert refused.value.code == "invalid_token"


def test_every_changed_character_is_noticed() -> None:
    token = issue("42", NOW + timedelta(minutes=1), SECRET)
    for place, character in enumerate(token[:-1]):  # the last one has bits that mean nothing
        changed = token[:place] + ("A" if character != "A" else "B") + token[place + 1 :]
        with pytest.raises(Unauthenticated):
            principal_of(changed, [SECRET], NOW)


def test_a_token_is_valid_until_it_expires() -> None:
    token = issue("42", NOW, SECRET)
    assert principal_of(token, [SECRET], NOW - timedelta(seconds=1)).subscriptions == frozenset({"42"})
    with pytest.raises(Unauthenticated) as refused:
        principal_of(token, [SECRET], NOW)
    assert refused.value.code == "expired_token"


def test_the_previous_secret_still_proves_tokens() -> None:
    current, previous = read_secrets('{"current": "' + "n" * 64 + '", "previous": "' + "s" * 64 + '"}')
    assert (current.text, previous) == ("n" * 64, SECRET)
    assert read_secrets('{"current": "' + "n" * 64 + '"}') == (current,)


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"current": "short"}', '{"current": 1}', '{"previous": "x"}'])
def test_a_malformed_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_secrets(text)

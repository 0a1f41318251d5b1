"""A person whom a claim limits to a subscription sees and changes nothing of another, on any route."""

from collections.abc import Iterator

import pytest

from functions.ingest import handler as ingest
from fusion_billing.access.principal import SCOPES
from tests.fakes.oidc_issuer import FakeIssuer
from tests.integration.admin.isolated_world import LIMITS, TwoParties, two_parties
from tests.integration.admin.known_issuer import known_issuer
from tests.integration.admin.test_isolation import calls, shown_of
from tests.integration.admin.world import name_of

__all__ = ["two_parties"]

pytestmark = pytest.mark.integration

SUBSCRIPTION = LIMITS[0]
FAR = 4_000_000_000


@pytest.fixture
def issuer(two_parties: TwoParties, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIssuer]:
    """An issuer of people who share the source that pushed for both parties, and its endpoint."""
    for module in ("access", "oidc"):
        monkeypatch.setattr(f"fusion_billing.{module}.people.SOURCE", "src_app")
    scopes = "; ".join(f"{scope.replace(':', '-')}={scope}" for scope in SCOPES)
    ingest.app.cache_clear()
    with known_issuer(FAR, monkeypatch, OIDC_SCOPES=scopes, OIDC_SUBSCRIPTION_CLAIM="subscriptions") as made:
        yield made
    ingest.app.cache_clear()


@pytest.mark.parametrize("scopes", [SCOPES, SCOPES - {"admin"}], ids=["with admin", "without admin"])
@pytest.mark.parametrize("claimed", [["ours"], "ours", ["ours", "nobody's"]], ids=str)
def test_a_limited_person_sees_and_changes_nothing_beyond_the_claim(
    two_parties: TwoParties, issuer: FakeIssuer, scopes: frozenset[str], claimed: object
) -> None:
    groups = [scope.replace(":", "-") for scope in scopes]
    token = issuer.token(FAR, groups=groups, subscriptions=claimed, iat=None)
    before = two_parties.items_of(SUBSCRIPTION)
    seen = 0
    for call in calls(two_parties, SUBSCRIPTION, token):
        what = (name_of(call.route), call.request, call.status, call.text[:400])
        assert shown_of(call, SUBSCRIPTION) == [], what
        assert call.status < 500, what
        seen += call.status == 200 and call.route.scope is not None
    assert seen > 5
    assert two_parties.items_of(SUBSCRIPTION) == before


@pytest.mark.parametrize("claimed", [None, [], "", 5, {"ours": 1}, [["ours"]]], ids=str)
def test_a_person_without_a_valid_claim_sees_no_subscription(
    two_parties: TwoParties, issuer: FakeIssuer, claimed: object
) -> None:
    token = issuer.token(FAR, groups=[scope.replace(":", "-") for scope in SCOPES], subscriptions=claimed, iat=None)
    for call in calls(two_parties, SUBSCRIPTION, token, reading=True):
        assert shown_of(call, SUBSCRIPTION) == [], (name_of(call.route), call.text[:400])
    assert two_parties.admin.get("/v1/subscriptions", key=token).json["items"] == []

"""From which IP addresses usage may be pushed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fusion_billing.access import keys as key_format
from fusion_billing.access.principal import Principal
from fusion_billing.access.stored_key import StoredKey
from fusion_billing.http.source_address import AllowedAddresses
from tests.unit.ingest.conftest import IngestWorld, record

APP, OFFICE = "203.0.113.9", "198.51.100.7"


def push(world: IngestWorld, address: str, key: str) -> tuple[int, str | None]:
    event: dict[str, Any] = {
        "headers": {"authorization": f"Bearer {key}", "x-forwarded-for": APP},
        "requestContext": {"http": {"sourceIp": address}},
        "body": json.dumps(record()),
    }
    response = world.app.respond(event, 5)
    return response["statusCode"], json.loads(response["body"]).get("code")


@pytest.fixture
def limited() -> IngestWorld:
    """Ingest with a list for each area."""
    world = IngestWorld()
    lists = AllowedAddresses(admin="198.51.100.0/24", usage="203.0.113.0/24,198.51.100.0/24")
    world.app = replace(world.app, addresses=lists)
    return world


def test_usage_is_pushed_from_its_addresses_only(limited: IngestWorld) -> None:
    assert push(limited, APP, limited.key) == (201, None)
    reads = limited.keys.reads.total()
    assert push(limited, "192.0.2.1", limited.key) == (403, "ip_not_allowed")
    assert limited.keys.reads.total() == reads


def test_a_key_that_may_act_for_every_source_needs_the_address_of_an_admin(limited: IngestWorld) -> None:
    made = key_format.generate()
    principal = Principal(made.id, "src_operator", frozenset({"admin"}))
    limited.keys.create(made.id, StoredKey(principal, made.hash, limited.clock.now))
    assert push(limited, APP, made.text) == (403, "ip_not_allowed")
    assert push(limited, OFFICE, made.text) == (201, None)

"""Endpoint secrets under KMS, as moto has it: the encryption context is checked."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fusion_billing.dynamodb.webhooks.endpoint_secrets import EndpointSecrets
from fusion_billing.errors import Unavailable

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("kms", region_name="eu-central-1")


@pytest.fixture
def key(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["Arn"])


def test_what_is_sealed_opens_for_its_endpoint_alone(kms: Any, key: str) -> None:
    sealed = EndpointSecrets(kms, key).seal("ep_a", SECRET)
    assert SECRET.encode() not in sealed
    reader = EndpointSecrets(kms, key)
    assert reader.open("ep_a", sealed) == SECRET
    with pytest.raises(Unavailable) as refused:
        reader.open("ep_b", sealed)
    assert SECRET not in str(refused.value)


def test_a_secret_is_decrypted_once_while_the_container_is_warm(
    kms: Any, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = EndpointSecrets(kms, key)
    sealed = secrets.seal("ep_a", SECRET)
    assert secrets.open("ep_a", sealed) == SECRET
    monkeypatch.setattr(kms, "decrypt", None)
    assert secrets.open("ep_a", sealed) == SECRET


def test_without_the_key_nothing_is_sealed_or_opened(kms: Any) -> None:
    secrets = EndpointSecrets(kms, "arn:aws:kms:eu-central-1:123456789012:key/none")
    with pytest.raises(Unavailable):
        secrets.seal("ep_a", SECRET)
    with pytest.raises(Unavailable):
        secrets.open("ep_a", b"x")

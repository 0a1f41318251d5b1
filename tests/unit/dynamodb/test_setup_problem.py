"""A command says what its user has to set up, and says of nothing else that it is the user's to set up."""

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOTokenLoadError,
    UnauthorizedSSOTokenError,
)

from fusion_billing.dynamodb.errors import is_transient, setup_problem, unavailable_when_transient
from fusion_billing.errors import Unavailable


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "PutItem")


TO_SET_UP = [
    (NoRegionError(), "AWS_DEFAULT_REGION is not set"),
    (NoCredentialsError(), "No AWS credentials"),
    (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "No AWS credentials"),
    (ProfileNotFound(profile="billing"), "billing"),
    (UnauthorizedSSOTokenError(), "sign in again"),
    (SSOTokenLoadError(error_msg="no token"), "sign in again"),
]


@pytest.mark.parametrize(("error", "words"), TO_SET_UP)
def test_a_missing_setting_is_named_and_is_no_outage(error: Exception, words: str) -> None:
    assert words in str(setup_problem(error, "catalog"))
    assert not is_transient(error)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ExpiredTokenException", "sign in again"),
        ("UnrecognizedClientException", "rejected the credentials"),
        ("ResourceNotFoundException", "Table catalog does not exist in this account and region"),
        ("AccessDeniedException", "may not use table catalog"),
        ("ValidationException", "Table catalog cannot be used: ValidationException"),
    ],
)
def test_a_response_of_aws_is_put_in_words(code: str, words: str) -> None:
    assert words in str(setup_problem(client_error(code), "catalog"))


def test_an_endpoint_that_cannot_be_reached_is_named_although_it_may_be_an_outage() -> None:
    with pytest.raises(Unavailable) as raised, unavailable_when_transient():
        raise EndpointConnectionError(endpoint_url="https://dynamodb.eu-north-9.amazonaws.com")

    assert "eu-north-9" in str(setup_problem(raised.value, "catalog"))


@pytest.mark.parametrize("error", [ValueError(), Unavailable("busy"), ReadTimeoutError(endpoint_url="x")])
def test_anything_else_is_no_matter_of_setup(error: Exception) -> None:
    assert setup_problem(error, "catalog") is None

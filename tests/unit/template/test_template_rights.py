"""What the roles grant is what the functions use, no more and no less: compared with the recorded use."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest

from local.rights import Grant, Use, granted
from local.rights.grants import resources
from tests.used_rights import recorded

FUNCTIONS = ("ingest", "rate", "relay", "admin")
EVERYTHING = ("*",)
POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"}

each_function = pytest.mark.parametrize("function", FUNCTIONS)


def used(function: str) -> set[Use]:
    return {use for user, use in recorded() if user == function} | set(used_by_lambda(function))


def used_by_lambda(function: str) -> Iterator[Use]:
    """Yield what Lambda itself does with a function's role: poll its queues, and report failed invocations."""
    properties = resources()[f"{function.capitalize()}Function"]["Properties"]
    for event in properties.get("Events", {}).values():
        if event["Type"] == "SQS":
            queue = event["Properties"]["Queue"].removesuffix(".Arn")
            yield from (Use(action, queue, "") for action in POLLING)
    if "EventInvokeConfig" in properties:
        destination = properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]
        yield Use("sqs:SendMessage", destination.removesuffix(".Arn"), "")


def unused(grant: Grant, uses: set[Use]) -> Iterator[str]:
    allowed = [use for use in uses if grant.allows(use)]
    for action in set(grant.actions) - {use.action for use in allowed}:
        yield f"{grant.sid}: {action} on {grant.resource}"
    for pattern in grant.keys:
        if not any(fnmatchcase(use.key, pattern) for use in allowed):
            yield f"{grant.sid}: key {pattern} of {grant.resource}"


@each_function
def test_a_role_grants_what_its_function_uses(function: str) -> None:
    grants = granted()[function]

    assert sorted(use for use in used(function) if not any(grant.allows(use) for grant in grants)) == []


@each_function
def test_a_role_grants_nothing_that_its_function_does_not_use(function: str) -> None:
    uses = used(function)

    assert sorted(found for grant in granted()[function] for found in unused(grant, uses)) == []


@pytest.mark.parametrize("function", ["ingest", "rate", "relay"])
def test_only_admin_writes_api_keys_and_sources(function: str) -> None:
    written = [
        pattern
        for grant in granted()[function]
        if grant.resource == "catalog" and not set(grant.actions) <= READS
        for pattern in grant.keys
    ]

    assert EVERYTHING[0] not in written
    assert not any(
        fnmatchcase(key, pattern) for pattern in written for key in ("KEY#key_1", "SOURCE", "METRIC", "CHARGE")
    )


@pytest.mark.parametrize("function", ["rate", "relay"])
def test_functions_that_no_request_reaches_read_no_api_keys(function: str) -> None:
    patterns = [pattern for grant in granted()[function] if grant.resource == "catalog" for pattern in grant.keys]

    assert not any(fnmatchcase(key, pattern) for pattern in patterns for key in ("KEY#key_1", "SOURCE"))


@each_function
def test_every_write_of_a_shared_table_names_the_kinds_of_items(function: str) -> None:
    unlimited = [
        grant.sid
        for grant in granted()[function]
        if grant.resource in {"catalog", "state", "webhooks"} and not set(grant.actions) <= READS
        if grant.keys == EVERYTHING
    ]

    assert unlimited == []


@each_function
def test_an_endpoint_s_secret_is_used_only_with_the_endpoint_s_id(function: str) -> None:
    grants = [grant for grant in granted()[function] if grant.resource == "EndpointKey"]

    assert all(grant.keys == ("ep_*",) for grant in grants)


@each_function
@pytest.mark.parametrize(
    ("resource", "key"),
    [
        ("catalog", "KEY#key_1"),
        ("catalog", "SOURCE"),
        ("catalog", "HISTORY#CHARGE#calls"),
        ("ratings", "R#42#2026-11-01T00:00:00Z"),
        ("ratings", "T#42"),
        ("webhooks", "E#msg_1"),
        ("audit", "A#2026-11#1"),
        ("usage", "U#src_app#1"),
        ("window_usage", "42#calls"),
    ],
)
def test_nobody_deletes_what_happened(function: str, resource: str, key: str) -> None:
    assert not any(grant.allows(Use("dynamodb:DeleteItem", resource, key)) for grant in granted()[function])


@each_function
def test_statements_are_never_updated(function: str) -> None:
    assert not any(grant.allows(Use("dynamodb:UpdateItem", "ratings", "T#42")) for grant in granted()[function])


@pytest.mark.parametrize(("function", "action"), [("relay", "kms:Encrypt"), ("admin", "kms:Decrypt")])
def test_who_encrypts_secrets_does_not_decrypt_them(function: str, action: str) -> None:
    assert not any(grant.allows(Use(action, "EndpointKey", "ep_1")) for grant in granted()[function])

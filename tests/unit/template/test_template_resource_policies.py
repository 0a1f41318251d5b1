"""What the policies of queues, the topic and the key deny to everybody, whatever a role allows."""

from typing import Any

Resources = dict[str, dict[str, Any]]


def of(resources: Resources, kind: str) -> Resources:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def test_every_queue_denies_what_comes_without_tls(resources: Resources) -> None:
    covered = set()
    for policy in of(resources, "AWS::SQS::QueuePolicy").values():
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        covered |= {queue["Ref"] for queue in policy["Properties"]["Queues"]}

    assert covered == set(of(resources, "AWS::SQS::Queue"))


def test_only_alarms_of_this_account_publish_to_the_topic_and_only_by_tls(resources: Resources) -> None:
    (policy,) = of(resources, "AWS::SNS::TopicPolicy").values()
    allow, deny = policy["Properties"]["PolicyDocument"]["Statement"]

    assert (allow["Effect"], allow["Action"]) == ("Allow", "sns:Publish")
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allow["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert deny["Effect"] == "Deny"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_key_encrypts_and_decrypts_for_an_endpoint_only(resources: Resources) -> None:
    statements = resources["EndpointKey"]["Properties"]["KeyPolicy"]["Statement"]
    cryptographic = [
        statement
        for statement in statements
        if {"kms:Encrypt", "kms:Decrypt"} & set(statement["Action"]) and statement["Effect"] == "Allow"
    ]

    assert cryptographic
    for statement in cryptographic:
        assert set(statement["Action"]) == {"kms:Encrypt", "kms:Decrypt"}
        assert statement["Condition"] == {"StringLike": {"kms:EncryptionContext:endpoint": "ep_*"}}

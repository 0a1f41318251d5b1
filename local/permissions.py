"""What ministack asks for beside what AWS does, granted where the template grants what AWS asks for.

ministack derives an IAM action from each API operation's name. Two operations are authorised under another
name on AWS, so each role that has the right one there gets, here alone, the one that ministack looks for.
"""

import json
from typing import Any
from urllib.parse import unquote

ROLES = ("IngestRole", "RateRole", "RelayRole", "AdminRole")

_ALSO = {
    "dynamodb:PartiQLInsert": "dynamodb:BatchExecuteStatement",
    "dynamodb:PartiQLUpdate": "dynamodb:BatchExecuteStatement",
    "sqs:SendMessage": "sqs:SendMessageBatch",
}
_WITHOUT_RESOURCE = {"dynamodb:BatchExecuteStatement"}


def allow(formation: Any, iam: Any, stack: str) -> None:
    """Put the policy `local` into each role of `stack` that needs it; the clients are boto3's."""
    for role in ROLES:
        detail = formation.describe_stack_resource(StackName=stack, LogicalResourceId=role)
        name = detail["StackResourceDetail"]["PhysicalResourceId"]
        added = [
            statement
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
            if policy != "local"
            for statement in also(_document(iam.get_role_policy(RoleName=name, PolicyName=policy)))
        ]
        if added:
            document = json.dumps({"Version": "2012-10-17", "Statement": added})
            iam.put_role_policy(RoleName=name, PolicyName="local", PolicyDocument=document)


def also(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements to add to a policy: ministack's names for what it allows."""
    return [
        {
            "Effect": "Allow",
            "Action": _ALSO[action],
            "Resource": "*" if _ALSO[action] in _WITHOUT_RESOURCE else statement["Resource"],
        }
        for statement in document["Statement"]
        for action in statement["Action"]
        if action in _ALSO
    ]


def _document(response: dict[str, Any]) -> dict[str, Any]:
    document = response["PolicyDocument"]
    read: dict[str, Any] = json.loads(unquote(document)) if isinstance(document, str) else document
    return read

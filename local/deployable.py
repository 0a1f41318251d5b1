"""The built template as the local cloud can create it."""

import re
from pathlib import Path

_RESOURCE = re.compile(r"^  \w+:\n(?:    .*\n|\n)+", re.MULTILINE)


_WITHOUT_TLS = ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
_ENCRYPTION_CONTEXT = re.compile(r"\n +Condition:\n +StringLike:\n +kms:EncryptionContext:endpoint: ep_\*")


def for_local_cloud(built: Path) -> Path:
    """Return a copy of a built template, beside it, without what ministack rejects.

    These are alarms on expressions, policies that require TLS, which it does not speak, and conditions on the
    encryption context, which it does not know.
    """
    copy = built.with_name("template-for-local-cloud.yaml")
    head, resources, rest = built.read_text().partition("\nResources:\n")
    copy.write_text(head + resources + _ENCRYPTION_CONTEXT.sub("", _RESOURCE.sub(_if_it_can_be_created, rest)))
    return copy


def _if_it_can_be_created(resource: re.Match[str]) -> str:
    text = resource[0]
    is_on_expression = "\n    Type: AWS::CloudWatch::Alarm\n" in text and "\n      Metrics:\n" in text
    requires_tls = any(f"\n    Type: {kind}\n" in text for kind in _WITHOUT_TLS)
    return "" if is_on_expression or requires_tls else text

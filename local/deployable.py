"""The built template as the local cloud can create it."""

import re
from pathlib import Path

_RESOURCE = re.compile(r"^  \w+:\n(?:    .*\n|\n)+", re.MULTILINE)


def for_local_cloud(built: Path) -> Path:
    """Return a copy of a built template, beside it, without alarms on expressions, which ministack rejects."""
    copy = built.with_name("template-for-local-cloud.yaml")
    head, resources, rest = built.read_text().partition("\nResources:\n")
    copy.write_text(head + resources + _RESOURCE.sub(_unless_alarm_on_expression, rest))
    return copy


def _unless_alarm_on_expression(resource: re.Match[str]) -> str:
    text = resource[0]
    is_dropped = "\n    Type: AWS::CloudWatch::Alarm\n" in text and "\n      Metrics:\n" in text
    return "" if is_dropped else text

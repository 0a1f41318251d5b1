"""The planner's watermarks: the last hours whose markers it passed to the workers (item `PLANNER`)."""

from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.billing.planning import hour_text, parse_hour
from fusion_billing.dynamodb import errors, keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEY = keys.PLANNER_KEY
_HOUR, _URGENT = "hour", "urgent_hour"


class PlannerState:
    """The watermarks, and the earliest hour that can hold a marker."""

    def __init__(self, client: "DynamoDBClient", *, state_table: str, markers_table: str) -> None:
        self._client = client
        self._state = state_table
        self._markers = markers_table

    def watermark(self) -> datetime | None:
        """Return the last hour planned with all its pairs, None before the first."""
        return self._hour(_HOUR)

    def urgent_watermark(self) -> datetime | None:
        """Return the last hour planned at all, None before the first, and after an earlier release."""
        return self._hour(_URGENT)

    def _hour(self, name: str) -> datetime | None:
        item = self._client.get_item(TableName=self._state, Key=_KEY, ConsistentRead=True).get("Item", {})
        return parse_hour(item[name]["S"]) if name in item else None

    def advance(self, hour: datetime | None, *, urgent: datetime | None = None) -> None:
        """Note that all hours up to `hour` are planned, and those up to `urgent` with the pairs rated hourly.

        A later watermark stays. None: no further hour; the hours planned with all pairs count for both.
        """
        hours = {_HOUR: hour, _URGENT: urgent or hour}
        given = {name: at for name, at in hours.items() if at is not None}
        not_passed = " AND ".join(f"(attribute_not_exists(#{name}) OR #{name} <= :{name})" for name in given)
        try:
            self._client.update_item(
                TableName=self._state,
                Key=_KEY,
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in given),
                ConditionExpression=not_passed,
                ExpressionAttributeNames={f"#{name}": name for name in given},
                ExpressionAttributeValues={f":{name}": {"S": hour_text(at)} for name, at in given.items()},
            )
        except ClientError as error:
            if not errors.condition_failed(error):
                raise

    def markers_since(self) -> datetime:
        """Return when the markers table was created: no marker is older."""
        return self._client.describe_table(TableName=self._markers)["Table"]["CreationDateTime"]

"""How far the planner has come: the last hour whose markers it handed to the workers (`PLANNER`)."""

from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.billing.planning import hour_text, parse_hour
from fusion_billing.dynamodb import errors, keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEY = keys.PLANNER_KEY
_IS_FIRST = "attribute_not_exists(#hour)"
_IS_LATER = "#hour < :hour"


class PlannerState:
    """The watermark, and the earliest hour that can hold a marker."""

    def __init__(self, client: "DynamoDBClient", *, state_table: str, markers_table: str) -> None:
        self._client = client
        self._state = state_table
        self._markers = markers_table

    def watermark(self) -> datetime | None:
        """Return the last hour planned, None before the first."""
        item = self._client.get_item(TableName=self._state, Key=_KEY, ConsistentRead=True).get("Item")
        return parse_hour(item["hour"]["S"]) if item else None

    def advance(self, hour: datetime) -> None:
        """Note that all hours up to `hour` are planned; a later watermark stays."""
        try:
            self._client.update_item(
                TableName=self._state,
                Key=_KEY,
                UpdateExpression="SET #hour = :hour",
                ConditionExpression=f"{_IS_FIRST} OR {_IS_LATER}",
                ExpressionAttributeNames={"#hour": "hour"},
                ExpressionAttributeValues={":hour": {"S": hour_text(hour)}},
            )
        except ClientError as error:
            if not errors.condition_failed(error):
                raise

    def markers_since(self) -> datetime:
        """Return when the table of markers was made: no marker is older."""
        return self._client.describe_table(TableName=self._markers)["Table"]["CreationDateTime"]

"""Note which sign-ins have ended, so that what ended one can't end it again."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.dynamodb import keys
from fusion_billing.dynamodb.attributes import time_to_live
from fusion_billing.dynamodb.errors import condition_failed, unavailable_when_transient

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class UsedStates:
    """States of sign-ins, each usable once."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def use(self, state: str, until: datetime) -> bool:
        """Return whether a state was unused; it is used from now on, and forgotten after `until`."""
        is_new = "attribute_not_exists(pk)"
        item = keys.sign_in_key(hashlib.sha256(state.encode()).hexdigest()) | {"ttl": time_to_live(until)}
        try:
            with unavailable_when_transient():
                self._client.put_item(TableName=self._table, Item=item, ConditionExpression=is_new)
        except ClientError as error:
            if not condition_failed(error):
                raise
            return False
        return True

"""Create the first API key: `CATALOG_TABLE=… python -m fusion_billing.bootstrap`.

Makes a source named `operator` and a key of it with the scope `admin`, and prints the key, this once. Every
later key is made by `POST /v1/sources/{id}/keys` with it. Is it lost, run this again and revoke the old one.
"""

import secrets
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fusion_billing import commands, settings
from fusion_billing.access import keys as key_format
from fusion_billing.access.principal import ADMIN, Principal
from fusion_billing.access.stored_key import Source, StoredKey
from fusion_billing.dynamodb import client
from fusion_billing.dynamodb.catalog.api_keys import KeyStore
from fusion_billing.dynamodb.catalog.sources import SourceStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def first_key(dynamodb: "DynamoDBClient", table: str, now: datetime) -> str:
    """Make an operator with a key of the scope `admin` in the catalog `table`; return the key."""
    operator = Source(f"src_{secrets.token_hex(8)}", "operator", created=now)
    SourceStore(dynamodb, table).create(operator)
    made = key_format.generate()
    principal = Principal(made.id, operator.id, frozenset({ADMIN}))
    KeyStore(dynamodb, table).create(made.id, StoredKey(principal, made.hash, now))
    return made.text


def main() -> int:
    """Print a new operator's key; return 0, or 1 with what has to be set up."""
    try:
        table = settings.text("CATALOG_TABLE")
    except settings.Missing as error:
        return commands.failed(f"{error}: name the stack's catalog table (an output of the stack)")
    return commands.run(lambda: commands.report(first_key(client.dynamodb(), table, datetime.now(UTC))), table)


if __name__ == "__main__":
    sys.exit(main())

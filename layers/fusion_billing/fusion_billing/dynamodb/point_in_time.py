"""Restore a table, under its own name, to an earlier point in time.

DynamoDB restores into a new table alone. So the new one is backed up, the table is deleted, and the backup is restored
under the table's name: the stack and its roles need no change. Every step looks first whether it was done, so that a
command that was stopped can be started again. DynamoDB itself keeps a deleted table for 35 days.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fusion_billing.dynamodb.errors import code_of
from fusion_billing.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

COPY = "-restored-"
"""What stands between a table's name and the instant, in the name of the table that DynamoDB restores into."""

_PAUSE_SECONDS = 10.0
_MOST_PAUSES = 6 * 60 * 12


@dataclass(frozen=True, slots=True)
class _Settings:
    """What a restore does not bring back."""

    ttl: str | None
    is_protected: bool


class PointInTime:
    """Restores tables; `pause` takes seconds, `report` a line of text."""

    def __init__(
        self, client: "DynamoDBClient", pause: Callable[[float], None], report: Callable[[str], object]
    ) -> None:
        self._client = client
        self._pause = pause
        self._report = report

    def restore(self, table: str, at: datetime) -> None:
        """Restore a table to what it held at an instant; raises `Conflict` if there is nothing to restore."""
        copy = f"{table}{COPY}{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        if self._status(table) is None and self._status(copy) is None:
            raise Conflict(f"Table {table} does not exist in this account and region")
        settings = self._settings(table if self._status(table) is not None else copy)
        if self._status(copy) is None:
            self._report(f"Restoring {table} to {at.isoformat()} as {copy}")
            self._client.restore_table_to_point_in_time(
                SourceTableName=table, TargetTableName=copy, RestoreDateTime=at, UseLatestRestorableTime=False
            )
        self._await(lambda: self._status(copy) == "ACTIVE", f"{copy} is not active")
        self._set_ttl(copy, settings)
        self._put_under_its_name(copy, table, self._backup(copy))
        self._apply(table, settings)
        self._client.update_table(TableName=copy, DeletionProtectionEnabled=False)
        self._client.delete_table(TableName=copy)
        self._report(f"Restored {table}")

    def _backup(self, copy: str) -> str:
        """Return the backup of a table, made unless there is one."""
        found = self._client.list_backups(TableName=copy)["BackupSummaries"]
        if found:
            arn = found[0]["BackupArn"]
        else:
            self._report(f"Backing up {copy}")
            arn = self._client.create_backup(TableName=copy, BackupName=copy)["BackupDetails"]["BackupArn"]

        def is_available() -> bool:
            described = self._client.describe_backup(BackupArn=arn)["BackupDescription"]
            return described["BackupDetails"]["BackupStatus"] == "AVAILABLE"

        self._await(is_available, f"the backup of {copy} is not available")
        return arn

    def _put_under_its_name(self, copy: str, table: str, backup: str) -> None:
        created, copied = self._created(table), self._created(copy)
        if created is not None and copied is not None and created < copied:
            self._report(f"Deleting {table}")
            self._client.update_table(TableName=table, DeletionProtectionEnabled=False)
            self._client.delete_table(TableName=table)
            self._await(lambda: self._status(table) is None, f"{table} is not deleted")
        if self._status(table) is None:
            self._report(f"Restoring {table} from the backup of {copy}")
            self._client.restore_table_from_backup(TargetTableName=table, BackupArn=backup)
        self._await(lambda: self._status(table) == "ACTIVE", f"{table} is not active")

    def _settings(self, table: str) -> _Settings:
        ttl = self._client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        is_expiring = ttl.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
        protected = self._client.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled", False)
        # Of a copy it is unknown whether the table was protected: it is, until somebody says otherwise.
        return _Settings(ttl.get("AttributeName") if is_expiring else None, protected or COPY in table)

    def _set_ttl(self, table: str, settings: _Settings) -> None:
        if settings.ttl is not None and self._settings(table).ttl is None:
            self._client.update_time_to_live(
                TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": settings.ttl}
            )

    def _apply(self, table: str, settings: _Settings) -> None:
        self._set_ttl(table, settings)
        self._client.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        self._client.update_table(TableName=table, DeletionProtectionEnabled=settings.is_protected)

    def _status(self, table: str) -> str | None:
        described = self._described(table)
        return None if described is None else described["TableStatus"]

    def _described(self, table: str) -> "TableDescriptionTypeDef | None":
        try:
            return self._client.describe_table(TableName=table)["Table"]
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise

    def _created(self, table: str) -> datetime | None:
        described = self._described(table)
        return None if described is None else described["CreationDateTime"]

    def _await(self, is_done: Callable[[], bool], otherwise: str) -> None:
        for _ in range(_MOST_PAUSES):
            if is_done():
                return
            self._pause(_PAUSE_SECONDS)
        raise Unavailable(f"After twelve hours {otherwise}: run the command again")

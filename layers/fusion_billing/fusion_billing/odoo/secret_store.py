"""Read and replace the secret with Odoo's API key in AWS Secrets Manager."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from fusion_billing.errors import Unavailable
from fusion_billing.odoo.keys import from_secrets_manager

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretStore:
    """Reads and replaces the secret `arn`."""

    def __init__(self, client: "SecretsManagerClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def read(self) -> str:
        """Return the current text of the secret; raises `UnreadableSecret` if it has none."""
        return from_secrets_manager(self._client, self._arn)()  # type: ignore[arg-type]

    def write(self, text: str) -> None:
        """Replace the secret's text: a new version, the one before stays as `AWSPREVIOUS`.

        Raises `Unavailable` if Secrets Manager rejects it; the message does not contain the text.
        """
        try:
            self._client.put_secret_value(SecretId=self._arn, SecretString=text)
        except (BotoCoreError, ClientError):
            raise Unavailable("the secret with Odoo's API key could not be written") from None

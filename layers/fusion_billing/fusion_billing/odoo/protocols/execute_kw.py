"""Call Odoo through `execute_kw`, the method that JSON-RPC and XML-RPC (Odoo 17 and 18) have in common.

Both need a login besides the key (the key stands in for the password); it is part of the secret. The user id
that belongs to a key is requested once and remembered.
"""

from typing import Any

from fusion_billing.json_types import JsonMapping, JsonValue
from fusion_billing.odoo.errors import KeyRejected, OdooError, WrongDatabase
from fusion_billing.odoo.keys import Credentials
from fusion_billing.odoo.transport import Http


class ExecuteKw:
    """Sign in and call methods by `_dispatch`, which each protocol implements."""

    def __init__(self, http: Http, database: str) -> None:
        self._http = http
        self._database = database
        self._user_ids: dict[Credentials, int] = {}

    def call(
        self, credentials: Credentials, model: str, method: str, arguments: JsonMapping, seconds: float
    ) -> JsonValue:
        """Call `method` of `model`; see `wire.Wire`."""
        user_id = self._user_id(credentials, seconds)
        named = {name: value for name, value in arguments.items() if name != "ids"}
        positional = [arguments["ids"]] if "ids" in arguments else []
        try:
            return self._dispatch(
                "object",
                "execute_kw",
                [self._database, user_id, credentials.key, model, method, positional, named],
                seconds,
            )
        except KeyRejected:
            self._user_ids.pop(credentials, None)
            raise

    def _user_id(self, credentials: Credentials, seconds: float) -> int:
        known = self._user_ids.get(credentials)
        if known is not None:
            return known
        if not credentials.login:
            raise KeyRejected("this protocol needs a login beside the key, in the secret's JSON", name="login")
        arguments: list[Any] = [self._database, credentials.login, credentials.key, {}]
        user_id = self._dispatch("common", "authenticate", arguments, seconds)
        if not isinstance(user_id, int) or isinstance(user_id, bool):
            raise KeyRejected("Odoo does not accept the login with this key", name="authenticate")
        self._user_ids[credentials] = user_id
        return user_id

    def _dispatch(self, service: str, method: str, arguments: list[Any], seconds: float) -> Any:
        raise NotImplementedError


def wrong_database_if_missing(error: OdooError) -> OdooError:
    """Return `WrongDatabase` if the message says that the database does not exist, else the same error."""
    text = error.message.lower()
    if "database" in text and "does not exist" in text:
        return WrongDatabase("the database does not exist at ODOO_URL", name=error.name)
    return error

"""The interface of Odoo's three protocols: one call, and one value or one classified error."""

from typing import Protocol

from fusion_billing.json_types import JsonMapping, JsonValue
from fusion_billing.odoo.keys import Credentials


class Wire(Protocol):
    """Call methods of models over one protocol.

    `arguments` are the method's own by name, with `ids` (the records, for a method of records) and
    `context` among them, as JSON-2 takes them. Numbers with a fraction come back as Decimal, digit for
    digit as Odoo wrote them. Raises an `OdooError`.
    """

    def call(
        self, credentials: Credentials, model: str, method: str, arguments: JsonMapping, seconds: float
    ) -> JsonValue:
        """Call the method within `seconds` and return its result."""
        ...

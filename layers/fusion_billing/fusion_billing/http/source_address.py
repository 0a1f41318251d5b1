"""Refuse requests by the address they come from, as API Gateway saw it.

That is the peer of the connection. Headers such as `X-Forwarded-For`, which a caller can make up, are not read.
"""

from functools import cache
from typing import TYPE_CHECKING, Literal

from fusion_billing.errors import Forbidden, Unavailable
from fusion_billing.json_types import JsonMapping

if TYPE_CHECKING:
    from fusion_billing.access.address_list import AddressList

Area = Literal["admin", "usage"]
"""What a list is for: pushing and reading usage, or everything else."""

PARAMETERS: dict[Area, str] = {"admin": "AdminAllowedCidrs", "usage": "UsageAllowedCidrs"}
"""The parameters of the template that set the lists."""


class AllowedAddresses:
    """The addresses that requests may come from; an empty list allows all."""

    def __init__(self, *, admin: str, usage: str) -> None:
        """Take the lists as they are configured: CIDR blocks, separated by commas."""
        self._texts: dict[Area, str] = {"admin": admin.strip(), "usage": usage.strip()}

    def check(self, event: JsonMapping, area: Area) -> None:
        """Raise `Forbidden` (`ip_not_allowed`) unless an event comes from an address of the list of `area`.

        Raises `Unavailable` (`ip_list_not_configured`) if the list is malformed: then no address is allowed.
        """
        text = self._texts[area]
        if not text:
            return
        address = str(event.get("requestContext", {}).get("http", {}).get("sourceIp", ""))
        if not _list(text, area).allows(address):
            raise Forbidden(f"Requests from {address or 'an unknown address'} are not allowed", code="ip_not_allowed")


@cache
def _list(text: str, area: Area) -> "AddressList":
    from fusion_billing.access.address_list import parse  # noqa: PLC0415  not for services without a list

    try:
        return parse(text)
    except ValueError as error:
        message = f"The parameter {PARAMETERS[area]} must be CIDR blocks separated by commas: {error}"
        raise Unavailable(message, code="ip_list_not_configured") from None

"""The declaration of one route."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Audited = Literal["in_transaction", "around", "on_behalf", "by_handler"]
"""How a change gets into the audit log: by an entry in its own transaction, by entries before and after it, by those
if a key acts for another source (a record's revisions are the log of its own), or by an entry that the handler makes,
since it authenticates by itself."""

Responses = Mapping[int, str | None]
"""Status -> the name of the response's schema in the OpenAPI document; None for no body."""

_SESSIONS = "/v1/sessions"
"""Routes below it authenticate by themselves."""

PAGE_PARAMETERS = ("limit", "cursor")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, declared once.

    Attributes:
        method: The HTTP method.
        path: The path, with parameters as `{name}`. The last one may be `{name+}`: it takes slashes too.
        handler: `<module>.<function>` in `functions.admin.routes`, imported when its first request comes.
            None for a route that another function serves.
        scope: The scope a key needs; None for a route that is open to everyone.
        summary: What the operation does, for the OpenAPI document.
        responses: The successful responses.
        errors: The error codes of this route beyond those that follow from the rest of the declaration.
        body: The name of the request body's schema; None if the route takes no body.
        body_required: Whether a request without a body is refused.
        query: The query parameters, without `limit` and `cursor`.
        choices: The values that a query parameter may have, the default first; any text if it is not named.
        required_query: Those of `query` that a request must have.
        headers: The request headers that are read besides `Authorization`.
        audited: How the route's changes get into the audit log; None for a route that changes nothing.
        csv: Whether a page is served as CSV too.
        page_members: The members of a page beside `items` and `cursor`, each the name of a schema's property in
            `PageMembers`.
        portal: Whether a portal token opens the route, for its own subscription. No other route opens to one.
        any_query: Whether query parameters that are not named are taken too: another service adds what it likes.
        paged: Whether the route takes `limit` and `cursor`. Its response is a page of `responses`' schema.
    """

    method: str
    path: str
    handler: str | None
    scope: str | None
    summary: str
    responses: Responses
    errors: tuple[str, ...] = ()
    body: str | None = None
    body_required: bool = True
    query: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required_query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    paged: bool = False
    page_members: tuple[str, ...] = ()
    csv: bool = False
    portal: bool = False
    audited: Audited | None = None
    any_query: bool = False

    @property
    def area(self) -> Literal["admin", "usage"] | None:
        """What IP addresses a request may come from: those for usage, those for all else; None for any address."""
        if self.scope is None:
            return "admin" if self.path.startswith(_SESSIONS) else None
        return "usage" if self.scope.startswith("usage:") else "admin"

    @property
    def template(self) -> str:
        """The path as the OpenAPI document has it."""
        return self.path.replace("+}", "}")

    @property
    def operation_id(self) -> str:
        """The operation's id: the method, then the words of the path."""
        words = [
            word.strip("{}").replace(".", "_").replace("-", "_")
            for word in self.template.split("/")
            if word not in {"", "v1"}
        ]
        return "_".join([self.method.lower(), *words])

    def object_of(self, parameters: Mapping[str, str]) -> str:
        """Return what the audit log calls the object of a request: its path up to the last parameter, filled in."""
        words = self.template.split("/")[2:]
        last = max((place for place, word in enumerate(words) if word.startswith("{")), default=len(words) - 1)
        return "/".join(parameters.get(word.strip("{}"), word) for word in words[: last + 1])

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every query parameter that the route takes."""
        return self.query + PAGE_PARAMETERS if self.paged else self.query

    def match(self, path: str) -> dict[str, str] | None:
        """Return the path parameters if `path` is one of this route, else None.

        Parameters are returned as they are in the path. A parameter is never empty.
        """
        expected, given = self.path.split("/"), path.split("/")
        if expected[-1].endswith("+}"):
            last = len(expected) - 1
            given = [*given[:last], "/".join(given[last:])] if len(given) > last else given
        if len(expected) != len(given):
            return None
        found: dict[str, str] = {}
        for word, value in zip(expected, given, strict=True):
            if word.startswith("{"):
                if not value:
                    return None
                found[word.strip("{+}")] = value
            elif word != value:
                return None
        return found

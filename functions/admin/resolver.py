"""Powertools' HTTP API resolver, made to fit our paths and to answer as problem+json throughout.

An HTTP API decodes every escape of the path but `%25` before it calls the function, so a slash
in an idempotency key arrives as a slash: a parameter named `any_…` takes slashes along, every
other one stops at them. Both are decoded once more, which is right for `%25` and for callers that
pass the path on as it was sent (a function URL, a test).
"""

import re
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayHttpResolver, Response, ResponseBuilder

from functions.admin import problems
from fusion_billing.errors import NotFound

_PARAMETER = re.compile(r"<(any_)?(\w+)>")


class Resolver(APIGatewayHttpResolver):
    """Routes an API Gateway event (payload 2.0); what matches no route is a 404 or a 405 problem."""

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "^{}$") -> re.Pattern[str]:
        def group(found: re.Match[str]) -> str:
            within = ".+" if found[1] else "[^/]+"
            return f"(?P<{found[1] or ''}{found[2]}>{within})"

        # `\Z`, since `$` would let a line break at the end through.
        return re.compile(base_regex.removesuffix("$").format(_PARAMETER.sub(group, rule)) + r"\Z", re.DOTALL)

    def _convert_matches_into_route_keys(self, match: re.Match[str]) -> dict[str, str]:
        return {name: unquote(value) for name, value in match.groupdict().items()}

    def _handle_not_found(self, method: str, path: str) -> ResponseBuilder[Any]:
        allowed = self.allowed(path)
        if not allowed:
            return self._answer(problems.of_error(NotFound("there is nothing at this path")))
        return self._answer(problems.of_method(method, allowed))

    def allowed(self, path: str) -> list[str]:
        """Return the methods that some route takes at `path`, sorted."""
        routes = self._static_routes + self._dynamic_routes
        return sorted({route.method for route in routes if route.rule.match(path)})

    def _answer(self, response: Response[Any]) -> ResponseBuilder[Any]:
        return self._response_builder_class(response=response, serializer=self._serializer)

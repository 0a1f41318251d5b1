"""`GET /openapi.json`: open to all."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin.routing import Router, json_answer
from functions.admin.services import openapi as service

router = Router()


@router.get("/openapi.json")
def openapi() -> Response[str]:
    """Show the service's OpenAPI document."""
    return json_answer(200, service.document())

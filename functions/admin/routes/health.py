"""`GET /v1/health`: open to all."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from functions.admin.routing import Router, json_answer
from functions.admin.services import health as service

router = Router()


@router.get("/v1/health")
def health() -> Response[str]:
    """Say that the service is there, and in which version."""
    return json_answer(200, service.health())

"""Fusion Billing in Python: every route of the API, and usage counts that survive crashes.

from fusion_billing_client import Client, Meter

client = Client("https://billing.example.com", "fb_...")
meter = Meter(client, "usage.db")
meter.count("42", "api_calls", 3, region="eu")
"""

from fusion_billing_client._async.client import AsyncClient
from fusion_billing_client._sync.client import Client
from fusion_billing_client._version import __version__
from fusion_billing_client.errors import (
    APIError,
    AuthenticationError,
    ClockError,
    ConflictError,
    ConnectionFailed,
    FieldError,
    FusionBillingError,
    InvalidRequestError,
    InvalidUsageError,
    LedgerError,
    LedgerFullError,
    MeterError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TimedOut,
    TransportError,
    VersionConflictError,
)
from fusion_billing_client.meter import FlushReport, Meter, Rejected, Status
from fusion_billing_client.retries import NO_RETRIES, RetryPolicy

__all__ = [
    "NO_RETRIES",
    "APIError",
    "AsyncClient",
    "AuthenticationError",
    "Client",
    "ClockError",
    "ConflictError",
    "ConnectionFailed",
    "FieldError",
    "FlushReport",
    "FusionBillingError",
    "InvalidRequestError",
    "InvalidUsageError",
    "LedgerError",
    "LedgerFullError",
    "Meter",
    "MeterError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "Rejected",
    "RetryPolicy",
    "ServerError",
    "Status",
    "TimedOut",
    "TransportError",
    "VersionConflictError",
    "__version__",
]

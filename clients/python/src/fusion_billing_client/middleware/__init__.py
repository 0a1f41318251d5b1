"""Count what an app serves: ASGI and WSGI requests, Celery tasks, and calls of a function.

Each module stands alone: `from fusion_billing_client.middleware.asgi import MeterMiddleware`.
"""

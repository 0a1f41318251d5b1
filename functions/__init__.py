"""The Lambda functions, each with a thin handler and its services."""

import gc

# What a start imports lives as long as its container, and a request makes hardly a cycle. Looking for cycles
# after every 700 new objects costs a fifth of a batch of 500 records; a start makes 120,000 objects at most,
# and one look on its way costs 15 ms of its 250.
gc.set_threshold(150_000)

from fusion_billing import compiled_dataclasses  # noqa: E402  so that its own objects are not looked at either

compiled_dataclasses.use()

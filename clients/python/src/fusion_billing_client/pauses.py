"""Waiting, in both styles."""

import asyncio
import time


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


async def async_pause(seconds: float) -> None:
    """Wait without blocking the event loop."""
    await asyncio.sleep(seconds)

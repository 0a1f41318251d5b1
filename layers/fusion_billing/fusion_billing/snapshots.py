"""What a function must make anew when Lambda starts it from a snapshot (parameter `SnapStart`).

Every container that starts from a snapshot has the memory of the one that was initialized: its connections, its caches,
the state of its random numbers. Functions open no connection and read nothing while they are initialized, so their
caches are empty in a snapshot. IDs, keys and secrets are random numbers of the operating system, which differ. Only
`random` is in memory: it jitters pauses, which must not be in step.
"""

import importlib
import random

from fusion_billing import settings


def reseed_after_restore() -> None:
    """Have `random` seeded in each container that starts from a snapshot; call it while the function is initialized."""
    if settings.text("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand") != "snap-start":
        return
    # A module of Lambda's runtime, which has no types and is installed nowhere else.
    importlib.import_module("snapshot_restore_py").register_after_restore(random.seed)

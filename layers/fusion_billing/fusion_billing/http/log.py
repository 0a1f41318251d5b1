"""Log lines as JSON, one per line, for functions that need a short cold start.

What goes in is chosen by name where it is called: no body, no header, no secret.
"""

import json
import sys

_ORDER = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """Writes the log lines of one service, at or above a level."""

    def __init__(self, service: str, level: str = "info") -> None:
        self._service = service
        self._from = _ORDER.get(level.lower(), _ORDER["info"])

    def __call__(self, level: str, message: str, **fields: object) -> None:
        """Write one line: `level` (debug, info, warning, error), a message, and its fields."""
        if _ORDER[level] >= self._from:
            line = {"level": level.upper(), "service": self._service, "message": message, **fields}
            sys.stdout.write(json.dumps(line, default=str, separators=(",", ":")) + "\n")

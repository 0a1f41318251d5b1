"""`python -m local.odoo`: run the stand-in until Ctrl-C."""

import argparse
import errno
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from local.odoo.engine import SERIES
from local.odoo.server import HOST, serve


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve; return the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.odoo", description=__doc__)
    parser.add_argument("--port", type=int, default=8069, help="port on 127.0.0.1 (default 8069)")
    parser.add_argument("--database", default="demo", help="name of the database (default demo)")
    parser.add_argument("--state", type=Path, default=Path(".local/odoo.sqlite"), help="SQLite file of the state")
    parser.add_argument("--series", choices=SERIES, default=SERIES[-1], help="the Odoo to play (default 19.0)")
    options = parser.parse_args(arguments)
    try:
        options.state.parent.mkdir(parents=True, exist_ok=True)
        with serve(options.state, options.port, database=options.database, series=options.series) as server:
            stop = threading.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            print(f"Odoo stand-in: {server.url}, database {options.database}, state {options.state}", flush=True)
            stop.wait()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _fail(f"Port {options.port} on {HOST} is in use: stop what listens there, or give another --port.")
        return _fail(f"Can't start: {error}")
    except (sqlite3.Error, OverflowError) as error:
        return _fail(f"Can't start with state {options.state} on port {options.port}: {error}")
    return 0


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Faults of Odoo."""

import json
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from fusion_billing.odoo.errors import ConnectError, ConnectionLost, ReadTimeout
from local.odoo import json2
from local.odoo.errors import SERIALIZATION_MESSAGE, DatabaseError
from tests.campaign import odoo
from tests.campaign.director import Call
from tests.campaign.faults.base import Counted, Fault, Parameters
from tests.lives import odoo as lives_odoo


class _OdooFault(Counted):
    """A fault of calls of Odoo."""

    functions = (None,)
    most_skipped = 8
    most_times = 4

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "method": random.choice(["load", "load", None])}

    def matches(self, call: Call) -> bool:
        if call.operation != "Odoo":
            return False
        wanted = self.parameters.get("method")
        return wanted is None or call.request["method"] == wanted


class Slow(_OdooFault, kind="odoo_slow"):
    """Odoo takes long for a call, and responds in time."""

    def before(self, call: Call) -> None:
        if self.is_due(call):
            self.world.clock.sleep(call.request["seconds"] * 0.9)


class TimedOut(_OdooFault, kind="odoo_timed_out"):
    """A call of Odoo times out, and never takes effect."""

    def before(self, call: Call) -> None:
        if self.is_due(call):
            self.world.clock.sleep(call.request["seconds"])
            raise ReadTimeout("no response in time")


class CommitsLate(_OdooFault, kind="odoo_commits_late"):
    """A call of Odoo times out, and takes effect up to a minute later."""

    most_times = 2

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "method": "load", "later": random.choice([1, 20, 60])}

    def before(self, call: Call) -> None:
        if self.is_due(call):
            self.world.clock.sleep(call.request["seconds"])
            at = self.world.clock.now + timedelta(seconds=self.parameters["later"])
            self.world.later.append((at, partial(_attempt, call.request["post"])))
            raise ReadTimeout("no response in time")


class Lost(_OdooFault, kind="odoo_response_lost"):
    """Odoo carries a call out, and its response is lost."""

    def after(self, call: Call) -> None:
        if self.is_due(call):
            raise ConnectionLost("the connection ended before the response did")


class Reset(_OdooFault, kind="odoo_reset"):
    """The connection to Odoo ends before the call takes effect."""

    def before(self, call: Call) -> None:
        if self.is_due(call):
            raise ConnectionLost("the connection ended before the response did")


class Unreachable(_OdooFault, kind="odoo_unreachable"):
    """Odoo accepts no connection."""

    most_times = 12

    def before(self, call: Call) -> None:
        if self.is_due(call):
            raise ConnectError("the connection was refused, or the name does not resolve")


class _Responds(_OdooFault):
    """A response of a proxy before Odoo, or of Odoo without its database."""

    def instead(self, call: Call) -> Any:
        return self.response() if self.is_due(call) else None

    def response(self) -> Any:
        raise NotImplementedError


class TooMany(_Responds, kind="odoo_too_many_requests"):
    """A proxy before Odoo responds with 429 and Retry-After."""

    def response(self) -> Any:
        return odoo.response(429, retry_after=30)


class Unavailable(_Responds, kind="odoo_unavailable"):
    """A proxy before Odoo responds with 502, 503 or 504."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "status": random.choice([502, 503, 504])}

    def response(self) -> Any:
        return odoo.response(self.parameters["status"])


class DatabaseDown(_Responds, kind="odoo_database_down"):
    """Odoo's PostgreSQL is down: no database is found, whatever its name."""

    def response(self) -> Any:
        return odoo.response(404, json2.NO_DATABASE)


class Serialization(_Responds, kind="odoo_serialization_failure"):
    """Odoo gives up on a call after a serialization failure of PostgreSQL."""

    def response(self) -> Any:
        error = DatabaseError.serialization()
        return odoo.HttpResponse(error.status, "application/json", json.dumps(error.body()).encode())


class LoadSerialization(_Responds, kind="odoo_load_serialization_failure"):
    """`load` responds with 200 and a serialization failure in its messages."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "method": "load"}

    def response(self) -> Any:
        body = {"ids": False, "messages": [{"type": "error", "message": SERIALIZATION_MESSAGE}], "nextrow": 0}
        return odoo.HttpResponse(200, "application/json", json.dumps(body).encode())


class KeyRejected(Fault, kind="odoo_key_rejected"):
    """Odoo rejects the API key for a while."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {"minutes": random.choice([5, 40, 180])}

    def start(self) -> None:
        self.world.odoo.revoke_key(lives_odoo.KEY)
        self.world.director.armed.append(self)
        self._is_back = False
        again = self.world.clock.now + timedelta(minutes=self.parameters["minutes"])
        self.world.later.append((again, self._give_back))

    def before(self, call: Call) -> None:
        if call.operation == "Odoo" and not self._is_back:
            self.fire()

    def _give_back(self) -> None:
        if not self._is_back:
            self._is_back = True
            self.world.odoo.add_key("relay", lives_odoo.KEY)

    def stop(self) -> None:
        super().stop()
        self._give_back()


class WrongReadBack(_OdooFault, kind="odoo_wrong_read_back"):
    """Lines read back from Odoo do not say what was written, as if a person or a module had changed them."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "method": None, "skip": random.randrange(3)}

    def matches(self, call: Call) -> bool:
        if call.operation != "Odoo" or call.frame.function != "relay":
            return False
        fields = call.request["arguments"].get("fields") or []
        return call.request["model"] == "sale.order.line" and "price_subtotal" in fields

    def instead(self, call: Call) -> Any:
        if not self.is_due(call):
            return None
        response = call.request["post"]()
        rows = json.loads(response.body)
        if isinstance(rows, list):
            for row in rows:
                row["price_subtotal"] = round(row["price_subtotal"] + 0.01, 2)
        return odoo.HttpResponse(response.status, response.content_type, json.dumps(rows).encode())


class RowRejected(_OdooFault, kind="odoo_row_rejected"):
    """`load` rejects one row of a call, and with it all of them."""

    @classmethod
    def choose(cls, random: Random) -> Parameters:
        return {**super().choose(random), "method": "load", "skip": random.randrange(2)}

    def instead(self, call: Call) -> Any:
        if not self.is_due(call):
            return None
        row = {"type": "error", "message": "A required field is missing", "record": 0, "rows": {"from": 0, "to": 0}}
        body = {"ids": False, "messages": [row], "nextrow": 0}
        return odoo.HttpResponse(200, "application/json", json.dumps(body).encode())


def _attempt(post: Any) -> None:
    try:
        post()
    except ConnectionLost:
        return

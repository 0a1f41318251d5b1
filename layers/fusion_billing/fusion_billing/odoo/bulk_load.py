"""`sale.order.line/load`: many lines in one call, and the bad ones found without harm to the rest.

A row has its own verdict only when it was sent alone: in a batch a bad row undoes the good ones, and its
message may stand on row 0. Messages do hint at rows, so what they name is taken out and tried alone, and the
rest goes again in one call; without a hint the batch is halved. One bad row of a hundred costs four calls,
not a hundred.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fusion_billing.odoo.client import Odoo
from fusion_billing.odoo.error_classification import as_configuration_error, from_load_messages
from fusion_billing.odoo.errors import (
    ConfigurationError,
    ConnectionLost,
    GatewayError,
    PermanentError,
    ReadTimeout,
    SerializationFailure,
    TransientError,
    ValidationFailed,
    WrongAddress,
)
from fusion_billing.odoo_lines.order_line import COLUMNS

_MOST_HINTS = 10  # more rows than these are halved: past a tenth of bad rows `load` stops naming them
_AT_ONCE = 3  # tries of a call that met another transaction, or whose connection was lost
_FIRST_PAUSE = 0.3

Row = Sequence[str]
DeliveryResult = int | PermanentError | TransientError
"""What became of a row: the id of its line, or why there is none."""


@dataclass
class Loader:
    """Loads rows; `seconds` says before each call how long it may take, `pause` sleeps."""

    odoo: Odoo
    seconds: Callable[[], float]
    pause: Callable[[float], None]
    columns: Sequence[str] = COLUMNS
    calls: int = field(default=0, init=False)
    is_unknown: bool = field(default=False, init=False)
    """Whether a call may have been carried out although its result never came."""
    is_done: bool = field(default=False, init=False)
    """Whether a call was carried out."""

    def load(self, rows: Sequence[Row]) -> list[DeliveryResult]:
        """Put all rows there; return the verdict of each, in their order.

        Raises what ends the whole matter: an `Alarm`, a `Wait`, `TimedOut` (Odoo may still be at work).
        """
        if not rows:
            return []
        outcome = self._call(rows)
        if isinstance(outcome, list):
            return list(outcome)
        if isinstance(outcome, TransientError):
            return [outcome] * len(rows)
        if len(rows) == 1:
            return [_alone(outcome)]
        return self._apart(rows, sorted(row for row in outcome if row < len(rows)))

    def _apart(self, rows: Sequence[Row], hinted: list[int]) -> list[DeliveryResult]:
        if not hinted or len(hinted) > _MOST_HINTS or len(hinted) == len(rows):
            middle = len(rows) // 2
            return [*self.load(rows[:middle]), *self.load(rows[middle:])]
        suspects = set(hinted)
        rest = [index for index in range(len(rows)) if index not in suspects]
        verdicts: dict[int, DeliveryResult] = dict(zip(rest, self.load([rows[index] for index in rest]), strict=True))
        for index in hinted:
            verdicts[index] = self.load([rows[index]])[0]
        return [verdicts[index] for index in range(len(rows))]

    def _call(self, rows: Sequence[Row]) -> list[int] | TransientError | dict[int, PermanentError | TransientError]:
        """Make one call, again where that may help at once: ids, or why not, as a whole or row by row."""
        told: list[int] | TransientError | dict[int, PermanentError | TransientError] = {}
        for tried in range(_AT_ONCE):
            if tried:
                self.pause(_FIRST_PAUSE * 2 ** (tried - 1))
            told = self._once(rows)
            failure = told if isinstance(told, TransientError) else None
            if isinstance(told, dict):
                failure = next((error for error in told.values() if isinstance(error, TransientError)), None)
            if not isinstance(failure, SerializationFailure | ConnectionLost | GatewayError):
                return told
            told = failure
        return told

    def _once(self, rows: Sequence[Row]) -> list[int] | TransientError | dict[int, PermanentError | TransientError]:
        self.calls += 1
        try:
            answer = self.odoo.call(
                "sale.order.line",
                "load",
                seconds=self.seconds(),
                fields=list(self.columns),
                data=[list(row) for row in rows],
            )
        except (SerializationFailure, ConnectionLost, GatewayError) as error:
            self.is_unknown = self.is_unknown or error.unknown
            return error
        except ReadTimeout:
            self.is_unknown = True
            raise
        except PermanentError as error:
            alarm = as_configuration_error(error)
            if isinstance(alarm, ConfigurationError):
                raise alarm from None
            # No row is named: with one row it is that one, with more they are halved.
            return {0: error} if len(rows) == 1 else {}
        told = _told(answer, len(rows))
        self.is_done = self.is_done or isinstance(told, list)
        return told


def _told(answer: Any, rows: int) -> list[int] | dict[int, PermanentError | TransientError]:
    if not isinstance(answer, dict):
        raise WrongAddress("load answered no object", name="load")
    ids = answer.get("ids")
    if isinstance(ids, list) and len(ids) == rows and all(isinstance(one, int) for one in ids):
        return ids
    told = from_load_messages(answer.get("messages"))
    closed = next(
        (error for error in told.values() if isinstance(as_configuration_error(error), ConfigurationError)), None
    )
    if closed is not None:
        raise as_configuration_error(closed)
    return told


def _alone(told: dict[int, PermanentError | TransientError]) -> PermanentError | TransientError:
    """Return the verdict on a row that was sent alone: all that was said is about it."""
    errors = [*told.values()]
    telling = next((error for error in errors if not isinstance(error, ValidationFailed)), None)
    return telling or next(iter(errors), ValidationFailed("Odoo took nothing and did not say why", name="load"))

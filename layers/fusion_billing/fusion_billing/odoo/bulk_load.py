"""Write many order lines in one call of `sale.order.line/load`, and isolate the rows that Odoo rejects.

The error of a row is certain only if the row was sent alone: in a batch one bad row rolls back the good ones, and
its message may be reported for row 0. Messages do hint at rows, though. So the rows they name are taken out and
sent alone, and the others are sent again in one call; without a hint the batch is halved. One bad row in a hundred
costs four calls, not a hundred.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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

_MAX_HINTS = 10  # more rows than these are halved: past a tenth of bad rows `load` stops naming them
_MAX_ATTEMPTS = 3  # of a call that conflicted with another transaction, or whose connection was lost
_FIRST_PAUSE = 0.3

Row = Sequence[str]
RowError = PermanentError | TransientError
RowResult = int | RowError
"""The ID of the line, or why there is none."""


@dataclass(frozen=True, slots=True)
class _CallResult:
    """The result of one call of `load`: one of the IDs of all lines, an error of the call, errors of rows."""

    ids: tuple[int, ...] | None = None
    error: TransientError | None = None
    row_errors: Mapping[int, RowError] = field(default_factory=dict)

    @property
    def transient_error(self) -> TransientError | None:
        """Return the error for which the whole call is to be repeated, None if there is none."""
        errors = [self.error, *self.row_errors.values()]
        return next((error for error in errors if isinstance(error, TransientError)), None)


@dataclass
class Loader:
    """Load rows into `sale.order.line`.

    Attributes:
        seconds: Returns how long the next call may take.
        pause: Sleeps for a number of seconds.
        calls: How many calls were made.
        is_unknown: Whether Odoo may have carried out a call whose response never arrived.
        is_done: Whether Odoo carried out a call.
    """

    odoo: Odoo
    seconds: Callable[[], float]
    pause: Callable[[float], None]
    calls: int = field(default=0, init=False)
    is_unknown: bool = field(default=False, init=False)
    is_done: bool = field(default=False, init=False)

    def load(self, rows: Sequence[Row], columns: Sequence[str] = COLUMNS) -> list[RowResult]:
        """Write all rows and return the result of each, in their order.

        Raises:
            ConfigurationError: If no call can succeed.
            OdooUnavailable: If Odoo can't be reached.
            ReadTimeout: If Odoo may still be processing the call.
            TooManyRequests: If Odoo asked to wait.
        """
        if not rows:
            return []
        result = self._call_with_retries(rows, columns)
        if result.ids is not None:
            return list(result.ids)
        if result.error is not None:
            return [result.error] * len(rows)
        if len(rows) == 1:
            return [_error_of_only_row(result.row_errors)]
        return self._isolate(rows, columns, sorted(row for row in result.row_errors if row < len(rows)))

    def _isolate(self, rows: Sequence[Row], columns: Sequence[str], hinted: list[int]) -> list[RowResult]:
        """Send the rows that a message named alone and the others together, or all of them in halves."""
        if not hinted or len(hinted) > _MAX_HINTS or len(hinted) == len(rows):
            middle = len(rows) // 2
            return [*self.load(rows[:middle], columns), *self.load(rows[middle:], columns)]
        others = [index for index in range(len(rows)) if index not in set(hinted)]
        loaded = self.load([rows[index] for index in others], columns)
        results: dict[int, RowResult] = dict(zip(others, loaded, strict=True))
        for index in hinted:
            [results[index]] = self.load([rows[index]], columns)
        return [results[index] for index in range(len(rows))]

    def _call_with_retries(self, rows: Sequence[Row], columns: Sequence[str]) -> _CallResult:
        """Call `load` until the result is no transient error, three times at most."""
        error: TransientError | None = None
        for attempt in range(_MAX_ATTEMPTS):
            if attempt:
                self.pause(_FIRST_PAUSE * 2 ** (attempt - 1))
            result = self._call(rows, columns)
            error = result.transient_error
            if error is None:
                return result
        return _CallResult(error=error)

    def _call(self, rows: Sequence[Row], columns: Sequence[str]) -> _CallResult:
        self.calls += 1
        try:
            response = self.odoo.call(
                "sale.order.line",
                "load",
                seconds=self.seconds(),
                fields=list(columns),
                data=[list(row) for row in rows],
            )
        except (SerializationFailure, ConnectionLost, GatewayError) as error:
            self.is_unknown = self.is_unknown or error.unknown
            return _CallResult(error=error)
        except ReadTimeout:
            self.is_unknown = True
            raise
        except PermanentError as error:
            _raise_if_configuration_error(error)
            # No row is named: a single row is the one, more rows are halved.
            return _CallResult(row_errors={0: error} if len(rows) == 1 else {})
        result = _parsed(response, len(rows))
        self.is_done = self.is_done or result.ids is not None
        return result


def _parsed(response: object, row_count: int) -> _CallResult:
    if not isinstance(response, dict):
        raise WrongAddress("the response of load is not a JSON object", name="load")
    ids = response.get("ids")
    if isinstance(ids, list) and len(ids) == row_count and all(isinstance(line_id, int) for line_id in ids):
        return _CallResult(ids=tuple(ids))
    row_errors = from_load_messages(response.get("messages"))
    for error in row_errors.values():
        _raise_if_configuration_error(error)
    return _CallResult(row_errors=row_errors)


def _raise_if_configuration_error(error: RowError) -> None:
    configuration_error = as_configuration_error(error)
    if isinstance(configuration_error, ConfigurationError):
        raise configuration_error from None


def _error_of_only_row(row_errors: Mapping[int, RowError]) -> RowError:
    """Return the most specific error of a row that was sent alone: all messages are about it."""
    errors = list(row_errors.values())
    specific = next((error for error in errors if not isinstance(error, ValidationFailed)), None)
    return specific or next(iter(errors), ValidationFailed("Odoo rejected the line without a reason", name="load"))

"""What the failure of a whole call to Odoo means for its lines, its partition and the run."""

from dataclasses import dataclass
from datetime import timedelta

from fusion_billing.errors import Unavailable
from fusion_billing.odoo.errors import OdooError, OdooUnavailable, ReadTimeout, TooManyRequests, TransientError

_DEFAULT_PAUSE_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 3600

CallFailure = OdooError | Unavailable


@dataclass(frozen=True, slots=True)
class FailureEffect:
    """The consequences of a failed call.

    Attributes:
        stops_run: No further batch starts in this run.
        postpones: The lines of the batch are retried later, after `pause` if one is given.
        keeps_partition_leased: Odoo may still be processing the call, so no other run may take the partition.
        opens_circuit: Odoo is unavailable; later runs only probe it.
        is_not_written: A table of the service refused a write; the lines stay due.
        needs_operator: No call can succeed until an operator fixes the configuration; the lines stay due.
    """

    stops_run: bool = False
    postpones: bool = False
    pause: timedelta | None = None
    keeps_partition_leased: bool = False
    opens_circuit: bool = False
    is_not_written: bool = False
    needs_operator: bool = False


def effect_of(error: CallFailure) -> FailureEffect:
    """Return what `error`, raised by a whole call, means."""
    match error:
        case OdooUnavailable():
            return FailureEffect(stops_run=True, opens_circuit=True)
        case TooManyRequests():
            seconds = min(max(error.after or _DEFAULT_PAUSE_SECONDS, 1), _LONGEST_PAUSE_SECONDS)
            return FailureEffect(stops_run=True, postpones=True, pause=timedelta(seconds=seconds))
        case TransientError():
            return FailureEffect(postpones=True, keeps_partition_leased=isinstance(error, ReadTimeout))
        case Unavailable():
            return FailureEffect(stops_run=True, is_not_written=True)
        case _:
            return FailureEffect(stops_run=True, needs_operator=True)

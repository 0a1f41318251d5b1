"""Due lines go to Odoo, lane by lane, two lanes at once, while the circuit is closed."""

from concurrent.futures import ThreadPoolExecutor

from aws_lambda_powertools import Logger

from functions.relay.lane import Lane, Stop
from functions.relay.outcomes import Tally
from functions.relay.tools import Tools
from fusion_billing.odoo.errors import OdooError, Retry, Wait
from fusion_billing.store.circuit import Way

_WRITERS = 4
_LANES_AT_ONCE = 2  # a small Odoo has two workers to spare, and two calls hide our own work between them

logger = Logger()


class LineRelay(Tools):
    """Sends what is due, once a run."""

    def run(self, *, only_invoices: bool = False) -> Tally:
        """Send what is due, as far as time allows, and return what became of it.

        `only_invoices` reads what invoices hold of closed periods, and sends nothing.
        """
        tally = Tally()
        if not self._way_is_free(tally):
            return tally
        order = list(range(self.lanes))
        first = int(self.random() * self.lanes) % self.lanes
        beyond = [] if self.strays is None else self.strays.lanes(self.store, self.lanes)
        stop = Stop()
        with (
            ThreadPoolExecutor(_LANES_AT_ONCE) as workers,
            ThreadPoolExecutor(_WRITERS) as writers,
        ):
            lanes = [
                Lane(self, lane, tally, stop, writers, only_invoices=only_invoices)
                for lane in beyond + order[first:] + order[:first]
            ]
            started = [workers.submit(lane.run) for lane in lanes]
            for lane, future in zip(lanes, started, strict=True):
                try:
                    future.result()
                finally:
                    lane.settle()
        return tally

    def _way_is_free(self, tally: Tally) -> bool:
        way = self.circuit.way(self.clock())
        if way is Way.PROBE:
            try:
                self.odoo.search_read("sale.order", [], ["id"], limit=1)
            except (Wait, Retry) as error:
                until = self.circuit.failed(self.clock(), jitter=self.random())
                logger.warning("Odoo is still missing", error=error.name, until=until.isoformat())
                tally.waiting = True
                return False
            except OdooError:
                logger.info("Odoo answers again")  # what it says is the lanes' business
            self.circuit.succeeded()
            return True
        tally.waiting = way is Way.SHUT
        return way is Way.OPEN

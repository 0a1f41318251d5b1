"""Due lines go to Odoo, lane by lane, two lanes at once, while the circuit is closed."""

from concurrent.futures import ThreadPoolExecutor

from aws_lambda_powertools import Logger

from functions.relay.line_dependencies import Tools
from functions.relay.line_results import RunStatistics
from functions.relay.partition import LinePartition, Stop
from fusion_billing.dynamodb.state.circuit_breaker import CircuitState
from fusion_billing.odoo.errors import OdooError, OdooUnavailable, TransientError

_WRITERS = 4
_LANES_AT_ONCE = 2  # a small Odoo has two workers to spare, and two calls hide our own work between them

logger = Logger()


class LineRelay(Tools):
    """Sends what is due, once a run."""

    def run(self, *, only_invoices: bool = False) -> RunStatistics:
        """Send what is due, as far as time allows, and return what became of it.

        `only_invoices` reads what invoices hold of closed periods, and sends nothing.
        """
        statistics = RunStatistics()
        if not self._way_is_free(statistics):
            return statistics
        order = list(range(self.line_partitions))
        first = int(self.random() * self.line_partitions) % self.line_partitions
        beyond = [] if self.strays is None else self.strays.line_partitions(self.store, self.line_partitions)
        stop = Stop()
        with (
            ThreadPoolExecutor(_LANES_AT_ONCE) as workers,
            ThreadPoolExecutor(_WRITERS) as writers,
        ):
            line_partitions = [
                LinePartition(self, line_partition, statistics, stop, writers, only_invoices=only_invoices)
                for line_partition in beyond + order[first:] + order[:first]
            ]
            started = [workers.submit(line_partition.run) for line_partition in line_partitions]
            for line_partition, future in zip(line_partitions, started, strict=True):
                try:
                    future.result()
                finally:
                    line_partition.settle()
        return statistics

    def _way_is_free(self, statistics: RunStatistics) -> bool:
        way = self.circuit.acquire(self.clock())
        if way is CircuitState.HALF_OPEN:
            try:
                self.odoo.search_read("sale.order", [], ["id"], limit=1)
            except (OdooUnavailable, TransientError) as error:
                until = self.circuit.failed(self.clock(), jitter=self.random())
                logger.warning("Odoo is still missing", error=error.name, until=until.isoformat())
                statistics.waiting = True
                return False
            except OdooError:
                logger.info("Odoo answers again")  # what it says is the lanes' business
            self.circuit.succeeded()
            return True
        statistics.waiting = way is CircuitState.OPEN
        return way is CircuitState.CLOSED

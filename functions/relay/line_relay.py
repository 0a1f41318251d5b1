"""Send due order lines to Odoo, partition by partition, two partitions at once, while the circuit is closed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from functions.relay.line_dependencies import RelayDependencies
from functions.relay.line_results import RunStatistics
from functions.relay.partition import LinePartition, RunControl
from fusion_billing.dynamodb.state.circuit_breaker import CircuitState
from fusion_billing.odoo.errors import OdooError, OdooUnavailable, TransientError

_WRITERS = 4
_PARTITIONS_AT_ONCE = 2  # a small Odoo has two workers to spare, and two calls hide our own work between them

logger = Logger()


@dataclass(frozen=True)
class LineRelay:
    """Sends what is due, once a run."""

    dependencies: RelayDependencies

    def run(self, *, only_invoices: bool = False) -> RunStatistics:
        """Send what is due, as far as time allows, and return the run's statistics.

        Args:
            only_invoices: Only read what Odoo's invoices hold of closed periods; send nothing.
        """
        statistics = RunStatistics()
        if not self._may_call_odoo(statistics):
            return statistics
        control = RunControl()
        with ThreadPoolExecutor(_PARTITIONS_AT_ONCE) as workers, ThreadPoolExecutor(_WRITERS) as writers:
            partitions = [
                LinePartition(self.dependencies, number, statistics, control, writers, only_invoices=only_invoices)
                for number in self._numbers()
            ]
            started = [workers.submit(partition.run) for partition in partitions]
            for partition, future in zip(partitions, started, strict=True):
                try:
                    future.result()
                finally:
                    partition.finish()
        return statistics

    def _numbers(self) -> list[int]:
        """Return every partition's number, from a random one on: runs that overlap start at different ones."""
        count = self.dependencies.line_partitions
        first = int(self.dependencies.random() * count) % count
        return [*range(first, count), *range(first)]

    def _may_call_odoo(self, statistics: RunStatistics) -> bool:
        state = self.dependencies.circuit.acquire(self.dependencies.clock())
        if state is CircuitState.HALF_OPEN:
            return self._probe(statistics)
        statistics.waiting = state is CircuitState.OPEN
        return state is CircuitState.CLOSED

    def _probe(self, statistics: RunStatistics) -> bool:
        """Make one small call, and close the circuit unless Odoo is still unavailable."""
        given = self.dependencies
        try:
            given.odoo.search_read("sale.order", [], ["id"], limit=1)
        except (OdooUnavailable, TransientError) as error:
            until = given.circuit.failed(given.clock(), jitter=given.random())
            logger.warning("Odoo is still unavailable", error=error.name, until=until.isoformat())
            statistics.waiting = True
            return False
        except OdooError:
            logger.info("Odoo responds again")  # the partitions handle the error that it responds with
        given.circuit.succeeded()
        return True

"""Reconciliation that nobody has to ask for: what was lost for a cause that nobody thought of is
found and sent again within minutes, and told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
import structlog

from atelier.admin.comparing import Difference
from atelier.admin.reconciliation import Systems
from atelier.cancellation import heed_cancellation, to_its_end
from atelier.messaging.broker import BROKER_GONE
from atelier.messaging.handler import DATABASE_GONE
from atelier.telemetry import metrics

log = structlog.get_logger(__name__)

_LOCK: Final = 0x0CEC0  # any number, but the same in every process
_ATTEMPTS: Final = 3  # at what sending again does not repair; then it waits for a person
_TOLD: Final = 20  # differences of one look that are logged one by one


class Reconciler:
    """Compares `systems` every `every` seconds and repairs what can be repaired; of several
    processes one at a time does."""

    def __init__(self, systems: Systems, every: float) -> None:
        self._systems = systems
        self._every = every
        self._attempts: Counter[Difference] = Counter()

    async def run(self) -> None:
        """Until cancelled; then it finishes the look that it is taking. Survives all else."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await to_its_end(self.look())
            except (*DATABASE_GONE, *BROKER_GONE) as error:
                self._count("interrupted")
                log.warning("reconciliation has to wait", reason=type(error).__name__)
            except Exception:
                self._count("failed")
                log.exception("reconciliation failed")
            heed_cancellation()

    async def look(self) -> Sequence[Difference]:
        """Compare, repair, and tell; returns what was found, nothing while another process looks.

        Raises what a database or the broker raises.
        """
        async with self._systems.shop.session() as session:
            if not await session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))):
                return ()
            found = await self._systems.differences()
            hopeful = [
                each for each in found if each.repairable and self._attempts[each] < _ATTEMPTS
            ]
            # What is not there any more may come again, and is tried again then.
            self._attempts = Counter({each: self._attempts[each] for each in found})
            self._attempts.update(hopeful)
            sent = await self._systems.repair(hopeful)
        self._tell(found, hopeful, sent)
        return found

    def _tell(self, found: Sequence[Difference], sent_for: Sequence[Difference], sent: int) -> None:
        metrics.reconciliation_differences.clear()
        for kind, count in Counter(each.kind for each in found).items():
            metrics.reconciliation_differences.labels(kind).set(count)
        for kind, count in Counter(each.kind for each in sent_for).items():
            metrics.reconciliation_repairs_total.labels(kind).inc(count)
        self._count("repaired" if sent_for else "differences" if found else "agreed")
        for each in found[:_TOLD]:
            log.warning(
                "systems do not agree",
                kind=each.kind,
                where=each.where,
                order_id=each.order_id and str(each.order_id),
                detail=each.detail,
                sent_again=each in sent_for,
            )
        if found:
            log.warning("reconciled", differences=len(found), events_sent_again=sent)

    def _count(self, outcome: str) -> None:
        metrics.reconciliations_total.labels(outcome).inc()

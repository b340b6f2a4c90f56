"""Worker processes: what they measure, what kills them, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import psutil
import pytest

from atelier.domain.models3d import ModelRejected, measure
from atelier.pricing.pool import Pool, TookTooLong, WorkerLost
from atelier.pricing.worker import WorkerFault
from fixtures import models
from tests.integration.atelier.uploads import CUBE, OPEN_CUBE

pytestmark = pytest.mark.anyio

RING = models.as_binary_stl(models.ring())
LARGE = models.as_binary_stl(models.ring(segments=12_000))

MakePool = Callable[..., Pool]


@pytest.fixture
async def make_pool() -> AsyncIterator[MakePool]:
    made: list[Pool] = []

    def make(time_limit: float = 60, memory: int = 1 << 30) -> Pool:
        made.append(Pool(time_limit, memory))
        return made[-1]

    yield make
    for pool in made:
        await pool.close()


def fork_server() -> psutil.Process:
    [found] = [
        each
        for each in psutil.Process().children()
        # A zombie has no command line.
        if "atelier.pricing.fork_server" in (each.as_dict(["cmdline"])["cmdline"] or ())
    ]
    return found


async def frozen_worker(pool: Pool) -> psutil.Process:
    """The pool's only worker, which stands still: what it is given it holds."""
    await pool.measure(CUBE)
    [worker] = fork_server().children()
    worker.suspend()
    return worker


async def test_workers_measure_what_the_domain_measures(make_pool: MakePool) -> None:
    pool = make_pool()
    assert await asyncio.gather(*(pool.measure(RING) for _ in range(3))) == [measure(RING)] * 3
    with pytest.raises(ModelRejected) as rejected:
        await pool.measure(OPEN_CUBE)
    assert rejected.value.code == "open-surface"


async def test_a_worker_measures_one_model_after_another(make_pool: MakePool) -> None:
    pool = make_pool()
    for is_express in (True, True, False, False):
        await pool.measure(CUBE, express=is_express)
    express, other = sorted(fork_server().children(), key=lambda worker: worker.nice())
    assert other.nice() > express.nice()


async def test_a_model_has_a_time_limit(make_pool: MakePool) -> None:
    pool = make_pool(time_limit=0.000_001)
    with pytest.raises(TookTooLong, match="not measured within 1e-06 s"):
        await pool.measure(LARGE)
    assert fork_server().children() == []


async def test_a_model_may_not_take_all_memory(make_pool: MakePool) -> None:
    pool = make_pool(memory=8 * 1024 * 1024)
    with pytest.raises((WorkerFault, WorkerLost)):
        await pool.measure(LARGE)
    assert await pool.measure(CUBE) == measure(CUBE)


async def test_a_killed_worker_is_told_and_the_next_model_gets_another(
    make_pool: MakePool,
) -> None:
    pool = make_pool()
    worker = await frozen_worker(pool)
    killing = asyncio.to_thread(worker.kill)
    with pytest.raises(WorkerLost, match="the worker ended with SIGKILL"):
        await asyncio.gather(pool.measure(RING), killing)
    assert await pool.measure(RING) == measure(RING)


async def test_a_worker_that_hangs_is_ended(make_pool: MakePool) -> None:
    pool = make_pool(time_limit=3)
    worker = await frozen_worker(pool)
    with pytest.raises(TookTooLong):
        await pool.measure(RING)
    assert not worker.is_running()


async def test_a_lost_nursery_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool()
    await pool.measure(CUBE)
    lost = fork_server()
    lost.kill()
    lost.wait()
    # The old one's worker may be asked before it is known to be gone, too.
    with suppress(WorkerLost):
        await pool.measure(RING)
    assert await pool.measure(RING) == measure(RING)
    assert fork_server() != lost


async def test_whoever_is_cancelled_leaves_no_worker_busy(make_pool: MakePool) -> None:
    pool = make_pool()
    worker = await frozen_worker(pool)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await pool.measure(RING)
    assert not worker.is_running()


FORKED_POOL = """
import asyncio, sys
from atelier.pricing.fork_server import ForkServer
from atelier.pricing.pool import Pool

async def main(fork_server):
    pool = Pool(60, 1 << 30, fork_server)
    model = sys.stdin.buffer.read()
    await pool.measure(model)
    print("measured", flush=True)
    await asyncio.Event().wait()

asyncio.run(main(ForkServer.fork(1 << 30)))
"""


def test_nothing_is_left_when_the_process_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORKED_POOL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(CUBE)
        process.stdin.close()
        assert b"measured\n" in process.stdout
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) == 2  # the fork server and one worker
        os.kill(process.pid, signal.SIGKILL)
    # A zombie has ended, too: where no init collects orphans, it is all that is left.
    _, left = psutil.wait_procs(family, timeout=10)
    assert [each for each in left if each.status() != psutil.STATUS_ZOMBIE] == []

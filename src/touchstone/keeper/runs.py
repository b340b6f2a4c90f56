"""What one run of pytest has of its own in a keeper that several runs may share."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from touchstone import config
from touchstone.backing.servers import Backing
from touchstone.keeper.pool import Pool, size_for_this_machine
from touchstone.keeper.sandboxes import Sandboxes
from touchstone.zygote.owner import Zygote


@dataclass
class Run:
    """The platform as it was on disk when the run began, and the run's sandboxes."""

    folder: Path
    zygote: Zygote
    sandboxes: Sandboxes
    pool: Pool
    over: bool = False

    def end(self, kept: Collection[str] = ()) -> None:
        """Remove what the run had, whoever still holds it, but for what the kept ones need."""
        self.over = True
        self.pool.close()
        if kept:
            self.sandboxes.clear(keeping=kept)
            return
        try:
            self.sandboxes.close()
        finally:
            self.zygote.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def start_run(
    root: Path,
    folder: Path,
    starting: Future[Backing],
    *,
    start: str,
    prefix: str,
    cache_indices: deque[int],
    say: Callable[[str], None],
) -> Run:
    """Import the platform while the servers start, then migrate the run's template databases.

    Processes of sandboxes begin as `start` says: `fork` or `spawn`. `prefix` begins the names of
    all that the run has in the servers.
    """
    folder.mkdir(parents=True)
    platform = config.load(root / "pyproject.toml")
    zygote = Zygote(platform, folder / "zygote.log", start)
    try:
        started = starting.result()
        say("migrating the template databases")
        sandboxes = Sandboxes(
            platform, started, zygote, folder, prefix=prefix, cache_indices=cache_indices
        )
    except BaseException:
        zygote.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    say("")
    return Run(folder, zygote, sandboxes, Pool(sandboxes, size_for_this_machine()))

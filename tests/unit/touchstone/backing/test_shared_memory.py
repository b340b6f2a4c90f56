from __future__ import annotations

from pathlib import Path
from typing import Any

from touchstone.backing import shared_memory
from touchstone.backing.shared_memory import Segment

TABLE = """\
       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid rss
   5521337         12   600                    56  4711  4712      0   105   106   105   106   4096
        -1         13  1600                   128   815   815      2  1000  1000  1000  1000   4096
"""

LOCK = """\
4711
/run/one/postgres/primary
1764380000
21000

127.0.0.1
  5521337        12
ready
"""


def test_the_table_of_the_system_is_read_by_the_names_of_its_columns() -> None:
    assert shared_memory.segments(TABLE) == [Segment(12, 5521337, 4711, 0), Segment(13, -1, 815, 2)]
    assert shared_memory.segments("") == []


def test_a_data_folder_says_which_segment_it_has(tmp_path: Path) -> None:
    for name, text in (("primary", LOCK), ("replica", "4711\n"), ("half", "")):
        (tmp_path / "postgres" / name).mkdir(parents=True)
        (tmp_path / "postgres" / name / "postmaster.pid").write_text(text)

    assert shared_memory.locked(tmp_path) == [(5521337, 12)]


def test_what_is_left_is_what_a_killed_process_made_or_its_folder_names_and_nobody_has() -> None:
    made, named, held, others = (
        Segment(1, -1, 4711, 0),
        Segment(2, 77, 9, 0),
        Segment(3, -1, 4711, 1),
        Segment(4, 78, 9, 0),
    )

    left = shared_memory.left_behind([made, named, held, others], {4711}, [(77, 2), (78, 5)])

    assert left == [made, named]


class Process:
    def __init__(self, name: str, parent: Process | None = None) -> None:
        self._name, self._parent = name, parent

    def name(self) -> str:
        return self._name

    def parent(self) -> Process | None:
        return self._parent


def test_of_a_postgresql_only_its_first_process_is_a_server() -> None:
    shell = Process("sh")
    first, adopted = Process("postgres", shell), Process("postmaster")
    found: Any = [shell, first, Process("postgres", first), adopted, Process("python3", first)]

    assert list(shared_memory.servers(found)) == [first, adopted]

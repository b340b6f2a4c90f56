"""Ports that servers are to listen on belong to one run at a time."""

from __future__ import annotations

import contextlib
import socket
import sys

import pytest

from touchstone.backing import programs


@pytest.mark.skipif(sys.platform != "linux", reason="claims end with their process on Linux only")
def test_two_demos_that_look_at_once_get_different_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, contextlib.ExitStack() as first:
        port = listening.getsockname()[1]
        assert not programs.claimed(port, first)
        listening.close()
        assert programs.claimed(port, first)
        with contextlib.ExitStack() as second:
            assert not programs.claimed(port, second)
        first.close()
        with contextlib.ExitStack() as second:
            assert programs.claimed(port, second)

"""The life of a child of the zygote, forked or spawned: what it does, where, and how it ends."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from touchstone.json_lines import Channel

_PR_SET_PDEATHSIG = 1
_HERE = str(Path(__file__).parent)


def live(
    work: Callable[[], None], request: Mapping[str, Any], control: Channel | None = None
) -> NoReturn:
    """The life of a child: do `work` in the surroundings that the request gives, then end.

    `control` is the zygote's, of which a fork has a copy.
    """
    status = 1
    try:
        if control:
            control.close()
        os.setsid()
        _die_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        work()
        status = 0
    except SystemExit as exit:
        status = exit.code if isinstance(exit.code, int) else 1
    except BaseException as error:
        say_why(error)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        # Not sys.exit: what the zygote registered to happen at its exit is not the child's.
        os._exit(status)


def resolve(entry_point: str) -> Callable[..., Any]:
    """The callable that `package.module:function` names."""
    module, _, function = entry_point.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def say_why(error: BaseException) -> None:
    """Print the part of the traceback that is the platform's, and the error."""
    why = traceback.TracebackException.from_exception(error)
    one: traceback.TracebackException | None = why
    while one:
        one.stack = traceback.StackSummary.from_list(
            [frame for frame in one.stack if not _is_ours(frame.filename)]
        )
        one = one.__cause__ or one.__context__
    print("".join(why.format()), end="", file=sys.stderr, flush=True)


def _is_ours(file: str) -> bool:
    return file == importlib.__file__ or file.startswith((_HERE, "<frozen "))


def _die_with_parent() -> None:
    """Linux ends this process when the zygote ends; elsewhere the next run reaps a forked one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

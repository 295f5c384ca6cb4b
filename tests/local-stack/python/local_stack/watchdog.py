"""Ends an emulator, and every process it started, with the process that asked for it: also after a SIGKILL."""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def guard(lifeline: int, folder: Path) -> None:
    """Returns in a forked child, which becomes the emulator and leads a process group of its own.

    The calling process stays behind and never returns. `lifeline` is the writing end of a pipe: when nobody can read it any more,
    or when the emulator ends, the whole group is killed and `folder` is removed, whatever the emulator is doing then.
    """
    gone, alive = os.pipe()
    emulator = os.fork()
    if emulator == 0:
        os.close(gone)
        os.setpgid(0, 0)
        die_with_parent()
        return
    # Both sides do it, so that the group is there before it may have to be killed.
    with contextlib.suppress(OSError):
        os.setpgid(emulator, emulator)
    os.close(alive)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    abandoned = False
    try:
        abandoned = await_end(lifeline, gone)
    finally:
        end_group(emulator)
        remove(folder, abandoned)
    sys.exit(0)


def die_with_parent() -> None:
    """The emulator does not outlive a watchdog that was killed. Linux only; elsewhere the pipe has to do."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def await_end(lifeline: int, gone: int) -> bool:
    """Blocks until the reader of `lifeline` or the writer of `gone` has ended; says whether it was the first."""
    poll = select.poll()
    poll.register(lifeline, 0)
    poll.register(gone, 0)
    return any(descriptor == lifeline for descriptor, _ in poll.poll())


def end_group(emulator: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(emulator, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(emulator, 0)


def remove(folder: Path, abandoned: bool) -> None:
    """Removes the emulator's folder. Of an abandoned stack the last one removes the rest, logs included; nobody else will."""
    shutil.rmtree(folder, ignore_errors=True)
    if not abandoned:
        return
    with contextlib.suppress(FileNotFoundError):
        if not any(path.name.startswith("emulator-") for path in folder.parent.iterdir()):
            shutil.rmtree(folder.parent, ignore_errors=True)

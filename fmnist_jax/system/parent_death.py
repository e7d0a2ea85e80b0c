"""A child process that does not outlive its parent, however the parent ends."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_WATCH_S = 1.0


def exit_with_parent(parent: int) -> None:
    """Have this process end as soon as its parent is gone; call it first of all.

    On Linux the kernel sees to it, even in the midst of a long call into native
    code. It watches the parent's thread that started this process, which
    therefore has to be one that lasts. Elsewhere a thread looks every second.

    Args:
        parent: the process that started this one, which may be gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(1)


def _watch(parent: int) -> None:
    import psutil  # Windows keeps the number of a parent that is gone

    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(_WATCH_S)
    os._exit(1)

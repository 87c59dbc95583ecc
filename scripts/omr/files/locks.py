"""One writer per file, also across the nodes of a cluster.

`flock` decides where the file system has it. It may be missing (some network file systems) or hold only within one
node (others), so the lock file also names its owner and its modification time is the owner's heartbeat: a lock that
was beaten within `STALE_AFTER_S` by another host counts as held even when flock was granted here.

Only one host can make the file. Who takes over one that is there writes its claim and holds the lock if that still
stands `CLAIM_S` later: whoever else had found the lock free has written by then. An owner that was silent for
`UNSURE_AFTER_S` looks whether it still is the owner before it goes on, and nobody takes over that soon. What this
cannot see is a single call that hangs in the file system and is carried out after all that.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from omr.errors import of_file

HEARTBEAT_S = 10.0
STALE_AFTER_S = 60.0
UNSURE_AFTER_S = 30.0
CLAIM_S = 2.0
_NO_FLOCK = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL}
#: Of a file that its owner has just removed; the second is what network file systems say.
_REMOVED = {errno.ENOENT, errno.ESTALE}
#: So long is what an owner writes, padded: a shorter one leaves nothing of a longer one behind it.
_OWNER_BYTES = 512
#: Seconds that also pass while the machine sleeps.
_now = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


#: Who holds a lock: `host`, `pid`, `started` (the process's start in ticks), `job` (of Slurm, or empty); {} if nobody.
Owner = dict[str, str]


class FileLock:
    """An exclusive lock at `path`; waits for its owner, whoever and wherever that is.

    `say` gets one line when it starts to wait and one every minute; `on_wait` is told the owner and the seconds waited,
    every `poll_s`, and may raise. While it is held, a thread renews it every
    `heartbeat_s`, whatever the holder is about (loading a model takes long), and calls `on_beat`.

    A holder that was silent for long may have lost it to another host: it is to ask `is_ours` before each thing that
    only one may do.
    """

    def __init__(
        self,
        path: Path,
        say: Callable[[str], None] = lambda line: None,
        on_beat: Callable[[], None] = lambda: None,
        *,
        on_wait: Callable[[Owner, float], None] = lambda owner, waited_s: None,
        poll_s: float = 1.0,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self.path = path
        self._say, self._on_beat, self._on_wait = say, on_beat, on_wait
        self._poll_s, self._heartbeat_s = poll_s, heartbeat_s
        self._fd = -1
        self._me = _myself()
        self._is_lost = False
        self._renewed_at = 0.0
        self._released = threading.Event()
        self._heart: threading.Thread | None = None

    def acquire(self) -> None:
        """Block until this process holds the lock. An OSError names the lock's file."""
        with of_file(self.path):
            self._acquire()

    def _acquire(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        waited, next_word = 0.0, 0.0
        while not self._try():
            if waited >= next_word:
                self._say(f"waiting for the lock {self.path}, held by {_describe(self._owner())}")
                next_word += 60.0
            self._on_wait(self._owner(), waited)
            time.sleep(self._poll_s)
            waited += self._poll_s
        self._released.clear()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()

    def _try(self) -> bool:
        began = _now()
        is_new = self._open()
        try:
            if self._granted() and (is_new or not self._held_elsewhere()) and self._claim(is_new, began):
                self._is_lost, self._renewed_at = False, began
                return True
        except OSError as error:
            if error.errno not in _REMOVED:
                raise
        os.close(self._fd)
        self._fd = -1
        return False

    def _open(self) -> bool:
        """Whether the file is new: only one of those who try at once makes it."""
        with suppress(FileExistsError):
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            return True
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        return False

    def _claim(self, is_new: bool, began: float) -> bool:
        """Write our name into a lock that was free after `began`; whether it still stands when that proves something.

        As Fischer's algorithm, but for a claim that comes too late: that waits until whoever it overwrote knows.
        """
        self._write_owner()
        if _now() - began >= CLAIM_S:
            time.sleep(UNSURE_AFTER_S + CLAIM_S)
        elif not is_new:
            time.sleep(CLAIM_S)
        return self._owner() == self._me

    def _granted(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
            self._say(f"{self.path}: no flock on this file system; the owner's heartbeat decides instead")
            return not self._held_here()
        return self._is_current()

    def _is_current(self) -> bool:
        """Whether the file that was locked is still the one at the path."""
        try:
            return os.path.samestat(os.fstat(self._fd), self.path.stat())
        except FileNotFoundError:
            return False

    def _held_here(self) -> bool:
        owner = self._owner()
        return bool(owner) and owner["host"] == self._me["host"] and _is_running(owner) and owner != self._me

    def _held_elsewhere(self) -> bool:
        owner = self._owner()
        if owner and owner["host"] == self._me["host"]:
            return False
        # Compared with the file system's own clock, not ours: the two may differ. Who made a file without an owner is
        # about to write it.
        return self._file_system_now() - self.path.stat().st_mtime < (STALE_AFTER_S if owner else CLAIM_S)

    def _file_system_now(self) -> float:
        probe = self.path.with_name(f".{self.path.name}.{self._me['host']}.{os.getpid()}")
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
        return now

    def _owner(self) -> Owner:
        try:
            owner = orjson.loads(self.path.read_bytes())
        except orjson.JSONDecodeError:
            return {}
        except OSError as error:
            if error.errno not in _REMOVED:
                raise
            return {}
        is_owner = isinstance(owner, dict) and {"host", "pid", "started", "job"} <= owner.keys()
        return owner if is_owner else {}

    def _write_owner(self) -> None:
        # In one go, and never empty between: an owner that cannot be read is none.
        os.pwrite(self._fd, orjson.dumps(self._me).ljust(_OWNER_BYTES), 0)
        os.ftruncate(self._fd, _OWNER_BYTES)
        os.fsync(self._fd)

    def is_ours(self) -> bool:
        """Whether nobody has taken the lock over. Takes no system call while it is renewed in time; else raises OSError
        where the file system does not tell."""
        return not self._is_lost and (_now() - self._renewed_at < UNSURE_AFTER_S or self.renew())

    def renew(self) -> bool:
        """Beat; whether the lock is still ours, which is so of a released one too. Raises OSError."""
        if self._fd < 0 or self._is_lost:
            return not self._is_lost
        began = _now()
        with suppress(FileNotFoundError):
            os.utime(self.path)
        if began - self._renewed_at >= UNSURE_AFTER_S:
            time.sleep(CLAIM_S)  # who had found it stale before this beat has written by then
        if self._owner() == self._me:
            self._renewed_at = began
        else:
            self._is_lost = True
        return not self._is_lost

    def _beat(self) -> None:
        while not self._released.wait(self._heartbeat_s):
            try:
                if not self.renew():
                    self._say(f"{self.path}: taken over by {_describe(self._owner())} while this one was silent")
                    return
                self._on_beat()
            except OSError as error:
                with suppress(OSError):  # the log may lie on the same full disk; the next beat is to come all the same
                    self._say(f"{self.path}: the heartbeat fails: {error.strerror}")

    def release(self) -> None:
        """Let the next one in; harmless when the lock is not held."""
        if self._heart is not None:
            self._released.set()
            self._heart.join()
            self._heart = None
        if self._fd >= 0:
            with suppress(OSError):  # one that cannot be removed goes stale
                if self.renew():
                    self.path.unlink()
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def process_start(pid: int) -> str:
    """When a process started, in the kernel's ticks: a reused pid differs in it. Empty where there is no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _myself() -> Owner:
    pid = os.getpid()
    job = os.environ.get("SLURM_JOB_ID", "")
    return {"host": socket.gethostname(), "pid": str(pid), "started": process_start(pid), "job": job}


def _is_running(owner: Owner) -> bool:
    try:
        os.kill(int(owner["pid"]), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return process_start(int(owner["pid"])) == owner["started"]


def _describe(owner: Owner) -> str:
    if not owner:
        return "another process"
    job = f", Slurm job {owner['job']}" if owner["job"] else ""
    return f"process {owner['pid']} on {owner['host']}{job}"

"""The reply store: finished replies are never asked for twice, and none is lost.

Beside the output `X.jsonl` lies its journal `X.jsonl.journal`, to which every reply is appended the moment it arrives.
When all requests are answered, the output appears as a hard link of the journal: no second copy of the bytes. The
journal stays, so that a later run of the same requests takes every reply from it; delete both to ask anew.

* killed at any moment: a torn last line is cut off at the next start, everything before it counts;
* changed prompt, model or parameters: replies are found by their key, so others are never mixed in; those that nobody
  asks for any more are put aside when the output is made, and come back when they are asked for again
  (superseded.py);
* how long all tries took is in `X.jsonl.held`;
* two writers: the second waits for the lock and finds everything done; one that was silent for so long that another
  took over writes nothing any more.

Replies with an `error` come only with the output (see `publish`): a request that failed in a broken-off run is asked
again by the next.
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from omr.errors import UserError
from omr.files.appended import AppendedFile
from omr.files.jsonl import dumps, parse_row
from omr.files.locks import FileLock, Owner
from omr.replies.held_time import HeldTime
from omr.replies.reply import Reply
from omr.replies.superseded import Superseded
from omr.replies.usage import Usage

#: What a file system without hard links (or with a limit on them) answers.
_NO_LINK = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV, errno.ENOSYS, errno.EACCES}


class ReplyStore:
    """The journal and the output of one shard, locked while in use (a context manager).

    `on_wait` is told of waiting for the lock, see `FileLock`, `on_stored` of every reply that is there already.
    `usage` is what the journal's replies cost, of which all lines count; `bytes_read` how much of it was read. `gpus`:
    those that are held meanwhile.
    """

    def __init__(
        self,
        output: Path,
        say: Callable[[str], None] = lambda line: None,
        on_wait: Callable[[Owner, float], None] = lambda owner, waited_s: None,
        on_stored: Callable[[Reply], None] = lambda reply: None,
        gpus: int = 0,
    ) -> None:
        self.output = output
        self.journal = output.with_name(output.name + ".journal")
        self._say = say
        self._on_stored = on_stored
        self.held = HeldTime(output.with_name(output.name + ".held"), gpus)
        self._aside = Superseded(output.with_name(output.name + ".superseded"))
        self._lock = FileLock(output.with_name(output.name + ".lock"), say, self.held.write, on_wait=on_wait)
        self._file: AppendedFile  # open within the context
        self._keys: set[int] = set()
        self._output_is_detached = False
        self.usage = Usage()
        self.bytes_read = 0

    def __enter__(self) -> Self:
        self._lock.acquire()
        self.held.read()
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def _open(self) -> None:
        for left in self.output.parent.glob(glob.escape(f".{self.output.name}.scratch-") + "*.tmp"):
            left.unlink(missing_ok=True)  # of a job that was killed; the lock is ours
        self._file = AppendedFile(self.journal)
        good_bytes = 0
        for line, reply in self._lines():
            good_bytes += len(line)
            self._on_stored(reply)
            self._enter(reply)
        torn = self._file.size - good_bytes
        if torn:
            self._check(self._lock.renew)
            self._detach_output()
            self._say(f"{self.journal}: {torn} bytes of an unfinished last line were cut off")
            self._file.truncate(good_bytes)

    def _enter(self, reply: Reply) -> None:
        self._keys.add(int(reply["key"], 16))
        self.usage.add(reply)

    def _lines(self) -> Iterator[tuple[bytes, Reply]]:
        """The journal's whole lines and the replies in them; ends before a torn last line."""
        with self.journal.open("rb", buffering=1 << 20) as handle:
            for number, line in enumerate(handle, 1):
                self.bytes_read += len(line)
                reply, fault = parse_row(line) if line.endswith(b"\n") else (None, "torn")
                if reply is None or not isinstance(reply.get("key"), str):
                    if handle.read(1):
                        self._check(self._lock.renew)
                        raise UserError(
                            f"a line that is no reply ({fault or 'it has no key'}), with others after it",
                            file=self.journal,
                            line=number,
                            remedy="something else wrote there: delete that line (or the file) and run again",
                        )
                    return
                yield line, reply

    def __contains__(self, key: str) -> bool:
        return int(key, 16) in self._keys

    def recall(self, key: str) -> bool:
        """Whether there is a reply to a request that is to be made; one that was put aside comes back into the journal.
        Raises UserError as `append` does."""
        if key in self:
            return True
        try:
            reply = self._aside.find(int(key, 16))
        except OSError as error:  # it is asked again
            self._say(f"{self._aside.path}: cannot be read: {error.strerror}")
            return False
        if reply is None:
            return False
        self._on_stored(reply)
        self.append(reply)
        spent = Usage()
        spent.add(reply)
        self.held.superseded.subtract(spent.tokens())
        return True

    def __len__(self) -> int:
        return len(self._keys)

    def append(self, reply: Reply) -> None:
        """Store a reply; it survives a kill of this process from here on, and a crash of the machine soon after.

        Raises UserError if the disk does not take it, or another job has taken over.
        """
        self.check_is_ours()
        self._detach_output()
        try:
            self._file.append(dumps(reply))
        except OSError as error:
            raise self._not_stored(error) from error
        self._enter(reply)

    def sync(self) -> None:
        """To be called every few seconds, by any thread: sees to it that the journal is on the disk.

        Raises UserError if it is not: what was written may be gone. The next calls raise it too. And if another job
        has taken over.
        """
        self.check_is_ours()
        self._flush(self._file.sync)

    def check_is_ours(self) -> None:
        """Raise UserError if another job has taken over. To be called before anything is written beside the output;
        takes no time but after a silence."""
        self._check(self._lock.is_ours)

    def _check(self, is_ours: Callable[[], bool]) -> None:
        try:
            if is_ours():
                return
        except OSError as error:
            raise self._not_stored(error) from error
        raise UserError(
            "another job took over this output while this one was silent (its machine or the file system hung); "
            "finished replies are kept, and there is nothing else to do",
            file=self.output,
        )

    def _flush(self, flush: Callable[[], None]) -> None:
        try:
            flush()
        except OSError as error:
            raise self._not_stored(error) from error

    def _not_stored(self, error: OSError) -> UserError:
        return UserError(
            f"replies cannot be stored: {error.strerror}",
            file=self.journal,
            remedy="make room or have the file system looked at, and run again: replies that were stored are kept",
        )

    def _detach_output(self) -> None:
        # The output shares the journal's bytes: it must be gone before these change.
        if not self._output_is_detached:
            self.output.unlink(missing_ok=True)
            self._output_is_detached = True

    def publish(self, keys: Sequence[int], failed: Collection[Reply] = ()) -> None:
        """Make the output from the journal: exactly the replies with these keys, `failed` ones included.

        `keys` are the requests' keys as integers, each once; each must be in the journal or in `failed`. Raises
        UserError as `append` does.
        """
        self._check(self._lock.renew)
        for reply in failed:
            self.append(reply)
        missing = len(keys) - sum(key in self._keys for key in keys)
        if missing:
            raise ValueError(f"{missing} requests have no reply yet")
        if len(keys) < len(self._keys):
            self._compact(keys)
        self._flush(self._file.fsync)
        if self.output.exists() and self.output.samefile(self.journal):
            return
        self._link()

    def _compact(self, wanted: Sequence[int]) -> None:
        """Rewrite the journal without the replies that nobody asks for any more, which are put aside."""
        keys, usage, others = set(wanted), Usage(), Usage()
        self._put_aside(keys)
        temporary = self.scratch("journal")
        left_out = 0
        with temporary.open("wb", buffering=1 << 20) as handle:
            for line, reply in self._lines():
                if int(reply["key"], 16) in keys:
                    handle.write(line)
                    usage.add(reply)
                else:
                    left_out += 1
                    others.add(reply)
            handle.flush()
            os.fsync(handle.fileno())
        self._check(self._lock.renew)
        os.replace(temporary, self.journal)
        self._file.close()
        self._file = AppendedFile(self.journal)
        self._keys, self.usage = keys, usage
        self.held.superseded.update(others.tokens())
        self.held.write()
        self._say(f"{self.journal}: left out {left_out} replies to requests that are no longer made")

    def _put_aside(self, wanted: Collection[int]) -> None:
        """Before they are left out: a kill in between leaves them in both files, and each counts once."""
        others = ((line, reply) for line, reply in self._lines() if int(reply["key"], 16) not in wanted)
        try:
            number, size = self._aside.add(others), self._aside.size
        except OSError as error:  # what is asked for now is worth more
            self._say(f"{self._aside.path}: cannot be written: {error.strerror}; replies are left out and not kept")
            return
        self._say(
            f"{self._aside.path}: {number} replies that are no longer asked for were put aside ({size / 1e6:,.1f} MB "
            "there): going back to what they answered asks nothing again; delete it if nobody will"
        )

    def scratch(self, kind: str) -> Path:
        """Where whoever holds this store may write what nobody needs after it; the next to hold it removes it."""
        return self.output.with_name(f".{self.output.name}.scratch-{kind}.tmp")

    def _link(self) -> None:
        temporary = self.output.with_name(f".{self.output.name}.link")
        temporary.unlink(missing_ok=True)
        try:
            os.link(self.journal, temporary)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            self._say(
                f"{self.output}: no hard links here ({error.strerror}); copied instead, which doubles its disk use"
            )
            shutil.copyfile(self.journal, temporary)
        self._check(self._lock.renew)
        self.output.unlink(missing_ok=True)
        os.replace(temporary, self.output)
        # The last reply may be older than the inputs, whose change made this run: the output is of now.
        os.utime(self.output)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._flush(self._file.fsync)
        except UserError as fault:
            if kind is None:
                raise
            self._say(str(fault))  # and what ended the body is raised
        finally:
            self._file.close()
            self._write_held()
            self._lock.release()

    def _write_held(self) -> None:
        try:
            if self._lock.is_ours():
                self.held.write()
        except OSError as error:  # replies are safe, and worth more than the knowledge of how long they took
            self._say(f"{self.held.path}: cannot be written: {error.strerror}")

"""The file with the index of a run: SQLite, one writer, readers beside it.

It holds no text of solutions or replies but where they are. `place` finds rows by an id; the other tables are what
lists and filters need, a row for a problem (of a recipe), never one for a solution. Everything hangs on a file, so that
a file which changed takes with it what was known of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from omr.browse.words import SIGNS
from omr.errors import UserError

NAME = "browse.sqlite"
#: Of the tables below: an index of another version is made anew.
_VERSION = 2
#: Of the one writer, and of each reader.
_WRITER_KIB, _READER_KIB = 48 << 10, 8 << 10
_TABLES = """
CREATE TABLE file (no INTEGER PRIMARY KEY, path TEXT UNIQUE, kind INTEGER, stage TEXT, recipe TEXT, size INTEGER,
  mtime_ns INTEGER, inode INTEGER, done INTEGER DEFAULT 0, rows INTEGER DEFAULT 0, bad INTEGER DEFAULT 0);
CREATE TABLE place (file INTEGER, hash INTEGER, offset INTEGER, length INTEGER,
  PRIMARY KEY (file, hash, offset)) WITHOUT ROWID;
CREATE TABLE thread (no INTEGER PRIMARY KEY, hash INTEGER UNIQUE, id TEXT);
CREATE TABLE problem (no INTEGER PRIMARY KEY, hash INTEGER UNIQUE, id TEXT, thread INTEGER, type TEXT);
CREATE INDEX problem_thread ON problem (thread);
CREATE TABLE reason (no INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE fate (file INTEGER, reason INTEGER, offset INTEGER, owner INTEGER, n INTEGER, length INTEGER,
  PRIMARY KEY (file, reason, offset)) WITHOUT ROWID;
CREATE INDEX fate_owner ON fate (owner);
CREATE TABLE solved (file INTEGER, hash INTEGER, n INTEGER, right INTEGER, wrong INTEGER, unjudged INTEGER,
  PRIMARY KEY (file, hash)) WITHOUT ROWID;
CREATE INDEX solved_hash ON solved (hash);
CREATE TABLE made (file INTEGER, hash INTEGER, n INTEGER, PRIMARY KEY (file, hash)) WITHOUT ROWID;
CREATE TABLE tally (file INTEGER, what TEXT, value TEXT, n INTEGER, PRIMARY KEY (file, what, value)) WITHOUT ROWID;
"""
OF_FILE = ("place", "fate", "solved", "made", "tally")


def open_for_writing(path: Path) -> sqlite3.Connection:
    """The index, made where it is missing or of another version. Raises UserError where it cannot be had."""
    try:
        db = _connect(path)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            db.close()
            path.unlink()
            db = _connect(path)
            version = 0
        if version == 0:
            # Readers only wait for commits. No write-ahead log, whose shared memory network file systems lack.
            db.executescript(f"BEGIN;{_TABLES}PRAGMA user_version={_VERSION};COMMIT;")
            with closing(sqlite3.connect(":memory:")) as probe:
                probe.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
    except sqlite3.OperationalError as error:
        remedy = "name a place on a local disk that you may write to with --index"
        raise UserError(f"the index cannot be opened: {error}", file=path, remedy=remedy) from error
    except sqlite3.DatabaseError as error:
        raise UserError(f"this is no index: {error}", file=path, remedy="delete it: it is made anew") from error
    return db


def open_for_reading(path: Path) -> sqlite3.Connection:
    """The index, which nothing that is asked of this connection can change."""
    db = _connect(path, _READER_KIB)
    db.execute("PRAGMA query_only=1")
    return db


def _connect(path: Path, cache_kib: int = _WRITER_KIB) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=60.0, isolation_level=None, check_same_thread=False)
    db.execute(f"PRAGMA cache_size=-{cache_kib}")
    # Nothing is lost that the files of the run do not hold: no need to wait for the disk.
    db.execute("PRAGMA synchronous=OFF")
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        yield


def words_table(file: int) -> str:
    """The table with the words of a file's texts, by the numbers of their problems."""
    return f"words_{file}"


def create_words(db: sqlite3.Connection, file: int) -> None:
    signs = SIGNS.replace("'", "''''")
    db.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {words_table(file)} USING fts5(text, content='', detail=full, "
        f"tokenize=\"unicode61 remove_diacritics 2 tokenchars '{signs}'\")"
    )


def word_tables(db: sqlite3.Connection) -> list[str]:
    """The tables of words that are there."""
    found = db.execute("SELECT name FROM sqlite_master WHERE type='table' AND sql LIKE 'CREATE VIRTUAL%'")
    return [name for (name,) in found]


def forget(db: sqlite3.Connection, file: int) -> None:
    """Take out everything that is known of a file's rows."""
    for table in OF_FILE:
        db.execute(f"DELETE FROM {table} WHERE file=?", (file,))
    db.execute(f"DROP TABLE IF EXISTS {words_table(file)}")
    db.execute("UPDATE file SET done=0, rows=0, bad=0 WHERE no=?", (file,))

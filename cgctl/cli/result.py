"""What a command hands back to the frame, which prints it: never the command itself.

return Show(group.as_json(), shown=("id", "name", "status"))
return Listing(rows, columns=(Column("ID", "id"), Column("Status", "status"), Column("Name", "name")), noun="Group")
return Done("request to update group 'db' has been accepted")
return Several(refs, lambda ref: groups.delete(env, ref), done="deleted")
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from cgctl.errors import CgctlError


class Format(StrEnum):
    """The words of `--format`."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"
    VALUE = "value"


class Column(NamedTuple):
    """A column of a listing: its heading in tables, and the key of the rows."""

    heading: str
    key: str


@dataclass(frozen=True)
class Show:
    """One object with all its keys. shown: what a table, csv and value print, in this order (default: all, sorted).

    tables: instead of one table several, each with its title above the keys.
    """

    fields: dict[str, object]
    shown: tuple[str, ...] | None = None
    tables: tuple[tuple[str, tuple[str, ...]], ...] = ()


Rows = Sequence[dict[str, object]]


@dataclass(frozen=True)
class Listing:
    """The same objects as `Show` prints, many of them.

    rows: they are, or what reads them, given the keys that will be printed (None: all); then `keys` has to be there.
    columns: what a table, csv and value print unless `--long` or `-c`. keys: all keys of a row, for the check of `-c`
    and `--sort` when there are no rows (left out: any word passes then). noun: for `--with-count`. note: told on
    stderr, unless `--quiet`. when_empty: told on a terminal in place of a table without rows, which cron would mail.
    """

    rows: Rows | Callable[[Collection[str] | None], Rows]
    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()
    noun: str = "Row"
    note: str | None = None
    failure: CgctlError | None = None
    when_empty: str | None = None

    def read(self, keys: Collection[str] | None) -> Rows:
        """The rows, with at least these keys."""
        return self.rows(keys) if callable(self.rows) else self.rows


@dataclass(frozen=True)
class Done:
    """Nothing on stdout; the message goes to stderr unless `--quiet`."""

    message: str | None = None


@dataclass(frozen=True)
class Several:
    """The same act on several objects: the frame tries all of them.

    Each failure is told on stderr. Exit code: 0 when all went well, 10 when some failed, the failures' own code when
    all failed with the same. done: the word told for each success, as in `g1: deleted`. stop: given where several are
    worked on at the same time; ends those that run, on Ctrl-C.
    """

    subjects: Sequence[str]
    act: Callable[[str], object]
    done: str = "done"
    stop: Callable[[], None] | None = None


Result = Show | Listing | Done | Several | None

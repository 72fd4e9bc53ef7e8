"""Several objects at the same time, with a bound: one that is slow makes no other late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 4

Subject = TypeVar("Subject")
Result = TypeVar("Result")


def let_end() -> None:
    """What has begun goes on to its end."""


def side_by_side(
    work: Callable[[Subject], Result], subjects: Sequence[Subject], stop: Callable[[], None] = let_end
) -> Iterator[Result]:
    """The results in the order of the subjects, each as soon as it and those before it are there.

    stop: called where they are not waited for any more (Ctrl-C reaches this thread alone); who has not begun does not.
    """
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        begun = [pool.submit(work, one) for one in subjects]
        try:
            for one in begun:
                yield one.result()
        except BaseException:
            for one in begun:
                one.cancel()
            stop()
            raise

"""Independent pieces of work, spread over the cores of this machine.

Work that adds up takes a `Spread`, so that the caller decides where it is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol, TypeVar

from threadpoolctl import threadpool_limits

from eumlib._common.progress import progress_bar

Result = TypeVar("Result")
QUICK = 2  # seconds, in which no progress is shown


class Spread(Protocol):
    """A way to do pieces of work somewhere."""

    def __call__(
        self, work: Callable[..., Result], given: tuple, pieces: Sequence, what: str
    ) -> Iterator[Result]:
        """Call ``work(*given, piece)`` for each piece.

        Args:
            work: a function of a module.
            given: what all calls share.
            pieces: the last argument of each call.
            what: shown beside the progress.

        Returns:
            The results as they come, in any order.
        """


def over_threads(
    work: Callable[..., Result], given: tuple, pieces: Sequence, what: str
) -> Iterator[Result]:
    """Spread work that leaves Python's lock alone over as many threads as there are cores."""
    with (
        threadpool_limits(1, "blas"),  # the threads share the cores among themselves
        ThreadPoolExecutor(os.cpu_count()) as pool,
        progress_bar(len(pieces), what, "piece", delay=QUICK) as progress,
    ):
        running = [pool.submit(work, *given, piece) for piece in pieces]
        try:
            for done in as_completed(running):
                yield done.result()
                running.remove(done)  # its result may go
                progress.update()
        finally:
            pool.shutdown(cancel_futures=True)

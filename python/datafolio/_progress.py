"""How far a pass is: a bar of tqdm or rich where these are installed, a plain one where they are not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .exceptions import InvalidTypeError

Told = Callable[[float], object]


@contextmanager
def reporting(progress: Any, title: str = "datafolio") -> Iterator[Told | None]:
    """What is told of a pass while it runs: a callable, or None where nobody asked.

    Parameters
    ----------
    progress
        None or False for nothing; True for the best bar that is there; ``"tqdm"``, ``"rich"`` or ``"plain"`` for one of them; or a
        callable, which is given a fraction, and stops the pass by returning False.
    """
    if progress is None or progress is False:
        yield None
        return
    if callable(progress):
        yield progress
        return
    bar = _bar(progress, title)
    try:
        yield bar.tell
    finally:
        bar.close()


def _bar(progress: Any, title: str) -> Any:
    kinds: dict[str, Callable[[str], Any]] = {"tqdm": _Tqdm, "rich": _Rich, "plain": _Plain}
    if progress is True:
        for kind in ("tqdm", "rich"):
            try:
                return kinds[kind](title)
            except ImportError:
                continue
        return _Plain(title)
    if isinstance(progress, str) and progress in kinds:
        return kinds[progress](title)
    raise InvalidTypeError(
        f"progress: {progress!r} is none; give True, 'tqdm', 'rich', 'plain', or a callable that takes a fraction"
    )


class _Tqdm:
    def __init__(self, title: str) -> None:
        from tqdm.auto import tqdm

        self._bar = tqdm(total=100, desc=title, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}")

    def tell(self, fraction: float) -> None:
        self._bar.n = round(fraction * 100, 1)
        self._bar.refresh()

    def close(self) -> None:
        self._bar.close()


class _Rich:
    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True))
        self._bar.start()
        self._task = self._bar.add_task(title, total=1.0)

    def tell(self, fraction: float) -> None:
        self._bar.update(self._task, completed=fraction)

    def close(self) -> None:
        self._bar.stop()


class _Plain:
    """A line on standard error that is written over."""

    WIDTH = 30

    def __init__(self, title: str) -> None:
        self._title = title
        self._shown = -1

    def tell(self, fraction: float) -> None:
        percent = int(fraction * 100)
        if percent == self._shown:
            return
        self._shown = percent
        full = int(fraction * self.WIDTH)
        sys.stderr.write(f"\r{self._title} [{'#' * full}{'.' * (self.WIDTH - full)}] {percent:3d} %")
        sys.stderr.flush()

    def close(self) -> None:
        sys.stderr.write("\n")
        sys.stderr.flush()

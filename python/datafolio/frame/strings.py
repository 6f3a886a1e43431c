"""``.str``: functions of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._namespace import Namespace

if TYPE_CHECKING:
    from .expression import Expression


class Strings(Namespace):
    """Functions of texts, which count characters and know Unicode. A missing text has a missing answer.

    Examples
    --------
    >>> df = from_dict({"name": ["Anna", None, "été"]})
    >>> df.name.str.upper().tolist()
    ['ANNA', None, 'ÉTÉ']
    >>> df.name.str.contains("n+").tolist()
    [True, None, False]
    """

    _prefix = "str_"

    def cat(self, other: Any) -> Expression:
        """Joined with other texts."""
        return self._of._called("str_cat", other)

    def upper(self, ascii: bool = False) -> Expression:
        """In capitals."""
        return self._of._called("str_upper", ascii=ascii or None)

    def lower(self, ascii: bool = False) -> Expression:
        """In small letters."""
        return self._of._called("str_lower", ascii=ascii or None)

    def format(self, template: str) -> Expression:
        """As printf has it."""
        return self._of._called("format", template)

    def __getitem__(self, key: int | slice) -> Expression:
        """A character, or characters, by place."""
        if isinstance(key, slice):
            step = key.step if key.step not in (None, 1) else None
            start = 0 if key.start is None and step is None else key.start
            return self._of._called("str_slice", start, *([key.stop] if key.stop is not None else []), step=step)
        return self._of._called("str_get", key)

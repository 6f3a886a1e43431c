"""What becomes of the answers of the engine: arrays of several, and what is told of all components of vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ._values import array_of_answers


def plain(answer: Any) -> Any:
    """Arrays as lists."""
    return answer.tolist() if hasattr(answer, "tolist") else answer


def answer(answer: Any) -> Any:
    """Pairs and components as arrays; what is one value stays so."""
    if isinstance(answer, list) and answer and all(_is_number(value) for value in answer):
        return array_of_answers(answer)
    return answer


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def over(name: str, components: Any) -> Any:
    """Over all components of vectors."""
    present = [value for value in components if value is not None and value == value]
    if name in ("count", "sum"):
        return sum(present)
    return (min if name == "min" else max)(present) if present else None


def moment(name: str, ddof: int, answers: Sequence[Any]) -> float:
    """Mean, variance or deviation over all components, of those of each."""
    counts, means = answers[0], answers[1]
    total = sum(counts)
    if total <= ddof:
        return math.nan
    mean = math.fsum(count * one for count, one in zip(counts, means, strict=True) if count) / total
    if name == "mean":
        return mean  # type: ignore[no-any-return]
    squares = math.fsum(
        count * (variance + (one - mean) ** 2) for count, one, variance in zip(counts, means, answers[2], strict=True) if count
    )
    variance = squares / (total - ddof)
    return variance if name == "var" else math.sqrt(variance)


def kept(dropna: bool, dropnan: bool, dropmissing: bool) -> str:
    """Which of missing values and NaN are dropped, as arguments."""
    asked = {"dropna": dropna, "dropnan": dropnan, "dropmissing": dropmissing}
    return ", ".join(f"{name}=True" for name, is_set in asked.items() if is_set)


def without_sketch(options: dict[str, Any]) -> dict[str, Any]:
    """What Vaex's histograms of quantiles were told, which the sketches here need not know."""
    return {key: value for key, value in options.items() if key not in ("percentile_shape", "percentile_limits")}

"""Models as files: joblib, skops and torch write and read them. Nothing is unpickled that was not asked for by its name."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ._optional import is_instance, loaded, need
from .exceptions import InvalidInputError, UnsupportedError

__all__ = ["Written", "is_estimator", "read", "write"]

_LIBRARIES = ("sklearn", "xgboost", "lightgbm", "catboost")


class Written(NamedTuple):
    """A model as a file."""

    path: str
    format: str
    extra: dict[str, Any]


def is_estimator(value: Any) -> bool:
    """Whether a value is a model by itself: an estimator of one of the usual libraries, or what behaves like one."""
    if is_instance(value, "torch.nn", "Module"):
        return True
    kind = type(value)
    if isinstance(value, type) or kind.__module__ == "builtins":
        return False
    if any(base.__module__.split(".")[0] in _LIBRARIES for base in kind.__mro__) and hasattr(value, "fit"):
        return True
    return callable(getattr(value, "fit", None)) and any(
        callable(getattr(value, method, None)) for method in ("predict", "transform", "predict_proba")
    )


def write(model: Any, directory: str, custom: bool) -> Written:
    """Write a model into a directory.

    Raises
    ------
    InvalidInputError
        For a model that cannot be pickled; it is a ValueError.
    """
    extra: dict[str, Any] = {}
    sklearn = loaded("sklearn")
    if sklearn is not None:
        extra["sklearn_version"] = sklearn.__version__
    if is_instance(model, "torch.nn", "Module"):
        torch = need("torch", "storing a model of torch")
        path = os.path.join(directory, "model.pt")
        torch.save(model, path)
        return Written(path, "pt", {"torch_version": str(torch.__version__)})
    if custom:
        skops = need("skops.io", "storing a model with custom=True", "sklearn")
        path = os.path.join(directory, "model.skops")
        _dumped(model, lambda: skops.dump(model, path))
        return Written(path, "skops", extra)
    joblib = need("joblib", "storing a model", "sklearn")
    path = os.path.join(directory, "model.joblib")
    _dumped(model, lambda: joblib.dump(model, path))
    return Written(path, "joblib", extra)


def _dumped(model: Any, dump: Any) -> None:
    try:
        dump()
    except Exception as error:
        raise InvalidInputError(
            f"a model of type {type(model).__name__} cannot be stored: {error}",
            code="invalid-value",
            hint="functions inside functions and lambdas cannot be pickled: define them in a module",
        ) from error


def read(path: str, entry: dict[str, Any], trusted: Any) -> Any:
    """Load a model.

    Parameters
    ----------
    path
        Its file, which has been checked against its recorded hashes.
    entry
        The entry of the item.
    trusted
        For skops: ``False`` loads only types that skops knows to be harmless, ``True`` every type in the file, a list
        those named. For torch: ``True`` loads the whole pickled module.
    """
    form = entry.get("serialization_format") or os.path.splitext(path)[1].lstrip(".")
    if form == "skops":
        skops = need("skops.io", "loading the model", "sklearn")
        if trusted is True:
            trusted = skops.get_untrusted_types(file=path)
        return skops.load(path, trusted=list(trusted or []))
    if form == "pt":
        torch = need("torch", "loading the model")
        return torch.load(path, weights_only=not trusted)
    if form in ("joblib", "pickle", "pkl"):
        return need("joblib", "loading the model", "sklearn").load(path)
    raise UnsupportedError(
        f"a model in the format {form!r} is not loaded here",
        code="unsupported",
        hint="item_path() names its file",
    )

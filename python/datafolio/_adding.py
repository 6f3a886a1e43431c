"""Adding items: by what they are, or with a method for each type."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

from . import _jsonable, _models
from ._core import new_name, only
from ._optional import is_instance
from ._references import ReferenceMethods
from ._rows_in import is_table
from ._storing import Storing
from .exceptions import InvalidInputError, InvalidTypeError, MissingFileError

__all__ = ["AddMethods"]


class AddMethods(Storing, ReferenceMethods):
    """The methods that add items. Each commits at once, and returns the handle."""

    def add(
        self,
        name: str,
        obj: Any,
        *,
        description: str | None = None,
        inputs: list[str] | None = None,
        overwrite: bool = False,
        **type_opts: Any,
    ) -> Any:
        """Add an item, of the type that the value has.

        Parameters
        ----------
        name
            Its name.
        obj
            A table (pandas, Polars, or anything with ``__arrow_c_stream__``), an array of numpy, an estimator, a
            ``datetime`` with a time zone, or a value that JSON has a form of. Text is always JSON and never a path.
        description
            What it is. Where an item is replaced, ``None`` keeps the old text and ``""`` removes it.
        inputs
            The items that it was made from.
        overwrite
            Replace an item that has the name.
        **type_opts
            `preserve_index` for frames of pandas, `custom` for models.

        Returns
        -------
        DataFolio
            The handle, so that calls can be chained.

        Examples
        --------
        >>> folio = datafolio.DataFolio(path)
        >>> folio.add("params", {"rate": 0.1}).add("ids", [3, 1, 2])
        DataFolio(bundle_dir=..., items=2, snapshots=0)
        """
        common = {"description": description, "inputs": inputs, "overwrite": overwrite}
        if is_table(obj):
            allowed = only("add", type_opts, "preserve_index")
            return self._add_table(name, obj, common, bool(allowed.get("preserve_index", False)))
        if is_instance(obj, "numpy", "ndarray"):
            only("add", type_opts)
            return self._add_array(name, obj, common)
        if _models.is_estimator(obj):
            allowed = only("add", type_opts, "custom")
            return self._add_model(name, obj, common, bool(allowed.get("custom", False)), {})
        only("add", type_opts)
        if isinstance(obj, datetime.datetime):
            return self._add_timestamp(name, obj, common)
        return self._add_json(name, obj, common)

    def add_table(
        self,
        name: str,
        data: Any,
        description: str | None = None,
        overwrite: bool = False,
        inputs: list[str] | None = None,
        models: list[str] | None = None,
        code: str | None = None,
        *,
        preserve_index: bool = False,
        table_format: str | None = None,
    ) -> Any:
        """Add a table.

        Parameters
        ----------
        name
            Its name.
        data
            A frame of pandas or Polars (a ``LazyFrame`` is streamed, a ``Series`` is a table of one column), anything else
            with ``__arrow_c_stream__``, or an iterator of such, which is stored chunk by chunk and never held. The columns of each
            go by their names, in the order and of the types of the first.
        description, overwrite, inputs
            As for :meth:`add`.
        models
            Models that it was made with; they count as inputs.
        code
            The code that made it.
        preserve_index
            Keep the index of a frame of pandas, which is left out otherwise.
        table_format
            ``"parquet"`` (the default), or ``"arrow"`` or ``"hdf5"`` for a table that is to be mapped into memory.

        Raises
        ------
        TypeError
            For what is no table.
        ValueError
            For a name that is taken or not allowed, columns of the same label, and columns of mixed types.
        """
        extra = {key: value for key, value in (("models", models), ("code", code)) if value}
        common = {"description": description, "inputs": inputs, "overwrite": overwrite, "table_format": table_format}
        return self._add_table(name, data, common, preserve_index, extra)

    def add_numpy(
        self,
        name: str,
        array: Any,
        description: str | None = None,
        overwrite: bool = False,
        inputs: list[str] | None = None,
        code: str | None = None,
    ) -> Any:
        """Add an array of numpy, of any shape and type but objects.

        Raises
        ------
        TypeError
            For what is no array.
        ValueError
            For arrays of objects and masked arrays, and for a name that is taken.
        """
        if not is_instance(array, "numpy", "ndarray"):
            raise InvalidTypeError(f"Expected numpy array, got {type(array).__name__}", code="wrong-kind")
        return self._add_array(name, array, _common(description, overwrite, inputs, code))

    def add_json(
        self,
        name: str,
        data: Any,
        description: str | None = None,
        overwrite: bool = False,
        inputs: list[str] | None = None,
        code: str | None = None,
    ) -> Any:
        """Add a value that JSON has a form of: dicts, lists, text, numbers, truth values, None.

        NaN and infinity, of which JSON has no form, become null.

        Raises
        ------
        TypeError
            For what JSON has no form of.
        """
        return self._add_json(name, data, _common(description, overwrite, inputs, code))

    def add_timestamp(
        self,
        name: str,
        timestamp: datetime.datetime | float,
        description: str | None = None,
        overwrite: bool = False,
        inputs: list[str] | None = None,
        code: str | None = None,
    ) -> Any:
        """Add an instant, which is stored in UTC with microseconds.

        Parameters
        ----------
        name
            Its name.
        timestamp
            A ``datetime`` with a time zone, or seconds since 1970-01-01 in UTC.
        description, overwrite, inputs, code
            As for :meth:`add_table`.

        Raises
        ------
        ValueError
            For a ``datetime`` without a time zone.
        TypeError
            For values of other types.
        """
        return self._add_timestamp(name, timestamp, _common(description, overwrite, inputs, code))

    def add_model(
        self,
        name: str,
        model: Any,
        description: str | None = None,
        overwrite: bool = False,
        custom: bool = False,
        *,
        inputs: list[str] | None = None,
        hyperparameters: dict[str, Any] | None = None,
        code: str | None = None,
    ) -> Any:
        """Add a model: any object that can be pickled.

        Parameters
        ----------
        name
            Its name.
        model
            The model. It is written by joblib; a ``torch.nn.Module`` by torch.
        description, overwrite, inputs
            As for :meth:`add`.
        custom
            Write it with skops, which can be looked into before it is loaded.
        hyperparameters
            What it was trained with, which its entry keeps.
        code
            The code that made it.
        """
        extra = {"hyperparameters": _jsonable.plain(hyperparameters)} if hyperparameters else {}
        return self._add_model(name, model, _common(description, overwrite, inputs, code), custom, extra)

    def add_sklearn(
        self,
        name: str,
        model: Any,
        description: str | None = None,
        overwrite: bool = False,
        inputs: list[str] | None = None,
        hyperparameters: dict[str, Any] | None = None,
        code: str | None = None,
        custom: bool = False,
    ) -> Any:
        """Add an estimator of scikit-learn; as :meth:`add_model`, with the options in another order."""
        return self.add_model(
            name, model, description, overwrite, custom, inputs=inputs, hyperparameters=hyperparameters, code=code
        )

    def add_artifact(
        self,
        name: str,
        path: str | os.PathLike[str],
        category: str | None = None,
        description: str | None = None,
        overwrite: bool = False,
    ) -> Any:
        """Copy a file into the bundle; its extension is kept.

        Raises
        ------
        FileNotFoundError
            When there is no such file.
        """
        source = Path(path)
        if not source.is_file():
            raise MissingFileError(f"Artifact file not found: {path}", code="file-not-found")
        common = {"description": description, "overwrite": overwrite, "category": category}
        new_name(name)
        self._seen().add_file(name, os.path.abspath(source), {**common, "extra": {"original_path": str(path)}})
        return self

    def add_file(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        category: str | None = None,
        description: str | None = None,
        overwrite: bool = False,
    ) -> Any:
        """Copy a file into the bundle, by default under its name without the extension."""
        return self.add_artifact(Path(path).stem if name is None else name, path, category, description, overwrite)

    def import_table(
        self,
        name: str | None,
        path: str | os.PathLike[str],
        *,
        table_format: str | None = None,
        description: str | None = None,
        inputs: list[str] | None = None,
        overwrite: bool = False,
        block_size: int | None = None,
    ) -> Any:
        """Add a table from a file, a directory or a pattern, however large: it is never held in memory.

        Parameters
        ----------
        name
            Its name; by default that of the file without its extension.
        path
            Parquet (copied as it is), CSV, TSV or JSON lines (also compressed), Arrow, Feather or ``.npy``.
        table_format
            The format, where the name of the file does not say.
        description, inputs, overwrite
            As for :meth:`add`.
        block_size
            Taken for DataFolio 2.x, and without effect: memory is bounded in any case.
        """
        del block_size
        source = os.path.expanduser(os.fspath(path))
        options = {"description": description, "inputs": inputs, "overwrite": overwrite}
        called = new_name(Path(source).stem if name is None else name)
        self._seen().import_files(called, [source], table_format, options)
        return self

    def add_data(
        self,
        name: str,
        data: Any = None,
        reference: str | os.PathLike[str] | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Add a value of any type, or a reference.

        Raises
        ------
        ValueError
            When neither a value nor a reference is given, or both.
        TypeError
            For a value of a type that is not known.
        """
        if data is None and reference is None:
            raise InvalidInputError("Must provide either data or reference", code="invalid-argument")
        if data is not None and reference is not None:
            raise InvalidInputError("Cannot provide both data and reference", code="invalid-argument")
        if reference is not None:
            return self.reference_table(name, reference, description=description, **kwargs)
        if isinstance(data, os.PathLike) and os.path.isfile(data):
            return self.add_artifact(name, data, description=description, **kwargs)
        known = (dict, list, str, int, float, bool, datetime.datetime)
        if not (
            is_table(data)
            or is_instance(data, "numpy", "ndarray")
            or isinstance(data, known)
            or _models.is_estimator(data)
        ):
            raise InvalidTypeError(f"Unsupported data type: {type(data).__name__}", code="unrecognised-data")
        return self.add(name, data, description=description, **kwargs)

    # ---- what each type needs


def _common(
    description: str | None, overwrite: bool, inputs: list[str] | None, code: str | None
) -> dict[str, Any]:
    extra = {"code": code} if code else None
    return {"description": description, "inputs": inputs, "overwrite": overwrite, "extra": extra}

"""Engines that work on more than one machine: they read the files of a table, and write those of a new one."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._core import Core, count_of, new_name
from ._optional import need
from .exceptions import ColumnNotFoundError, InvalidInputError, UnsupportedError

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pyspark.sql

__all__ = ["EngineMethods", "Stage"]


class Stage:
    """A place where workers write Parquet files that are to become a table, or a part of one.

    Every worker writes files of its own to `path`, whatever their names. Nobody sees them before :meth:`commit` makes a table of
    them. As a context it commits at the end of the block, and is aborted by an exception.

    Attributes
    ----------
    id : str
        What the stage is called: another process commits it by this name.
    name : str
        The table.
    path : str
        Where the workers write: a directory, or an address on a store.
    hadoop_path : str
        The same as Spark and Hadoop call it: ``s3a://`` for what is ``s3://`` elsewhere.
    mode : str
        ``"create"``, ``"overwrite"`` or ``"append"``.

    Examples
    --------
    >>> folio = datafolio.DataFolio(path)
    >>> with folio.stage_table("doubled", inputs=["scores"]) as stage:
    ...     folio.get_table("scores").mul(2).to_parquet(f"{stage.path}/part.0.parquet")
    >>> folio.get_table("doubled")["score"].tolist()
    [2.0, 6.0, 10.0]
    """

    def __init__(self, folio: EngineMethods, facts: dict[str, Any]) -> None:
        self._folio = folio
        self.id: str = facts["id"]
        self.name: str = facts["name"]
        self.path: str = facts["path"]
        self.hadoop_path = _for_hadoop(self.path)
        self.mode: str = facts["mode"]

    def commit(self, rows: int | None = None) -> dict[str, Any]:
        """Make a table of all files, as :meth:`DataFolio.commit_stage` does."""
        return self._folio.commit_stage(self, rows)

    def abort(self) -> dict[str, Any]:
        """Remove the stage with all that was written to it."""
        return self._folio.abort_stage(self)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()

    def __repr__(self) -> str:
        return f"Stage({self.id!r}, path={self.path!r})"


class EngineMethods(Core):
    """The methods for Dask, Spark and other engines with workers of their own."""

    def stage_table(
        self,
        name: str,
        *,
        append: bool = False,
        overwrite: bool = False,
        evolve: bool = False,
        description: str | None = None,
        inputs: Sequence[str] | None = None,
    ) -> Stage:
        """Begin a stage: a place where workers write Parquet files that are to become a table.

        Parameters
        ----------
        name
            The table.
        append
            Add the rows to the table that has the name; without one, a new table.
        overwrite
            Take the place of the table that has the name.
        evolve
            With `append`: columns that only the new files have come into the table.
        description
            What it is.
        inputs
            The items that the files are made from. The versions of them that are current now are recorded.

        Returns
        -------
        Stage
            Its ``path`` is where the workers write.

        Examples
        --------
        >>> folio = datafolio.DataFolio(path)
        >>> stage = folio.stage_table("scores", append=True)
        >>> folio.get_table("scores").to_parquet(f"{stage.path}/part.0.parquet")
        >>> stage.commit()["num_rows"]
        6
        """
        if append and overwrite:
            raise InvalidInputError("append and overwrite exclude each other")
        if isinstance(inputs, str):
            raise InvalidInputError(f"inputs is a list of names: [{inputs!r}]")
        self._outside_batch("stage_table")
        facts: dict[str, Any] = self._seen().stage_table(
            new_name(name),
            append=append,
            overwrite=overwrite,
            evolve=evolve,
            description=description,
            inputs=None if inputs is None else list(inputs),
        )
        return Stage(self, facts)

    def stages(self) -> list[Stage]:
        """The stages that were begun and neither committed nor aborted, the oldest first."""
        return [Stage(self, facts) for facts in self._native.stages()]

    def commit_stage(self, stage: Stage | str, rows: int | None = None) -> dict[str, Any]:
        """Make a table of all files of a stage, or add them to one, in one commit.

        Their footers and columns are checked, their hashes are computed, and no byte is copied. The rows follow each other by the names of
        the files, numbers in these by their value: ``part.10.parquet`` comes behind ``part.9.parquet``.

        Parameters
        ----------
        stage
            The stage, or its id.
        rows
            How many rows there must be: then a file that is not there is noticed.

        Returns
        -------
        dict
            ``name`` and ``version`` of the table, whether it ``was_committed`` before, ``files``, ``rows`` and ``size_bytes`` that were added, ``num_rows`` that it has, and how
            many files were ``rewritten`` since their types are not in the form that the table has them in.

        Raises
        ------
        WrongStateError
            When a file is not Parquet, is not whole or is still being written, there is none, or another number of rows. The stage
            stays as it is.
        ConflictError
            When the table has been replaced, or its rows changed, since the stage was begun.
        """
        self._outside_batch("commit_stage")
        wanted = None if rows is None else count_of(rows, "rows")
        done: dict[str, Any] = self._native.commit_stage(_id_of(stage), wanted)
        return done

    def abort_stage(self, stage: Stage | str) -> dict[str, Any]:
        """Remove a stage with all that was written to it."""
        self._outside_batch("abort_stage")
        done: dict[str, Any] = self._native.abort_stage(_id_of(stage))
        return done

    def to_dask(self, /, name: str, columns: Sequence[str] | None = None, **kwargs: Any) -> dd.DataFrame:
        """The table as a ``DataFrame`` of Dask, whose workers read the files by themselves. The rows keep their order, which a list of paths
        would not: Dask sorts it by name.

        Parameters
        ----------
        name
            The table.
        columns
            These columns.
        **kwargs
            As :func:`dask.dataframe.read_parquet` takes them; ``storage_options`` of `fsspec` for a bundle on a store.
        """
        dataframe = need("dask.dataframe", "to_dask", "dask")
        paths = self._parquet_paths(name, "Dask")
        entry = self._native.item(name)
        # A part from before a column was added does not have it, and those that it has are the first.
        known = [entry["columns"][: part["num_cols"]] for part in entry.get("parts", [])] or [None] * len(paths)
        of_table: Sequence[str] = entry.get("columns") or columns or ()
        if unknown := [column for column in columns or () if column not in of_table]:
            raise ColumnNotFoundError(f"table '{name}' has no column {unknown[0]!r}", code="column-not-found", item=name)
        frames = []
        for path, of_part in zip(paths, known, strict=True):
            wanted = None if columns is None else [one for one in columns if of_part is None or one in of_part]
            frames.append(dataframe.read_parquet(path, columns=wanted, **kwargs))
        if len(frames) == 1:
            return frames[0]
        frame = dataframe.concat(frames)
        return frame if columns is None else frame[list(columns)]

    def to_spark(self, /, name: str, spark: pyspark.sql.SparkSession | None = None, **options: Any) -> pyspark.sql.DataFrame:
        """The table as a ``DataFrame`` of Spark, whose workers read the files by themselves.

        Parameters
        ----------
        name
            The table.
        spark
            The session; by default the one that is active.
        **options
            As ``spark.read.options`` takes them.
        """
        if spark is None:
            sql = need("pyspark.sql", "to_spark", "spark")
            spark = sql.SparkSession.active()
        paths = [_for_hadoop(path) for path in self._parquet_paths(name, "Spark")]
        # A part from before a column was added does not have it.
        return spark.read.options(**{"mergeSchema": len(paths) > 1, **options}).parquet(*paths)

    def _parquet_paths(self, name: str, engine: str) -> list[str]:
        form = self._entry(name).get("table_format", "parquet")
        if form != "parquet":
            raise UnsupportedError(
                f"{engine} reads Parquet files, and table '{name}' is stored as {form}: `folio.add_table(name, "
                f"folio.iter_table('{name}'))` stores it as Parquet",
                code="unsupported",
                item=name,
            )
        return self._native.get_table_paths(name)


def _id_of(stage: Stage | str) -> str:
    return stage.id if isinstance(stage, Stage) else stage


def _for_hadoop(path: str) -> str:
    """An address as Hadoop's file systems are called, which read S3 as `s3a`."""
    return f"s3a://{path[5:]}" if path.startswith("s3://") else path

"""Dagster I/O managers: tables as Parquet files, models as folders. Both are written atomically."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from movierec.bundles.atomic_write import atomic_write, sweep_parts
from movierec.bundles.versioned_folders import current_version, place_version
from movierec.candidates.unfitted import UnfittedModel
from movierec.data.schema import COLUMN_DESCRIPTIONS, WINDOW_COLUMNS
from resources.provenance import describe_origin, note_input


class _FolderIOManager(dg.ConfigurableIOManager):
    """Base of our I/O managers: stores an asset under `<root>/<sample>/<asset>`.

    An asset that is also partitioned by window is stored under `<root>/<sample>/<asset>/<window>`.
    """

    root: str

    def build_path(self, context: dg.InputContext | dg.OutputContext) -> Path:
        return self._locate(context, context.asset_partition_key if context.has_asset_partitions else None)

    def _locate(self, context: dg.InputContext | dg.OutputContext, partition: str | None) -> Path:
        if isinstance(partition, dg.MultiPartitionKey):
            keys = partition.keys_by_dimension
            return Path(self.root, keys["sample"], *context.asset_key.path, keys["window"])
        return Path(self.root, *([partition] if partition else []), *context.asset_key.path)


class ParquetIOManager(_FolderIOManager):
    """Stores a table as `<asset>.parquet`; lazy frames are written as a stream and loaded as a scan of the file.

    An asset that reads all windows of another gets one table of the windows that are stored.
    """

    def handle_output(self, context: dg.OutputContext, obj: pl.LazyFrame | pl.DataFrame) -> None:
        """Writes the table and adds its metadata (path, size, columns, first rows) to the asset."""
        path = self.build_path(context).with_suffix(".parquet")
        sweep_parts(path.parent)
        with atomic_write(path) as part:
            obj.lazy().sink_parquet(part, compression="zstd")
        context.add_output_metadata(build_table_metadata(path) | describe_origin(context, _version_of(path)))

    def load_input(self, context: dg.InputContext) -> pl.LazyFrame | pl.DataFrame:
        """Loads the table: as a DataFrame if the input is annotated so, else as a lazy scan of the file."""
        if _reads_every_window(context):
            paths = [self._locate(context, key).with_suffix(".parquet") for key in context.asset_partition_keys]
            paths = [path for path in paths if path.is_file()]
        else:
            paths = [self.build_path(context).with_suffix(".parquet")]
            if not paths[0].is_file():
                raise _missing(paths[0], context)
        note_input(context, " ".join(map(_version_of, paths)))
        frames = [pl.scan_parquet(path) for path in paths]
        frame = pl.concat(frames, how="diagonal") if frames else pl.LazyFrame(schema=WINDOW_COLUMNS)
        return frame.collect() if context.dagster_type.typing_type is pl.DataFrame else frame


class ModelIOManager(_FolderIOManager):
    """Stores a model in the folder `<asset>/<version>/`; the file `<asset>/CURRENT` names the version in use.

    The model's class must have `save(folder)` and `load(folder)`. The last `keep` versions are kept. An UnfittedModel
    may
    be stored in its place and is loaded as such; the type of the input says whether it is allowed.
    """

    keep: int = 2

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Writes a new version of the model, makes it the current one and deletes old versions."""
        version = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
        folder = place_version(self.build_path(context), version, obj.save, kept=self.keep)
        size: dict[str, Any] = {"path": dg.MetadataValue.path(folder), "bytes": get_folder_size(folder)}
        context.add_output_metadata(size | describe_origin(context, version))

    def load_input(self, context: dg.InputContext) -> Any:
        """Loads the current version with the class that the input is annotated with, or the UnfittedModel in its place.

        Raises RuntimeError if the files do not fit that class.
        """
        home = self.build_path(context)
        folder = current_version(home)
        if folder is None:
            raise _missing(home, context)
        note_input(context, folder.name)
        try:
            stored_class = UnfittedModel if UnfittedModel.is_stored_in(folder) else context.dagster_type.typing_type
            return stored_class.load(folder)
        except (OSError, KeyError, TypeError, ValueError) as error:
            asset = context.asset_key.to_user_string()
            advice = f"materialise {asset} for {context.asset_partition_key} again"
            raise RuntimeError(f"{folder} is broken or was written by other code ({error!r}): {advice}") from error


def get_folder_size(folder: Path) -> int:
    """Total size of all files below the folder, in bytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def build_table_metadata(path: Path) -> dict[str, Any]:
    """Metadata of a Parquet file for the Dagster UI: path, bytes, number of rows, columns, the first 5 rows."""
    frame = pl.scan_parquet(path)
    columns = [
        dg.TableColumn(name, str(dtype), description=COLUMN_DESCRIPTIONS.get(name))
        for name, dtype in frame.collect_schema().items()
    ]
    return {
        "path": dg.MetadataValue.path(path),
        "bytes": path.stat().st_size,
        "dagster/row_count": frame.select(pl.len()).collect().item(),
        "dagster/column_schema": dg.TableSchema(columns),
        "preview": render_markdown_table(frame.head(5).collect()),
    }


def render_markdown_table(table: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """The table in Markdown, for an asset's page in the Dagster UI; at most the first 12 columns."""
    shown = table.select(table.columns[:12])
    with pl.Config(
        tbl_formatting="MARKDOWN",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_rows=-1,
        tbl_cols=-1,
        fmt_str_lengths=60,
        tbl_width_chars=2000,
    ):
        return dg.MetadataValue.md(str(shown))


def _reads_every_window(context: dg.InputContext) -> bool:
    """Whether the input is of an asset with windows, and the asset that reads it is not of the same window alone."""
    if not context.has_asset_partitions:
        return False
    keys = context.asset_partition_keys
    return list(keys) != [context.partition_key] and all(isinstance(key, dg.MultiPartitionKey) for key in keys)


def _version_of(table: Path) -> str:
    """Of a table: when its file was written, since every write replaces the file."""
    return str(table.stat().st_mtime_ns)


def _missing(path: Path, context: dg.InputContext) -> FileNotFoundError:
    asset = context.asset_key.to_user_string()
    return FileNotFoundError(f"{path} is not there: materialise {asset} for {context.asset_partition_key} first")

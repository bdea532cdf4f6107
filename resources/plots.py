"""Small plots as PNG images for an asset's metadata in the Dagster UI."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_bars(values: Mapping[str, float], *, title: str) -> dg.MarkdownMetadataValue:
    """A bar chart with horizontal bars, the first name on top."""
    figure, axes = _create_figure(height=0.6 + 0.22 * len(values))
    names = list(values)[::-1]
    axes.barh(names, [values[name] for name in names], color="#5b8def")
    axes.set_title(title)
    return _embed_png(figure)


def plot_intervals(table: pl.DataFrame, *, title: str) -> dg.MarkdownMetadataValue:
    """A point with its confidence interval for each row of `table`, the first row at the bottom.

    `table` has the columns model, value, low, high.
    """
    figure, axes = _create_figure(height=0.8 + 0.35 * len(table))
    for row, (value, low, high) in enumerate(table.select("value", "low", "high").rows()):
        axes.errorbar(value, row, xerr=[[value - low], [high - value]], fmt="o", color="#5b8def", capsize=4)
        axes.annotate(f"{value:.4f}", (value, row), textcoords="offset points", xytext=(0, 7), ha="center", fontsize=8)
    axes.set_yticks(range(len(table)), table["model"].to_list())
    axes.set_ylim(-0.6, len(table) - 0.3)
    axes.set_title(title)
    return _embed_png(figure)


def plot_lines(table: pl.DataFrame, *, title: str) -> dg.MarkdownMetadataValue:
    """A line for each model over the windows of `window, model, ndcg_at_10`."""
    figure, axes = _create_figure(height=3.6)
    for (model,), rows in table.group_by("model", maintain_order=True):
        axes.plot(rows["window"].to_list(), rows["ndcg_at_10"].to_list(), marker=".", label=str(model))
    axes.tick_params(axis="x", rotation=45)
    axes.set_title(title)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    return _embed_png(figure)


def plot_columns(names: Sequence[str], heights: Sequence[float], *, title: str) -> dg.MarkdownMetadataValue:
    """A bar chart with vertical bars, one per name, from left to right."""
    figure, axes = _create_figure(height=2.4)
    axes.bar(list(names), list(heights), color="#5b8def")
    axes.set_title(title)
    return _embed_png(figure)


def plot_scatter(table: pl.DataFrame, *, title: str, max_points: int = 4_000) -> dg.MarkdownMetadataValue:
    """A dot for each row of `table` (columns x, y, cluster), coloured by cluster.

    Above `max_points` rows a random sample with a fixed seed is drawn.
    """
    from matplotlib import colormaps

    drawn = table.sample(min(max_points, len(table)), seed=0)
    names = sorted(table["cluster"].unique())
    colours = colormaps["tab20" if len(names) > 10 else "tab10"]
    figure, axes = _create_figure(height=4.2)
    for name in names:
        rows = drawn.filter(cluster=name)
        axes.scatter(rows["x"], rows["y"], s=5, color=colours(name % colours.N), label=str(name))
    axes.set(title=title, xticks=[], yticks=[])
    figure.legend(loc="outside right upper", markerscale=3, fontsize=8, frameon=False, title="cluster")
    return _embed_png(figure)


def _create_figure(*, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, height), dpi=80, layout="constrained")
    return figure, figure.subplots()


def _embed_png(figure: "Figure") -> dg.MarkdownMetadataValue:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(file.getvalue()).decode()})")

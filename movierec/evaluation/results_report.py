"""The results page: the measured tables as Markdown. Nothing is added by hand."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from movierec.data.windows import RATER_SEGMENTS
from movierec.evaluation.leaderboard import COST_METRICS

SHOWN_METRICS = (
    "ndcg_at_10",
    "recall_at_10",
    "precision_at_10",
    "map_at_10",
    "mrr_at_10",
    "recall_at_20",
    "novelty_at_10",
    "coverage_at_10",
    "gini_at_10",
)
LIST_METRICS = ("distinct_per_1000", "popularity_lift", "genre_divergence")  # what lists are like
BACKTEST_METRICS = ("ndcg_at_10", *LIST_METRICS)
SHOWN_COLUMNS = (*SHOWN_METRICS, *COST_METRICS)
HEADLINE_MODELS = (
    "random",
    "popularity",
    "recent_popularity",
    "als",
    "ials",
    "ease",
    "two_stage",
)  # from chance to what is served
HEADLINE_SEGMENTS = {
    "returning": "returning users",
    "newcomers": "newcomers",
    "given_5": "newcomers after 5 ratings",
}
ResultRow = Mapping[str, Any]

PAGE_HEAD = """# Results

`make results` writes this page from the asset `leaderboard`. [evaluation.md](evaluation.md) explains how the models are
measured. Each section names the data set, its version, the protocol and n, the number of users scored. Square brackets
hold 95 % bootstrap intervals over users. The costs are those of one fit on the machine that ran it: `fit_seconds`;
`fit_peak_mb`, the growth of resident memory in MB (0 if memory freed earlier was enough); and `users_per_second`.
"""
COLUMN_NOTES = """The cost of a model with several stages is the cost of all its stages together. Cold start
says which cold cases a model can answer: users before their first rating, or movies that nobody has rated.
"""


def render_results_page(measured: Sequence[Mapping[str, Any]]) -> str:
    """The whole page: a section for each of `measured`, with keys `source, sample, split, rows` and optionally
    `backtest` and `diversity`.

    `rows` are the rows of the leaderboard for the rest of the sitting, as dictionaries.
    """
    ordered = sorted(measured, key=lambda each: (each["source"]["name"], each["sample"]))
    return "\n".join([PAGE_HEAD, *(line for each in ordered for line in _render_section(each))])


def render_headline_table(measured: Mapping[str, Any]) -> str:
    """nDCG@10 of HEADLINE_MODELS in the back-test and, in the last column, for the rest of the
    sitting, as a Markdown table.

    Without a back-test there is only the last column.
    """
    sitting = _index_ndcg(measured["rows"])
    columns = [("rest of the sitting", sitting, None)]
    for each in measured.get("backtest", [])[:1]:
        columns[:0] = [
            (told, _index_ndcg([row for row in each["rows"] if row["segment"] == segment]), each["best_channel"])
            for segment, told in HEADLINE_SEGMENTS.items()
        ]
    heads = [f"{told}, n = {next((row['n'] for row in found.values()), 0)}" for told, found, _ in columns]
    lines = [f"| model | {' | '.join(heads)} |", "|---" * (1 + len(columns)) + "|"]
    for model in HEADLINE_MODELS:
        if (model, None) in sitting:
            cells = [_format_headline_cell(found, model, best) for _, found, best in columns]
            lines.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _index_ndcg(rows: Sequence[ResultRow]) -> dict[tuple[str, str | None], ResultRow]:
    """The rows of nDCG@10 by model and base."""
    return {(row["model"], row["base"]): row for row in rows if row["metric"] == "ndcg_at_10"}


def _format_headline_cell(found: Mapping[tuple[str, str | None], ResultRow], model: str, best: str | None) -> str:
    """The value, and after a line break the difference to the best channel, bold where the interval excludes 0."""
    own = _format_cell(found.get((model, None)))
    difference = found.get((model, best)) if best else None
    if difference is None:
        return own
    told = _format_interval(difference)
    return f"{own}<br>{f'**{told}**' if difference['low'] * difference['high'] > 0 else told}"


def _render_section(measured: Mapping[str, Any]) -> Iterable[str]:
    source = measured["source"]
    yield f"## {source['name']}, sample {measured['sample']}"
    yield ""
    yield f"{source['description']} Data version `{source['version']}`."
    yield ""
    if any(row.get("cold_start") for row in measured["rows"]):
        yield COLUMN_NOTES
    for each in measured.get("backtest", []):
        yield from _render_backtest(each)
    yield f"### Rest of the sitting: {measured['split']}"
    yield ""
    yield from _render_sitting(measured["rows"])
    if measured.get("diversity"):
        yield from _render_diversity(measured["diversity"])


def _render_backtest(each: Mapping[str, Any]) -> Iterable[str]:
    """nDCG@10 of all models in some windows, and below it the difference to the best channel."""
    windows, best = each["windows"], each["best_channel"]
    which = f"{len(windows)} windows from {windows[0]} to {windows[-1]}" if len(windows) > 1 else f"window {windows[0]}"
    yield f"### Back-test: {which}"
    yield ""
    yield f"nDCG@10 and, below it, the paired difference to `{best}`, the best channel of all windows but the last."
    yield "Bold where the interval excludes 0. n counts users in windows."
    yield ""
    by_segment: dict[str, list[ResultRow]] = {}
    for row in each["rows"]:
        by_segment.setdefault(row["segment"], []).append(row)
    found = {segment: _index_ndcg(rows) for segment, rows in by_segment.items()}
    heads = [f"{segment}, n = {next(iter(rows.values()))['n']}" for segment, rows in found.items()]
    yield f"| model | {' | '.join(heads)} |"
    yield "|---" * (1 + len(heads)) + "|"
    for model in dict.fromkeys(row["model"] for row in each["rows"]):
        yield f"| {model} | {' | '.join(_format_headline_cell(of, model, best) for of in found.values())} |"
    yield ""
    yield from _render_list_properties(each["rows"])


def _render_list_properties(rows: Sequence[ResultRow]) -> Iterable[str]:
    """What the lists of returning users and of newcomers are like, a column per segment and property."""
    shown = [
        (segment, metric)
        for segment in RATER_SEGMENTS
        for metric in LIST_METRICS
        if any((row["segment"], row["metric"]) == (segment, metric) for row in rows)
    ]
    if not shown:
        return
    cells = {(row["model"], row["segment"], row["metric"]): row for row in rows}
    yield f"| model | {' | '.join(f'{segment}, {metric}' for segment, metric in shown)} |"
    yield "|---" * (1 + len(shown)) + "|"
    for model in dict.fromkeys(row["model"] for row in rows):
        values = (_format_property(cells.get((model, *column))) for column in shown)
        yield f"| {model} | {' | '.join(values)} |"
    yield ""


def _format_property(row: ResultRow | None) -> str:
    if row is None:
        return ""
    if row["low"] is None:
        return f"{row['value']:.0f}"
    return f"{row['value']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"


def _render_sitting(rows: Sequence[ResultRow]) -> Iterable[str]:
    own = {(row["model"], row["metric"]): row for row in rows if row["base"] is None}
    models = list(dict.fromkeys(model for model, _ in own))
    shown = [metric for metric in SHOWN_COLUMNS if any((model, metric) in own for model in models)]
    n = next(row["n"] for row in rows if row["n"] is not None)
    nothing = rows[0].get("liked_nothing")
    left_out = f"; left out, without a relevant movie to find: {nothing}" if nothing else ""
    yield f"n = {n}{left_out}."
    yield ""
    cold_start = {row["model"]: row["cold_start"] for row in rows if row.get("cold_start")}
    yield f"| model | {' | '.join([*shown, *(['cold start'] if cold_start else [])])} |"
    yield "|---" * (1 + len(shown) + bool(cold_start)) + "|"
    for model in models:
        cells = [_format_cell(own.get((model, metric))) for metric in shown]
        yield f"| {model} | {' | '.join([*cells, *([cold_start[model]] if cold_start else [])])} |"
    yield ""
    compared = [row for row in rows if row["base"] is not None]
    if compared:
        yield "Paired differences of nDCG@10 on the same users:"
        yield ""
        yield "| model | against | difference | n |"
        yield "|---|---|---|---|"
        for row in compared:
            yield f"| {row['model']} | {row['base']} | {_format_interval(row)} | {row['n']} |"
        yield ""


def _render_diversity(rows: Sequence[ResultRow]) -> Iterable[str]:
    cells = {(row["weight"], row["metric"]): row for row in rows}
    metrics = list(dict.fromkeys(metric for _, metric in cells))
    yield "### Diversity: `two_stage` by the weight of maximal marginal relevance over genres"
    yield ""
    yield f"| weight | {' | '.join(metrics)} |"
    yield "|---" * (1 + len(metrics)) + "|"
    for weight in dict.fromkeys(weight for weight, _ in cells):
        shown = (cells[weight, metric] for metric in metrics)
        yield f"| {weight} | {' | '.join(_format_cell(row) for row in shown)} |"
    yield ""


def _format_cell(row: ResultRow | None) -> str:
    if row is None:
        return ""
    if row["metric"] in COST_METRICS:
        return f"{row['value']:,.1f}" if row["value"] < 100 else f"{row['value']:,.0f}"
    if row["low"] is None:
        return f"{row['value']:.4f}"
    return f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"


def _format_interval(row: ResultRow) -> str:
    return f"{row['value']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]"

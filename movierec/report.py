"""The results page: measured tables as Markdown, nothing added by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = ("ndcg_at_10", "recall_at_10", "precision_at_10", "map_at_10", "recall_at_20", "coverage_at_10")

HEAD = """# Results

Written by `make results` from what the graph measured; `docs/evaluation.md` says how. Each section names the data
set, its version, the split and n, the number of users scored. Brackets hold 95 % bootstrap intervals over users.
"""


def results_page(measured: Sequence[Mapping[str, Any]]) -> str:
    """One section for each of `measured`: `source, sample, split, evaluation, comparison`, tables as lists of rows."""
    ordered = sorted(measured, key=lambda each: (each["source"]["name"], each["sample"]))
    return "\n".join([HEAD, *(_section(each) for each in ordered)])


def headline(measured: Mapping[str, Any]) -> str:
    """nDCG@10 of every model as a Markdown table."""
    rows = [row for row in measured["evaluation"] if row["metric"] == "ndcg_at_10"]
    return "\n".join(["| model | nDCG@10 |", "|---|---|", *(f"| {row['model']} | {_cell(row)} |" for row in rows)])


def _section(measured: Mapping[str, Any]) -> str:
    source = measured["source"]
    evaluation = measured["evaluation"]
    values = {(row["model"], row["metric"]): row for row in evaluation}
    models = list(dict.fromkeys(row["model"] for row in evaluation))
    return "\n".join(
        [
            f"## {source['name']}, sample {measured['sample']}",
            "",
            f"{source['description']} Data version `{source['version']}`; split: {measured['split']}; "
            f"n = {evaluation[0]['n']}.",
            "",
            f"| model | {' | '.join(SHOWN)} |",
            "|---" * (1 + len(SHOWN)) + "|",
            *(f"| {model} | {' | '.join(_cell(values[model, metric]) for metric in SHOWN)} |" for model in models),
            "",
            "Paired differences of nDCG@10 on the same users:",
            "",
            "| model | against | difference | n |",
            "|---|---|---|---|",
            *(f"| {row['model']} | {row['base']} | {_signed(row)} | {row['n']} |" for row in measured["comparison"]),
            "",
        ]
    )


def _cell(row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return f"{row['value']:.4f}"
    return f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"


def _signed(row: Mapping[str, Any]) -> str:
    return f"{row['value']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]"

"""The tables of cost and of what labels bring: means, dashes, words."""

from __future__ import annotations

from typing import Any

from noisy_student.report.tables.labels import cost_words, costs_table, curves_table, selections_table

SELECTED: dict[str, Any] = {
    "condition": "filtered", "seed": 1, "labels": "votes", "k": 8, "stopping": "fixed", "questions": 100,
    "samples": 800, "tokens": 8000, "seconds": 4.0, "accepted": 20, "right": 18, "coverage": 0.2, "precision": 0.9,
    "samples_per_label": 40.0, "tokens_per_label": 400.0,
}  # fmt: skip
COSTS: dict[str, Any] = {
    "stages": [
        {"stage": "sample", "nodes": 2, "prompt_tokens": 100, "sampled_tokens": 900, "trained_tokens": None,
         "flops": 2_000_000, "seconds": 3.0, "usd": None},
        {"stage": "vote", "nodes": 1, "prompt_tokens": None, "sampled_tokens": None, "trained_tokens": None,
         "flops": None, "seconds": 1.0, "usd": None},
    ],
    "totals": {"prompt_tokens": 100, "sampled_tokens": 900, "trained_tokens": None, "flops": 2_000_000,
               "seconds": 4.0, "usd": None},
}  # fmt: skip


def cells(table, line: int = 0) -> dict[str, str]:
    return dict(zip((column.name for column in table.columns), table.lines[line].cells, strict=True))


def test_selections_are_means_over_seeds() -> None:
    other = {**SELECTED, "seed": 2, "accepted": 30, "coverage": 0.3, "precision": None, "samples_per_label": 20.0}
    found = cells(selections_table({"selections": [SELECTED, other]}))
    assert found["Selected"] == "25"
    assert found["Coverage"] == "25.0 %"
    assert found["Precision"] == "90.0 %"
    assert found["Samples a label"] == "30"
    nothing = {**SELECTED, "accepted": 0, "precision": None, "samples_per_label": None}
    assert cells(selections_table({"selections": [nothing]}))["Samples a label"] == "\N{EN DASH}"


def test_curves_of_several_k_share_their_columns() -> None:
    rows = [
        {"name": "k4", "seed": 1, "curve": [[1, 0.5], [2, 0.5], [4, 0.6]], "enough": None},
        {"name": "k8", "seed": 1, "curve": [[1, 0.5], [2, 0.5], [4, 0.6], [8, 0.61]], "enough": 4},
        {"name": "adaptive", "seed": 1, "curve": [], "enough": None},
    ]
    table = curves_table({"labels": rows})
    assert len(table.lines) == 2
    assert cells(table)["k = 8"] == cells(table)["Enough"] == "\N{EN DASH}"
    assert (cells(table, 1)["k = 8"], cells(table, 1)["Enough"]) == ("61.0 %", "4")


def test_costs_end_with_their_sum_and_show_money_only_where_there_is_a_price() -> None:
    table = costs_table({"costs": COSTS})
    assert [line.cells[0] for line in table.lines] == ["sample", "vote", "all"]
    assert (cells(table, 2)["Parts"], cells(table, 2)["Sampled tokens"]) == ("3", "900")
    assert "USD" not in cells(table)
    priced = {"stages": [{**COSTS["stages"][0], "usd": 0.5}], "totals": {**COSTS["totals"], "usd": 0.5}}
    assert cells(costs_table({"costs": priced}))["USD"] == "0.50"
    assert costs_table({}).lines == ()


def test_the_cost_is_said_in_a_sentence_without_what_is_not_known() -> None:
    assert cost_words({"costs": COSTS}) == "Cost: 900 tokens sampled, 2.0e6 FLOPs, 4.0 s of computing."
    assert cost_words({}) is None

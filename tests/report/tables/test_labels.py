"""Tables of selected labels, votes by agreement, cost and forecast."""

from __future__ import annotations

from typing import Any

from noisy_student.report.tables.labels import (
    VoteLevel,
    cost_words,
    costs_table,
    curves_table,
    forecast_table,
    forecast_words,
    histograms,
    selections_table,
)

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
    assert found["Samples per label"] == "30"
    nothing = {**SELECTED, "accepted": 0, "precision": None, "samples_per_label": None}
    assert cells(selections_table({"selections": [nothing]}))["Samples per label"] == "\N{EN DASH}"


def test_curves_of_several_k_share_their_columns() -> None:
    rows = [
        {"name": "k4", "seed": 1, "curve": [[1, 0.5], [2, 0.5], [4, 0.6]], "enough": None},
        {"name": "k8", "seed": 1, "curve": [[1, 0.5], [2, 0.5], [4, 0.6], [8, 0.61]], "enough": 4},
        {"name": "adaptive", "seed": 1, "curve": [], "enough": None},
    ]
    table = curves_table({"labels": rows})
    assert len(table.lines) == 2
    assert cells(table)["k = 8"] == cells(table)["Saturates at"] == "\N{EN DASH}"
    assert (cells(table, 1)["k = 8"], cells(table, 1)["Saturates at"]) == ("61.0 %", "4")


def test_costs_end_with_their_sum_and_show_money_only_where_there_is_a_price() -> None:
    table = costs_table({"costs": COSTS})
    assert [line.cells[0] for line in table.lines] == ["sample", "vote", "all"]
    assert (cells(table, 2)["Parts"], cells(table, 2)["Sampled tokens"]) == ("3", "900")
    assert "USD" not in cells(table)
    priced = {"stages": [{**COSTS["stages"][0], "usd": 0.5}], "totals": {**COSTS["totals"], "usd": 0.5}}
    assert cells(costs_table({"costs": priced}))["USD"] == "0.50"
    assert costs_table({}).lines == ()


def test_the_cost_is_said_in_a_sentence_without_what_is_not_known() -> None:
    said = cost_words({"costs": COSTS}) or ""
    assert all(value in said for value in ("900 tokens", "2.0e6 FLOPs", "4.0 s"))
    assert "USD" not in said and "trained" not in said
    assert cost_words({}) is None
    # Two calls with 2 and 6 workers: the machine was held for less time than the stages took together.
    totals = {"seconds": 1271.0, "wall_seconds": 582.0, "usd": 582 / 3600 * 0.8}
    words = "Cost: 21 min 11 s of stage time, 9 min 42 s of wall time, 0.13 USD."
    assert cost_words({"costs": {"totals": totals}}) == words


def row(seed, levels, k=2):
    return {"name": "votes", "seed": seed, "k": k, "by_level": levels}


def test_seeds_are_weighted_by_questions():
    first = row(1, [{"votes": 2, "questions": 30, "accuracy": 1.0}, {"votes": 1, "questions": 5, "accuracy": 0.2}])
    second = row(2, [{"votes": 2, "questions": 10, "accuracy": 0.0}])
    (histogram,) = histograms([first, second])
    assert histogram.seeds == 2
    assert histogram.levels == (VoteLevel(1, 5, 0.2), VoteLevel(2, 40, 0.75))


def test_one_unknown_seed_makes_the_level_unknown():
    rows = [
        row(1, [{"votes": 2, "questions": 30, "accuracy": 1.0}]),
        row(2, [{"votes": 2, "questions": 1, "accuracy": None}]),
    ]
    assert histograms(rows)[0].levels == (VoteLevel(2, 31, None),)


def test_different_k_is_not_mixed_and_no_levels_no_histogram():
    level = [{"votes": 1, "questions": 1, "accuracy": 1.0}]
    assert [each.k for each in histograms([row(1, level, 8), row(1, level, 16), row(1, None), row(1, [])])] == [8, 16]


def test_a_level_without_questions_has_no_accuracy():
    assert histograms([row(1, [{"votes": 1, "questions": 0, "accuracy": None}])])[0].levels == (VoteLevel(1, 0, None),)


KEPT: dict[str, Any] = {
    "cpu_seconds": 100.0,
    "actual_cpu_seconds": 125.0,
    "ratio": 1.25,
    "without_estimate": 0,
    "stages": [
        {"stage": "sample", "nodes": 3, "source": "store", "cpu_seconds": 100.0, "actual_cpu_seconds": 125.0,
         "ratio": 1.25},
    ],
}  # fmt: skip


def test_the_sentence_says_both_times_and_their_ratio() -> None:
    said = forecast_words({"forecast": KEPT}) or ""
    assert [said.index(value) for value in ("1 min 40 s", "2 min 5 s", "1.25")] == sorted(
        said.index(value) for value in ("1 min 40 s", "2 min 5 s", "1.25")
    )


def test_what_had_no_forecast_is_said_in_both() -> None:
    some = {"forecast": {**KEPT, "without_estimate": 56}}
    assert "56 more steps" in (forecast_words(some) or "")
    (remark,) = forecast_table(some).remarks
    assert remark.startswith("56 steps")
    assert forecast_table({"forecast": KEPT}).remarks == ()


def test_without_a_forecast_there_is_nothing_to_say() -> None:
    for results in ({}, {"forecast": None}, {"forecast": {**KEPT, "ratio": None}}):
        assert forecast_words(results) is None
    assert forecast_table({}).lines == ()


def test_the_last_line_sums_the_stages_up() -> None:
    lines = forecast_table({"forecast": KEPT}).lines
    assert [line.cells[0] for line in lines] == ["sample", "all"]
    assert lines[-1].cells[1:5] == ("3", "1 min 40 s", "2 min 5 s", "1.25")

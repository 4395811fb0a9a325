"""Chains of rounds as they are written out: names, what is given stays, and what is no chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.settings.rounds import MOST_ROUNDS, written_out

chains = st.dictionaries(
    st.sampled_from(["fresh", "on", "x"]),
    st.fixed_dictionaries(
        {},
        optional={
            "rounds": st.integers(1, MOST_ROUNDS),
            "method": st.sampled_from(["sft", "grpo"]),
            "continued": st.booleans(),
            "teacher": st.sampled_from(["base", "other"]),
            "baseline": st.sampled_from(["baseline", "first"]),
            "K": st.integers(2, 16),
            "min_agreement": st.sampled_from([0.5, 0.75]),
            "error": st.sampled_from([0.05, 0.2]),
            "passes": st.booleans(),
        },
    ),
    max_size=3,
)
STUDY = """
question = "?"
[rounds.fresh]
{chain}
[conditions]
base = {{ method = "none" }}
baseline = {{ train = ["gold"] }}
{more}
"""


@given(chains)
def test_each_chain_is_its_rounds_and_the_last_of_them(found: dict[str, dict[str, Any]]) -> None:
    made = written_out({"question": "?", "rounds": found})
    assert "rounds" not in made and made["question"] == "?"
    expected = {
        name: [f"{name}-{number}" for number in range(1, chain.get("rounds", 3) + 1)] for name, chain in found.items()
    }
    assert set(made.get("labels", {})) == {name for each in expected.values() for name in each}
    assert set(made.get("conditions", {})) == {name for each in expected.values() for name in each} | set(found)
    for name, chain in found.items():
        first, baseline = expected[name][0], chain.get("baseline", "baseline")
        last = made["conditions"][name]
        assert last == {
            "method": "last",
            "last_of": [baseline, *expected[name]],
            "passes": chain.get("passes", False),
        }
        # Each round is taught by, held against and, where asked for, begun at the one before.
        for before, this in zip([baseline, *expected[name]], expected[name], strict=False):
            condition, label = made["conditions"][this], made["labels"][this]
            assert condition["accept"]["against"] == before
            assert condition["accept"]["rounds"] == len(expected[name])
            assert condition["graded_on"] == "dev" and condition["train"] == ["gold", f"labels.{this}"]
            assert label.get("teacher") == (chain.get("teacher") if this == first else before)
            assert condition.get("start") == (before if chain.get("continued") and this != first else None)
            assert label["K"] == condition["accept"]["K"]
            assert condition["select"]["min_agreement"] == condition["accept"]["min_agreement"]


@given(chains)
def test_what_was_written_out_is_written_out_to_itself(found: dict[str, dict[str, Any]]) -> None:
    made = written_out({"rounds": found, "conditions": {"baseline": {"train": ["gold"]}}})
    assert written_out(made) == made
    assert written_out({**made, "rounds": found}) == made


@given(chains, st.sampled_from(["fresh-1", "on-2", "x", "else"]), st.dictionaries(st.sampled_from("abK"), st.just(99)))
def test_a_field_that_is_given_stays_beside_those_that_are_written(
    found: dict[str, dict[str, Any]], name: str, own: dict[str, int]
) -> None:
    fields = {"labels": {name: own}, "conditions": {name: {**own, "select": {"count": 5}}}}
    made, plain = written_out({**fields, "rounds": found}), written_out({"rounds": found})
    for table in ("labels", "conditions"):
        rest = plain.get(table, {})
        assert made[table] == {**rest, name: {**rest.get(name, {}), **fields[table][name]}}
    assert fields == {"labels": {name: own}, "conditions": {name: {**own, "select": {"count": 5}}}}, "left as it was"


@pytest.mark.parametrize("fields", [{}, {"labels": {"votes": {"K": 8}}}, {"rounds": {}, "labels": 3}])
def test_without_chains_all_stays_as_it_is(fields: dict[str, Any]) -> None:
    assert written_out(fields) == {name: value for name, value in fields.items() if name != "rounds"}


@pytest.mark.parametrize("table", [3, "x", [1], None])
def test_tables_that_are_none_are_left_for_the_check_of_all_settings(table: Any) -> None:
    for fields in ({"labels": table}, {"conditions": table}, {"conditions": {"fresh-1": table}}):
        made = written_out({**fields, "rounds": {"fresh": {}}})
        name, value = next(iter(fields.items()))
        assert made[name] == value if not isinstance(value, dict) else made[name]["fresh-1"] == table


@pytest.mark.parametrize(
    ("rounds", "code", "value"),
    [
        (4, "not-a-table", "rounds"),
        ({"fresh": 3}, "not-a-table", "[rounds.NAME]"),
        (
            {"fresh": {"rouds": 2}},
            "unknown-field",
            '"rounds.fresh.rouds"',
        ),
        ({"fresh": {"rounds": 0}}, "field-invalid", '"rounds.fresh.rounds" is 0'),
        ({"fresh": {"rounds": MOST_ROUNDS + 1}}, "field-invalid", '"rounds.fresh.rounds" is 10'),
        ({"fresh": {"K": 1}}, "field-invalid", '"rounds.fresh.K" is 1'),
        ({"fresh": {"method": "none"}}, "field-invalid", "\"rounds.fresh.method\" is 'none'"),
        ({"fresh": {"method": "sgd"}}, "unknown-method", "sgd"),
    ],
)
def test_what_is_no_chain_is_refused(rounds: Any, code: str, value: str) -> None:
    with refused(code, value):
        written_out({"rounds": rounds})


def study(folder: Path, *, chain: str = "", more: str = "") -> str:
    path = folder / "own.toml"
    path.write_text(STUDY.format(chain=chain, more=more))
    return str(path)


def test_chains_are_set_before_and_what_they_become_after(tmp_path: Path) -> None:
    own = study(tmp_path, more='fresh-2 = { select = { count = 7 }, method = "grpo" }')
    overrides = {"conditions.fresh-1.accept.error": 0.2, "rounds.fresh.rounds": 2, "labels.fresh-2.K": 4}
    made = resolve(Request(own, overrides=overrides))
    assert list(made.labels) == ["fresh-1", "fresh-2"]
    assert made.conditions["fresh"].last_of == ("baseline", "fresh-1", "fresh-2")
    first, second = (made.conditions[name] for name in ("fresh-1", "fresh-2"))
    assert first.accept is not None and second.accept is not None
    assert (first.accept.error, second.accept.error, first.accept.rounds) == (0.2, 0.05, 2)
    assert list(made.conditions) == ["base", "baseline", "fresh-1", "fresh-2", "fresh"]
    assert (made.labels["fresh-2"].K, second.select, second.method) == (4, {"count": 7}, "grpo")
    assert second.accept.against == "fresh-1"


def test_a_chain_of_a_packaged_study_is_set_by_its_name() -> None:
    made = resolve(Request("v6", overrides={"rounds.fresh.rounds": 2}))
    assert [name for name in made.conditions if name.startswith("fresh")] == ["fresh-1", "fresh-2", "fresh"]
    assert [name for name in made.labels if name.startswith("continued")] == [f"continued-{n}" for n in range(1, 6)]
    with refused("unknown-name", '"frsh"', 'Did you mean "fresh"'):
        resolve(Request("v6", overrides={"rounds.frsh.rounds": 2}))
    with refused("unknown-name", "no rounds"):
        resolve(Request("v1", overrides={"rounds.fresh.rounds": 2}))


def test_a_chain_on_nobody_is_refused(tmp_path: Path) -> None:
    with refused("unknown-name", '"nobody"'):
        resolve(Request(study(tmp_path, chain='baseline = "nobody"')))

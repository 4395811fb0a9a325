"""Settings as TOML."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.cli.main import main
from noisy_student.cli.show import toml_text

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
scalars = (
    st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
)
values = st.recursive(
    scalars | st.none(),
    lambda inner: (
        st.lists(inner.filter(lambda item: item is not None), max_size=3) | st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=8,
)


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


@examples(60)
@given(st.dictionaries(names, values, max_size=4))
def test_any_settings_read_back_without_their_nones(found: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(found)) == without_none(found)


def test_own_fields_stand_before_tables_and_none_is_a_comment() -> None:
    text = toml_text({"b": {"x": [{"y": 1, "z": None}], "w": None, "v.v": "\u202e"}, "a": None, "c": 1.5})
    assert text.splitlines() == [
        "# a is not set",
        "c = 1.5",
        "",
        "[b]",
        "x = [{y = 1}]",
        "# w is not set",
        '"v.v" = "\\u202e"',
    ]


def test_only_what_flags_change_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "v1", "--limit", "200", "--set", "sft.epochs=9.0", "--changed", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["changed"]
    assert found == {"data.limit": [None, 200], "sft.epochs": [found["sft.epochs"][0], 9.0]}
    assert main(["show", "v1", "--changed"]) == 0
    assert capfd.readouterr().out == "The flags change no setting.\n"
    assert main(["show", "v1", "--protocol", "original", "--changed"]) == 0
    assert "answers.truncated" in capfd.readouterr().out


def test_studies_come_with_the_scales_and_protocols(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["studies"]) == 0
    shown = capfd.readouterr().out
    assert "Scales: " in shown
    assert "laptop-smoke" in shown
    assert "Protocols: default, original (--protocol)" in shown

"""What numbers of questions can show."""

from __future__ import annotations

import json

import pytest

from noisy_student.cli.main import main


def test_power_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--n", "500", "--psi", "0.2", "--p1", "0.326", "--p2", "0.306", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["paired"]["mde"] == pytest.approx(0.0560, abs=1e-4)
    assert found["paired"]["difference"] == pytest.approx(0.02)
    assert found["unpaired"]["n_needed"] == 8482
    assert found["unpaired"]["power"] == pytest.approx(0.104, abs=1e-3)


def test_what_is_not_asked_is_null(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["unpaired"] is None
    assert (found["paired"]["n_needed"], found["paired"]["power"]) == (None, None)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--p1", "1.2"], "fraction-invalid"),
        (["--p2", "0.5"], "flag-needs-another"),
        (["--psi", "0"], "fraction-invalid"),
        (["--delta", "0.3"], "difference-impossible"),
        (["--delta", "0.0"], "difference-impossible"),
        (["--n", "0"], "usage"),
    ],
)
def test_impossible_numbers_are_refused(words: list[str], code: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["power", *words, "--json"]) == 1
    said = capfd.readouterr()
    assert words[0] in said.err
    assert json.loads(said.out)["error"]["code"] == code

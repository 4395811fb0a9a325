"""The plan of a study that was never run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.cli.main import main


def test_plan_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "v1-5", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    digests = [row["digest"] for row in found["nodes"]]
    assert len(set(digests)) == len(digests) == found["totals"]["nodes"] == found["totals"]["to_run"]
    for place, row in enumerate(found["nodes"]):
        assert {"stage", "digest", "cached", "seconds", "tokens", "usd", "needs"} <= row.keys()
        assert set(row["needs"]) <= set(digests[:place]), "what is needed stands above"
        assert (row["cached"], row["seconds"], row["tokens"]) == (False, None, None)
    assert found["totals"]["seconds"] is None
    first = found["comparisons"][0]
    assert (first["name"], first["n"], first["underpowered"]) == ("filtered-helps", 1000, True)
    assert first["mde"] == pytest.approx(2.8016 * (0.25 / 1000) ** 0.5, abs=1e-5)


def test_what_is_left_is_counted_and_what_is_not_known_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "v1-5"]) == 0
    told = " ".join(capfd.readouterr().out.split())
    assert "0 of 68 steps are stored (✓), 68 are missing (·); 68 of these never ran here" in told
    assert "add --calibrate" in told


@pytest.mark.parametrize(
    ("words", "mde"),
    [
        (["--seeds", "1,2"], 2.8016 * (0.25 / 2000) ** 0.5),
        (["--seeds", "1,2,3"], 5.6535 * ((0.25 / 1000 + 2 * 0.01**2) / 3) ** 0.5),
    ],
)
def test_more_seeds_see_as_their_test_does(
    words: list[str], mde: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "v1-5", *words, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["comparisons"][0]["mde"] == pytest.approx(mde, abs=1e-4)


def test_past_runs_tell_how_much_seeds_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    accuracies = {"filtered": (0.70, 0.74, 0.72), "baseline": (0.70, 0.70, 0.70)}
    conditions = [
        {"name": name, "seed": seed, "accuracy": accuracy}
        for name, every in accuracies.items()
        for seed, accuracy in enumerate(every)
    ]
    past = {"study": "v1-5", "scale": "lab", "data": {"counts": {"test": 1000}}, "conditions": conditions}
    Path("runs/v1-5-1").mkdir(parents=True)
    Path("runs/v1-5-1/results.json").write_text(json.dumps(past))
    assert main(["plan", "v1-5", "--seeds", "1,2,3", "--json"]) == 0
    seen, other, _ = json.loads(capfd.readouterr().out)["comparisons"]
    assert (seen["difference_sd"], seen["assumed_seed_sd"]) == (pytest.approx(0.02), None)
    assert other["assumed_seed_sd"] == 0.01

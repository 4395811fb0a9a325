"""Claims about a table of published numbers: the plan's own, and what is no claim."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noisy_student.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE, CLAIMS = str(EXAMPLES / "plan_table.csv"), str(EXAMPLES / "plan_claims.csv")


def test_the_plans_claims_are_judged_as_the_reference_has_them(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", TABLE, "--claims", CLAIMS, "--json"]) == 0
    found = {(row["claim"]["a"], row["claim"]["b"]): row for row in json.loads(capfd.readouterr().out)["claims"]}
    planned = {pair: row for pair, row in found.items() if row["claim"]["family"] == "planned"}
    assert len(planned) == 7
    # Of the seven planned ones one survives (shared/reference/statistics.md, A.9).
    assert [pair for pair, row in planned.items() if row["held"] == "holds"] == [("oracle", "pseudo-only")]
    assert planned["oracle", "pseudo-only"]["p_holm"] == pytest.approx(0.013597, abs=1e-6)
    assert planned["baseline", "base"]["p_holm"] == pytest.approx(0.158, abs=5e-4)
    assert planned["oracle", "baseline"]["p_holm"] == pytest.approx(0.26, abs=5e-3)
    hurt = planned["grpo-noisy-student", "grpo-baseline"]
    assert hurt["held"] == "not shown"
    assert hurt["power"] == pytest.approx(0.104, abs=5e-4)
    assert hurt["comparison"]["n_needed"] == 8482
    alike = planned["baseline", "noisy-student"]
    assert alike["held"] == "not shown", "p = .94 is no evidence of equality"


def test_a_margin_of_five_points_shows_what_two_do_not(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    claims = tmp_path / "claims.jsonl"
    claims.write_text('{"a": "noisy-student", "b": "baseline", "says": "alike"}\n')
    for margin, held in (("0.02", "not shown"), ("0.05", "holds")):
        assert main(["compare", TABLE, "--claims", str(claims), "--margin", margin, "--json"]) == 0
        (row,) = json.loads(capfd.readouterr().out)["claims"]
        assert (row["held"], row["claim"]["family"]) == (held, "claims")


def test_a_claim_may_be_refuted(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    claims = tmp_path / "claims.csv"
    claims.write_text("a,b,says,family\nbase,oracle,better,x\nbase,oracle,alike,y\noracle,base,better,z\n")
    assert main(["compare", TABLE, "--claims", str(claims), "--json"]) == 0
    assert [row["held"] for row in json.loads(capfd.readouterr().out)["claims"]] == ["refuted", "refuted", "holds"]
    assert main(["compare", TABLE, "--claims", str(claims)]) == 0
    shown = capfd.readouterr().out
    assert shown.count("refuted") == 2 and "x (1)" in shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,says\nbase,oracel,better\n", 'Did you mean "oracle"'),
        ("a,b,says\nbase,oracle,beter\n", 'Did you mean "better"'),
        ("a,b,says\nbase,,better\n", "row 1 has no b"),
        ("a,b,says\n", "holds no claims"),
    ],
)
def test_what_is_no_claim_is_said_with_its_row(
    text: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    claims = tmp_path / "claims.csv"
    claims.write_text(text)
    assert main(["compare", TABLE, "--claims", str(claims)]) == 1
    error = capfd.readouterr().err
    assert words in " ".join(error.split()) and "Traceback" not in error


def test_claims_go_with_one_table(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "163/500", "153/500", "--claims", CLAIMS]) == 1
    assert "--claims goes with one table" in capfd.readouterr().err
    assert main(["compare", TABLE, "--claims", "nowhere.csv"]) == 1
    assert "cannot be read" in capfd.readouterr().err

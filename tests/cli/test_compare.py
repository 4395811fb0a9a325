"""``compare``: counts, grades files, tables of published numbers and claims about them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student import files
from noisy_student.cli.main import main
from noisy_student.records import Grade

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLE, CLAIMS = str(EXAMPLES / "plan_table.csv"), str(EXAMPLES / "plan_claims.csv")


def _grades(path: Path, rights: list[int]) -> str:
    rows = [Grade(f"q{place}", 0, bool(right), bool(right), "1", "eos") for place, right in enumerate(rights)]
    files.write_jsonl(path, map(asdict, rows))
    return str(path)


def test_counts(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "163/500", "153/500", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["paired"], found["n"], found["n_needed"], found["verdict"]) == (False, 500, 8482, "undecided")
    assert found["p_value"] == pytest.approx(0.4964, abs=1e-4)
    assert main(["compare", "163/500", "153/500"]) == 0
    assert capfd.readouterr().out.startswith("A - B: +2.0 points, 95 % [-3.8, +7.7], undecided")


def test_grades_are_joined_on_the_question(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a = _grades(tmp_path / "a.jsonl", [1] * 9 + [0])
    b = _grades(tmp_path / "b.jsonl", [0] * 9)
    assert main(["compare", a, b]) == 1
    assert "--inner" in capfd.readouterr().err
    assert main(["compare", a, b, "--inner", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["paired"], found["n"], found["difference"], found["verdict"]) == (True, 9, 1.0, "helps")
    assert found["p_exact"] == pytest.approx(2 / 2**9)


@pytest.mark.parametrize("name", ["numbers.csv", "numbers.jsonl"])
def test_a_table_gives_all_pairs(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [("base", 100, 500), ("sft", 150, 500), ("grpo", 163, 500)]
    text = "".join(f'{{"name": "{row}", "correct": {correct}, "n": {n}}}\n' for row, correct, n in rows)
    if name.endswith(".csv"):
        text = "name, correct, n\n" + "".join(f"{row},{correct},{n}\n" for row, correct, n in rows)
    (tmp_path / name).write_text(text)
    assert main(["compare", str(tmp_path / name), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["comparisons"]
    assert [(row["a"], row["b"]) for row in found] == [("base", "sft"), ("base", "grpo"), ("sft", "grpo")]
    assert found[0]["difference"] == pytest.approx(-0.1)
    assert all(row["p_adjusted"] >= row["p_value"] for row in found)
    assert [row["verdict"] for row in found] == ["undecided" if row["p_adjusted"] > 0.05 else "hurts" for row in found]


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("name,correct,n\na,1,2\n", "table-too-short", "1 rows"),
        ("name,right,n\na,1,2\nb,1,2\n", "column-missing", "csv:2"),
        ("name,correct,n\na,1,2\nb,50%,2\n", "count-invalid", "csv:3, correct is '50%'"),
        ("name,correct,n\na,3,2\nb,1,2\n", "bad-count", "3/2"),
    ],
)
def test_a_bad_table_is_named_by_its_row(
    text: str, code: str, value: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert main(["compare", str(tmp_path / "t.csv")]) == 1
    error = capfd.readouterr().err
    assert value in error
    assert printed_code(error) == code


@pytest.mark.parametrize(
    ("words", "code", "value"),
    [
        (["163/500", "x.jsonl"], "compare-mixed-sides", "163/500"),
        (["501/500", "1/2"], "bad-count", "501/500"),
        (["nowhere.csv"], "file-unreadable", "nowhere.csv"),
        (["1/2", "1/2", "--margin", "2"], "fraction-invalid", "--margin is 2"),
    ],
)
def test_bad_words(words: list[str], code: str, value: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *words]) == 1
    error = capfd.readouterr().err
    assert value in error
    assert printed_code(error) == code


def test_a_file_without_grades_is_no_grades_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.jsonl").write_text('{"id": 1}\n')
    assert main(["compare", str(tmp_path / "x.jsonl"), str(tmp_path / "x.jsonl")]) == 1
    assert printed_code(capfd.readouterr().err) == "grades-malformed"


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
    ("text", "code", "value"),
    [
        ("a,b,says\nbase,oracel,better\n", "unknown-row", '"oracle"'),
        ("a,b,says\nbase,oracle,beter\n", "unknown-claim-word", '"better"'),
        ("a,b,says\nbase,,better\n", "column-missing", "csv:2 has no b"),
        ("a,b,says\n", "no-claims", "claims.csv"),
    ],
)
def test_a_malformed_claim_is_named_with_its_row(
    text: str, code: str, value: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    claims = tmp_path / "claims.csv"
    claims.write_text(text)
    assert main(["compare", TABLE, "--claims", str(claims)]) == 1
    error = capfd.readouterr().err
    assert value in " ".join(error.split()) and "Traceback" not in error
    assert printed_code(error) == code


def test_claims_go_with_one_table(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "163/500", "153/500", "--claims", CLAIMS]) == 1
    assert printed_code(capfd.readouterr().err) == "claims-need-one-table"
    assert main(["compare", TABLE, "--claims", "nowhere.csv"]) == 1
    assert printed_code(capfd.readouterr().err) == "file-unreadable"

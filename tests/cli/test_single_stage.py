"""One step at a time, on files and on standard input and output."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from refusals import printed_code

from noisy_student.cli.main import main
from noisy_student.data.source import question_id

Capture = pytest.CaptureFixture[str]
SMALL = ["--set", "sampling.max_new_tokens=24"]
TESTED = ["--set", "evaluation.decoding.max_new_tokens=24"]


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_extract_reads_standard_input_and_lets_other_keys_pass(monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.StringIO('{"text": "so\\n#### 1,000", "id": 3}\n{"text": "no idea"}\n{"text": ""}\n')
    )
    assert main(["extract"]) == 0
    assert _lines(capfd.readouterr().out) == [
        {"text": "so\n#### 1,000", "id": 3, "answer": "1000", "method": "hashes", "strict": True},
        {"text": "no idea", "answer": None, "method": None, "strict": False},
        {"text": "", "answer": None, "method": None, "strict": False},
    ]


def test_vote_takes_texts_and_answers_in_any_order(tmp_path: Path, capfd: Capture) -> None:
    rows = [("b", "7.0"), ("a", "3"), ("b", 7), ("a", None), ("b", 8.0)]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps({"question_id": q, "answer": a}) + "\n" for q, a in rows))
    assert main(["vote", str(path)]) == 0
    a, b = _lines(capfd.readouterr().out)
    assert (a["winner"], a["votes"], a["k"], a["abstained"]) == ("3", 1, 2, 1)
    assert (b["winner"], b["votes"], b["tally"]) == ("7", 2, [["7", 2], ["8", 1]])
    path.write_text('{"question_id": "a", "text": "#### 5 and"}\n{"question_id": "a", "text": "it is 5"}\n')
    assert main(["vote", str(path), "--k", "4"]) == 0
    (a,) = _lines(capfd.readouterr().out)
    assert (a["winner"], a["votes"], a["agreement"]) == ("5", 2, 0.5)
    assert main(["vote", str(path), "--ties", "frist-seen"]) == 1
    assert "first-seen" in capfd.readouterr().err


def test_from_a_source_to_a_graded_student(tmp_path: Path, capfd: Capture) -> None:
    parts = tmp_path / "parts"
    sizes = ["--set", "data.labeled=10", "--set", "data.unlabeled=12", "--set", "data.test=6"]
    assert main(["split", "--out", str(parts), *sizes]) == 0
    assert {path.name for path in parts.iterdir()} >= {"labeled.jsonl", "unlabeled.jsonl", "test.jsonl", "key.jsonl"}

    asked, drawn, labeled = parts / "unlabeled.jsonl", tmp_path / "samples.jsonl", tmp_path / "labels.jsonl"
    assert main(["sample", str(asked), "--k", "3", *SMALL, "--out", str(drawn)]) == 0
    samples = _lines(drawn.read_text())
    order = [row["id"] for row in _lines(asked.read_text())]
    assert [(s["question_id"], s["k"]) for s in samples] == [(name, k) for name in order for k in range(3)]
    assert len(samples) == 36
    assert not Path(f"{drawn}.partial").exists()
    capfd.readouterr()
    assert main(["sample", str(asked), "--k", "2", *SMALL]) == 0
    fewer = _lines(capfd.readouterr().out)
    assert [s["text"] for s in fewer] == [s["text"] for s in samples if s["k"] < 2]

    assert main(["label", str(asked), "--samples", str(drawn), "--out", str(labeled)]) == 0
    rows = _lines(labeled.read_text())
    assert [row["id"] for row in rows] == [row["id"] for row in _lines(asked.read_text())]
    assert all((row["label"] is None) == (row["solution"] is None) == (row["agreement"] is None) for row in rows)
    assert main(["sample", str(asked), "--out", str(drawn)]) == 1
    assert printed_code(capfd.readouterr().err) == "output-exists"

    student = tmp_path / "student"
    assert main(["train", str(labeled), "--out", str(student), "--set", "sft.batch=4"]) == 0
    known = sum(row["solution"] is not None for row in rows)
    said = capfd.readouterr().out
    assert f"{known} examples" in said and "other seeds" not in said
    assert f'AutoModelForCausalLM.from_pretrained("{student}")' in said
    card = (student / "README.md").read_text()
    assert "Base: `lab-m`" in card and f"{known} examples" in card and str(tmp_path) not in card
    key = {row["question_id"]: row["answer"] for row in _lines((parts / "key.jsonl").read_text())}
    tests = [{"text": row["text"], "answer": key[row["id"]]} for row in _lines((parts / "test.jsonl").read_text())]
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tests))
    graded = tmp_path / "grades.jsonl"
    assert main(["evaluate", str(tmp_path / "test.jsonl"), "--model", str(student), *TESTED, "--out", str(graded)]) == 0
    grades = _lines(graded.read_text())
    right = sum(bool(row["correct"]) for row in grades)
    assert len(grades) == 6
    assert f"{right} of 6 right" in capfd.readouterr().err


def test_the_beginning_of_other_work_is_not_taken_over(tmp_path: Path, capfd: Capture) -> None:
    asked = tmp_path / "asked.jsonl"
    asked.write_text('{"text": "Tom has 3 apples. How many now?"}\n')
    (tmp_path / "out.jsonl.partial" / "shard-0").mkdir(parents=True)
    assert main(["sample", str(asked), "--out", str(tmp_path / "out.jsonl")]) == 1
    assert printed_code(capfd.readouterr().err) == "partial-work-differs"


def test_the_folder_of_a_call_at_work_is_left_as_it_is(tmp_path: Path, capfd: Capture) -> None:
    asked, partial = tmp_path / "asked.jsonl", tmp_path / "out.jsonl.partial"
    asked.write_text('{"text": "Tom has 3 apples. How many now?"}\n')
    partial.mkdir()
    (partial / "identity").write_text("of another call that has drawn nothing yet")
    with FileLock(partial / ".lock"):
        assert main(["sample", str(asked), "--out", str(tmp_path / "out.jsonl")]) == 1
    assert printed_code(capfd.readouterr().err) == "folder-in-use"
    assert (partial / "identity").read_text() == "of another call that has drawn nothing yet"


def test_training_needs_worked_texts(tmp_path: Path, capfd: Capture) -> None:
    asked = tmp_path / "asked.jsonl"
    asked.write_text('{"text": "How many?", "answer": 3}\n')
    assert main(["train", str(asked), "--out", str(tmp_path / "student")]) == 1
    assert printed_code(capfd.readouterr().err) == "no-solutions"


def test_a_label_that_was_not_given_teaches_nothing(tmp_path: Path, capfd: Capture) -> None:
    asked = tmp_path / "asked.jsonl"
    gold = {"question": "Tom has 3 apples. Tom buys 4 more. How many now?", "answer": "3+4=7\n#### 7"}
    asked.write_text(json.dumps(gold | {"label": None, "solution": None}) + "\n")
    assert main(["train", str(asked), "--out", str(tmp_path / "student")]) == 1
    assert printed_code(capfd.readouterr().err) == "no-solutions"


def test_folders_may_end_in_a_slash_and_are_never_standard_output(tmp_path: Path, capfd: Capture) -> None:
    sizes = ["--set", "data.labeled=10", "--set", "data.unlabeled=12", "--set", "data.test=6"]
    assert main(["split", "--out", f"{tmp_path}/parts/", *sizes]) == 0
    assert (tmp_path / "parts" / "key.jsonl").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["parts"]
    assert main(["split", "--out", "-", *sizes]) == 1
    assert printed_code(capfd.readouterr().err) == "output-is-folder"


def test_faults_of_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "#### 5"}\n')
    assert main(["extract", str(path), "--out", str(tmp_path / "missing" / "x.jsonl")]) == 1
    assert printed_code(capfd.readouterr().err) == "folder-missing"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"text": "caf\xe9"}\n')))
    assert main(["extract"]) == 1
    assert printed_code(capfd.readouterr().err) == "not-utf8"


def test_samples_of_another_engine_can_be_labeled(tmp_path: Path, capfd: Capture) -> None:
    asked, drawn = tmp_path / "asked.jsonl", tmp_path / "drawn.jsonl"
    row = {"question": "Tom has 3 apples. Tom buys 4 more. How many now?"}
    asked.write_text(json.dumps(row) + "\n")
    name = question_id(row["question"])
    texts = ["3+4=7\n#### 7", "#### 8", "So 7.\n#### 7"]
    drawn.write_text("".join(json.dumps({"question_id": name, "text": text}) + "\n" for text in texts))
    assert main(["label", str(asked), "--samples", str(drawn)]) == 0
    (labeled,) = _lines(capfd.readouterr().out)
    assert (labeled["label"], labeled["solution"]) == ("7", "3+4=7\n#### 7")
    assert labeled["agreement"] == pytest.approx(2 / 3)


def _label(samples: str, capfd: Capture) -> tuple[int, str, list[dict[str, Any]]]:
    Path("samples.jsonl").write_text(samples)
    code = main(["label", "asked.jsonl", "--samples", "samples.jsonl"])
    said = capfd.readouterr()
    return code, said.err, [json.loads(line) for line in said.out.splitlines()]


def test_samples_may_name_questions_by_the_files_own_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("asked.jsonl").write_text('{"id": "a", "question": "how many?"}\n{"id": "b", "question": "how few?"}\n')
    code, _, rows = _label('{"question_id": "a", "text": "#### 7"}\n', capfd)
    assert (code, [row["label"] for row in rows]) == (0, ["7", None])
    code, told, rows = _label('{"question_id": "c", "text": "#### 7"}\n', capfd)
    assert (code, rows) == (1, [])
    assert printed_code(told) == "samples-of-other-questions"
    assert "the first sample is of c" in told


@pytest.mark.parametrize("logprob", ['"x"', "[1]", '"nan"', "true"])
def test_a_sample_whose_logprob_is_no_number_is_named(
    logprob: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("asked.jsonl").write_text('{"id": "a", "question": "how many?"}\n')
    code, told, _ = _label(f'{{"question_id": "a", "text": "#### 7", "logprob": {logprob}}}\n', capfd)
    assert code == 1
    assert 'samples.jsonl:1: "logprob" is' in told
    assert _label('{"question_id": "a", "text": "#### 7", "logprob": null}\n', capfd)[0] == 0


ASKED = [
    {"id": f"S-{n}", "ask": f"Tom has {n} apples. Tom buys 4 more. How many now?", "gold": n + 4} for n in (3, 5, 8)
]
COLUMNS = ["--question", "ask", "--answer", "gold", "--id", "id"]


def _asked(folder: Path) -> str:
    path = folder / "asked.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ASKED))
    return str(path)


def test_label_with_a_model_is_sample_then_label(tmp_path: Path, capfd: Capture) -> None:
    asked, drawn = _asked(tmp_path), str(tmp_path / "drawn.jsonl")
    model = ["--model", "lab-m", "--k", "3", *SMALL]
    assert main(["sample", asked, *COLUMNS, *model, "--out", drawn]) == 0
    assert main(["label", asked, *COLUMNS, "--samples", drawn]) == 0
    two_calls = _lines(capfd.readouterr().out)
    assert main(["label", asked, *COLUMNS, *model, "--out", str(tmp_path / "labels.jsonl")]) == 0
    assert _lines((tmp_path / "labels.jsonl").read_text()) == two_calls
    assert {row["id"] for row in two_calls} == {"S-3", "S-5", "S-8"}
    assert [path.name for path in tmp_path.glob("*.partial")] == []


@pytest.mark.parametrize("more", [[], ["--samples", "x.jsonl", "--model", "lab-m"]])
def test_labels_come_from_samples_or_from_a_model(more: list[str], tmp_path: Path, capfd: Capture) -> None:
    assert main(["label", _asked(tmp_path), *COLUMNS, *more]) == 1
    assert printed_code(capfd.readouterr().err) == "samples-or-model"


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        ("sample", "sft.epochs=2.0"),
        ("sample", "evaluation.decoding.max_new_tokens=8"),
        ("evaluate", "sampling.temperature=0.1"),
        ("evaluate", "data.source.fields.question=ask"),
        ("train", "sampling.temperature=0.1"),
        ("label", "labels.votes.K=3"),
        ("split", "sft.epochs=2.0"),
    ],
)
def test_a_setting_that_a_verb_does_not_read_is_refused(verb: str, text: str, tmp_path: Path, capfd: Capture) -> None:
    given = [] if verb == "split" else [_asked(tmp_path), *COLUMNS]
    source = ["--model", "lab-m"] if verb == "label" else []
    assert main([verb, *given, *source, "--set", text, "--out", str(tmp_path / "out")]) == 1
    error = capfd.readouterr().err
    assert printed_code(error) == "setting-not-read"
    assert text.partition("=")[0] in error
    assert ("--question" in error) == ("fields" in text)
    assert not (tmp_path / "out").exists()


def test_evaluate_can_skip_questions_without_an_answer(tmp_path: Path, capfd: Capture) -> None:
    asked = tmp_path / "asked.jsonl"
    rows = [*ASKED[:2], {**ASKED[2], "gold": None}]
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows))
    call = ["evaluate", str(asked), *COLUMNS, *TESTED, "--out"]
    assert main([*call, str(tmp_path / "a.jsonl")]) == 1
    assert printed_code(capfd.readouterr().err) == "answers-missing"
    assert main([*call, str(tmp_path / "b.jsonl"), "--skip-unanswered"]) == 0
    assert "1 questions without an answer are left out" in capfd.readouterr().err
    assert len(_lines((tmp_path / "b.jsonl").read_text())) == 2


OWN = [("SHOP-3", "What is 3 + 4?", "7"), ("SHOP-1", "What is 5 + 4?", "9"), ("SHOP-2", "What is 2 + 4?", "6")]


def test_own_ids_and_their_order_stay_in_every_file(tmp_path: Path, capfd: Capture) -> None:
    asked, drawn, graded = (tmp_path / f"{name}.jsonl" for name in ("asked", "drawn", "graded"))
    rows = [{"id": own, "question": text, "answer": answer} for own, text, answer in OWN]
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ids = [own for own, _, _ in OWN]
    assert main(["sample", str(asked), "--k", "2", *SMALL, "--out", str(drawn)]) == 0
    samples = _lines(drawn.read_text())
    assert [(row["id"], row["k"]) for row in samples] == [(own, k) for own in ids for k in range(2)]
    assert all(len(row["question_id"]) == 16 for row in samples)
    capfd.readouterr()
    assert main(["vote", str(drawn)]) == 0
    assert [row["id"] for row in _lines(capfd.readouterr().out)] == ids
    drawn.write_text("".join(json.dumps({**row, "text": "#### 7"}) + "\n" for row in samples))
    assert main(["label", str(asked), "--samples", str(drawn)]) == 0
    assert [row["id"] for row in _lines(capfd.readouterr().out)] == ids
    assert main(["evaluate", str(asked), *TESTED, "--out", str(graded)]) == 0
    assert [row["id"] for row in _lines(graded.read_text())] == ids


def test_a_split_keeps_own_ids_and_says_what_is_left_out(tmp_path: Path, capfd: Capture) -> None:
    texts = [f"How many are {n} and {7 * n} and {3 * n}?" for n in range(1, 31)]
    rows = [{"id": f"S-{n}", "question": text, "answer": n} for n, text in enumerate(texts)]
    rows.append({"id": "S-copy", "question": texts[4].upper(), "answer": 4})
    source, out = tmp_path / "own.jsonl", tmp_path / "parts"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sizes = [word for part in ("labeled=10", "unlabeled=10", "test=10") for word in ("--set", f"data.{part}")]
    assert main(["split", "--data", str(source), "--out", str(out), *sizes]) == 0
    assert "Left out: 1 \u00d7 a copy of another row, such as own.jsonl:" in capfd.readouterr().out
    own = {}
    for part in ("labeled", "dev", "unlabeled", "test"):
        for row in _lines((out / f"{part}.jsonl").read_text()):
            assert rows[row["row"]]["id"] == row["own_id"]
            own[row["id"]] = row["own_id"]
    assert len(own) == 30
    for name in ("gold", "dev_gold", "key"):
        answers = _lines((out / f"{name}.jsonl").read_text())
        assert answers and all(row["id"] == own[row["question_id"]] for row in answers)


def test_training_on_all_examples_at_once_says_that_no_seed_matters(tmp_path: Path, capfd: Capture) -> None:
    asked = tmp_path / "asked.jsonl"
    rows = [{"text": f"Tom has {n} apples.", "solution": f"He has {n}.\n#### {n}", "answer": str(n)} for n in (3, 4)]
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for batch, told in ((2, True), (1, False)):
        out = tmp_path / f"student-{batch}"
        assert main(["train", str(asked), "--out", str(out), "--set", f"sft.batch={batch}"]) == 0
        assert ("other seeds give the same student" in capfd.readouterr().out) == told


def test_settings_beside_samples_change_nothing_and_are_refused(tmp_path: Path, capfd: Capture) -> None:
    words = ["label", _asked(tmp_path), *COLUMNS, "--samples", "x.jsonl", "--set", "sampling.temperature=0.1"]
    assert main(words) == 1
    assert printed_code(capfd.readouterr().err) == "setting-not-read"


def test_a_question_that_is_asked_twice_is_named(tmp_path: Path, capfd: Capture) -> None:
    path = tmp_path / "asked.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*ASKED[:1], {**ASKED[0], "id": "again"}]))
    assert main(["sample", str(path), *COLUMNS, "--k", "1", *SMALL, "--out", str(tmp_path / "s.jsonl")]) == 0
    assert "again" in capfd.readouterr().err

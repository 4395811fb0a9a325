"""Text from files in the terminal: nothing of it steers the cursor, the title or the direction of reading."""

from __future__ import annotations

import ast
import io
import json
import tomllib
from pathlib import Path

import pytest
from hostile import HOSTILE

from noisy_student.cli import console, stream
from noisy_student.cli.main import main
from noisy_student.report.clean import visible

STEERING = "\x1b[2J\x1b]0;owned\x07\x9b2J\rover\u202egnp\u2066\x00"
STUDY = """question = {text}
note = {text}
[conditions]
baseline = {{ train = ["gold"] }}
"""


def steers(text: str) -> list[str]:
    """The characters of ``text`` that a terminal would obey."""
    return [character for character in text if character not in "\n\t" and visible(character) != character]


@pytest.mark.parametrize("words", [["plan"], ["show"], ["plan", "--json"], ["show", "--json"], ["why"]])
def test_a_study_file_cannot_steer_it(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.toml").write_text(STUDY.format(text=json.dumps(STEERING.replace("\x00", ""))))
    verb, *more = words
    assert main([verb, "./study.toml", *more]) == 0
    said = capfd.readouterr()
    assert steers(said.out + said.err) == []
    if words == ["show"]:
        assert tomllib.loads(said.out)["note"] == STEERING.replace("\x00", "")


@pytest.mark.parametrize("text", [*HOSTILE, STEERING])
def test_a_message_that_quotes_a_file_cannot_steer_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("q.jsonl").write_text(json.dumps({"question": "How many?", "answer": text}) + "\n")
    assert main(["plan", "v1", "--data", "q.jsonl"]) == 1
    told = capfd.readouterr().err
    assert "q.jsonl" in told
    assert steers(told) == []


def test_every_cell_line_and_title_is_made_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stdout", file)
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    console.note(STEERING, "bold")
    console.table([STEERING], [[STEERING]])
    written = file.getvalue()
    assert "\\x1b[2J\\x1b]0;owned" in written
    assert "\x1b]" not in written
    assert "\x1b[2J" not in written
    assert steers(written.replace("\x1b[", "")) == []


def test_rows_on_a_terminal_are_written_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stdout", file)
    stream.write([{"text": STEERING}], stream.STANDARD)
    in_a_pipe = file.getvalue()
    monkeypatch.setattr(file, "isatty", lambda: True, raising=False)
    stream.write([{"text": STEERING}], stream.STANDARD)
    on_a_terminal = file.getvalue()[len(in_a_pipe) :]
    assert json.loads(in_a_pipe) == json.loads(on_a_terminal) == {"text": STEERING}
    assert "\u202e" in in_a_pipe
    assert on_a_terminal.isascii()
    assert steers(on_a_terminal.rstrip("\n")) == []


def test_what_came_from_elsewhere_is_never_printed_as_it_is() -> None:
    # main prints what it made visible, pretrain and show print nothing but their own words and TOML.
    allowed = {"main.py", "pretrain.py", "show.py"}
    for path in Path(console.__file__).parent.glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert path.name in allowed or not any(ast.unparse(call.func) == "print" for call in calls), path.name


def test_the_name_of_a_runs_folder_cannot_steer_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("runs") / f"z{STEERING.replace(chr(0), '')}"
    folder.mkdir(parents=True)
    (folder / "results.json").write_text("{}")
    (folder / "curves.json").write_text("{}")
    for words in (["report"], ["log"], ["report", str(folder)]):
        assert main(words) == 0
        said = capfd.readouterr()
        assert said.out
        assert steers(said.out + said.err) == []

"""UTF-8 whatever the console, and one message for what is no text, no folder, or too large for the memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student.cli import main as cli
from noisy_student.cli.main import main

CONSOLES = {
    "ascii": {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    "strict ascii": {"LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "no UTF-8 mode": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
TEXT = "\u2212caf\u00e9 \U0001f34e \u05e9\u05dc\u05d5\u05dd #### 5"
WORDS = (["extract", "rows.jsonl"], ["extract"], ["extract", "faulty.jsonl"], ["show", "./own.toml"])
SCRIPT = "import sys; from noisy_student.cli.main import main; sys.exit(main())"


@pytest.mark.parametrize(
    ("console", "words"),
    [
        pytest.param(console, words, marks=() if console == "ascii" or words is WORDS[0] else pytest.mark.slow)
        for console in CONSOLES
        for words in WORDS
    ],
)
def test_utf8_whatever_the_console(console: str, words: list[str], tmp_path: Path) -> None:
    line = json.dumps({"text": TEXT}, ensure_ascii=False).encode()
    (tmp_path / "rows.jsonl").write_bytes(line)
    (tmp_path / "faulty.jsonl").write_bytes(json.dumps({TEXT: 1, "text": ["é"]}, ensure_ascii=False).encode())
    study = f'question = "{TEXT}"\n[conditions]\nbase = {{ method = "none" }}\n'
    (tmp_path / "own.toml").write_text(study, encoding="utf-8")
    env = {**os.environ, **CONSOLES[console]}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], input=line, capture_output=True, env=env, cwd=tmp_path, check=False
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err
    if words[-1] == "faulty.jsonl":
        assert (done.returncode, printed_code(err)) == (1, "column-not-text")
        assert "é" in err
    else:
        assert done.returncode == 0, err
        assert TEXT in out


def test_an_argument_that_is_no_text_is_one_message(tmp_path: Path) -> None:
    for words in ([b"log", b"--store", b"a\xe9b"], [b"extract", b"\xff.jsonl"]):
        done = subprocess.run(
            [sys.executable.encode(), b"-c", SCRIPT.encode(), *words], capture_output=True, cwd=tmp_path, check=False
        )
        assert (done.returncode, printed_code(done.stderr.decode())) == (1, "argument-not-text")
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "row", ['{"text": "5", "x": "\\ud800"}', '{"text": "5", "\\udfff": 1}', '{"text": "5", "x": [{"y": "a\\ud800"}]}']
)
@pytest.mark.parametrize("out", [[], ["--out", "o.jsonl"]])
def test_half_of_a_surrogate_pair_in_another_column_is_named(
    row: str, out: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text(f'{{"text": "6"}}\n{row}\n')
    assert main(["extract", "rows.jsonl", *out]) == 1
    error = capfd.readouterr().err
    assert (printed_code(error), "rows.jsonl:2" in error) == ("text-not-utf8", True)
    assert not Path("o.jsonl").exists()


def test_a_finish_that_is_no_text_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.jsonl").write_text('{"question_id": "a", "text": "5", "finish": ["x"]}\n')
    assert main(["vote", str(tmp_path / "rows.jsonl")]) == 1
    assert printed_code(capfd.readouterr().err) == "column-not-text"


@pytest.mark.parametrize("kind", ["broken link", "file", "below a file", "pipe"])
@pytest.mark.parametrize("flag", ["--runs", "--store"])
def test_what_stands_in_the_place_of_a_folder_is_said_first(
    kind: str, flag: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "place"
    if kind == "broken link":
        path.symlink_to("/nowhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_text("")
    given = path / "x" if kind == "below a file" else path
    assert main(["run", "v1", "--limit", "30", flag, str(given)]) == 1
    error = capfd.readouterr().err
    assert (printed_code(error), str(path) in error) == ("not-a-folder", True)
    assert {"broken link": "/nowhere", "pipe": "a named pipe"}.get(kind, "a file") in error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("libopenblas.so: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_too_little_memory_is_one_message(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(cli.importlib, "import_module", refuse)
    assert main(["studies"]) == 1
    assert printed_code(capfd.readouterr().err) == "out-of-memory"

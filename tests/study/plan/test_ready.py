"""Checks before the first step: each fault once, before anything is computed, with a remedy that was tried."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student.cli.main import main
from noisy_student.models import lab
from noisy_student.models.availability import parameters
from noisy_student.study.plan import ready

STUDY = """
question = "Do the questions help?"
teacher = "base"
[data]
labeled = {labeled}
unlabeled = {unlabeled}
test = {test}
[data.source]
kind = "jsonl"
labeled = "gold.jsonl"
unlabeled = "open.jsonl"
[labels]
votes = {{ K = 4 }}
[conditions]
base = {{ method = "none" }}
baseline = {{ train = ["gold"] }}
student = {{ train = ["gold", "labels.votes"] }}
[primary]
helps = {{ a = "student", b = "baseline" }}
"""


def row(number: int, **more: object) -> str:
    text = f"Ann has {number} pears and picks {7 * number % 61} at tree {number * number}. How many has she?"
    return json.dumps({"question": text, **more})


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gold.jsonl").write_text("\n".join(row(n, answer=n + 7 * n % 61) for n in range(60)))
    Path("open.jsonl").write_text("\n".join(row(n) for n in range(100, 180)))
    write(labeled=20, unlabeled=40, test=20)


def write(**sizes: int) -> None:
    Path("mine.toml").write_text(STUDY.format(**sizes))


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    """The code of a refusal and its text; nothing was written."""
    assert main(list(words)) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert not Path("runs").exists() and not Path(".noisy-student").exists()
    return printed_code(said), said


def test_own_questions_want_a_model_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("run", "plan"):
        code, said = refused(capsys, verb, "./mine.toml")
        assert code == "model-not-named" and "--model lab-m" in said
    for words in (["--model", "lab-m"], ["--set", "model.id=lab-m"]):
        assert main(["plan", "./mine.toml", *words]) == 0
    Path("mine.toml").write_text(Path("mine.toml").read_text() + '[model]\nid = "lab-m"\n')
    assert main(["plan", "./mine.toml"]) == 0
    assert main(["plan", "v1"]) == 0, "the lab's own questions need no name"


@pytest.mark.parametrize("verb", ["run", "plan"])
@pytest.mark.parametrize(
    "sizes",
    [
        {"labeled": 20, "unlabeled": 40, "test": 1500},
        {"labeled": 500, "unlabeled": 40, "test": 20},
        {"labeled": 20, "unlabeled": 900, "test": 20},
        {"labeled": 55, "unlabeled": 70, "test": 30},
        {"labeled": 900, "unlabeled": 900, "test": 900},
    ],
)
def test_sizes_beyond_the_data_are_refused_with_sizes_that_fit(
    verb: str, sizes: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    write(**sizes)
    code, said = refused(capsys, verb, "./mine.toml", "--model", "lab-m")
    assert code == "too-few-questions"
    advised = re.search(r"--set (\S+=\d+)|--limit (\d+)", said)
    assert advised
    fitting = ["--set", advised[1]] if advised[1] else ["--limit", advised[2]]
    assert main(["plan", "./mine.toml", "--model", "lab-m", *fitting]) == 0


@pytest.mark.parametrize("flag", ["--store", "--runs"])
@pytest.mark.parametrize("place", ["/proc/none/such", "gold.jsonl", "gold.jsonl/below"])
def test_a_folder_that_cannot_be_written_is_found_first(
    flag: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("run", "plan"):
        code, said = refused(capsys, verb, "./mine.toml", "--model", "lab-m", flag, place)
        # A file in the folder's place is refused when the flag is read.
        assert code in {"folder-not-writable", "not-a-folder"} and place.removesuffix("/below") in said
        assert code == "folder-not-writable" or not place.startswith("/proc")


def test_a_model_that_is_nowhere_is_named_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    code, said = refused(capsys, "run", "v1", "--model", "lab-x")
    assert code == "model-not-found" and said.count("lab-x") == 1 and "lab-m" in said
    assert main(["plan", "v1", "--model", "some/model"]) == 0, "a plan may be made for another machine"
    assert "some/model" in capsys.readouterr().err


def test_a_scale_for_gpus_is_refused_without_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert ready.accelerator() == ""
    sets = ["--set", "compute.needs_gpu=true"]
    code, said = refused(capsys, "run", "v1", *sets)
    assert code == "gpu-missing" and "compute.needs_gpu=false" in said
    assert main(["plan", "v1", *sets]) == 0
    assert "GPU" in capsys.readouterr().err


def test_a_model_without_a_chat_template_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    model = Path("bare")
    model.mkdir()
    for path in lab.folder("lab-m").iterdir():
        if path.name != "chat_template.jinja":
            (model / path.name).write_bytes(path.read_bytes())
    config = json.loads((model / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (model / "tokenizer_config.json").write_text(json.dumps(config))
    code, said = refused(capsys, "run", "./mine.toml", "--model", "./bare")
    assert code == "chat-template-missing" and "--set prompt.style=raw" in said
    assert main(["plan", "./mine.toml", "--model", "./bare", "--set", "prompt.style=raw"]) == 0


def test_a_disk_too_small_for_the_students_is_found_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = parameters(lab.folder("lab-m"))
    assert weights is not None and weights > 500_000
    whole: Callable[[Path], int] = lambda folder: 10**13  # noqa: E731
    monkeypatch.setattr(ready, "parameters", whole)
    code, said = refused(capsys, "run", "./mine.toml", "--model", "lab-m")
    assert code == "disk-too-small" and "GB" in said

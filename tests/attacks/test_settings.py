"""Study files, JSON and names from elsewhere: refused with a message, at once, and nothing is written."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from refusals import printed_code

from noisy_student.cli.main import main
from noisy_student.errors import DamagedArtifact, UserError
from noisy_student.pipeline import manifest

STUDY = 'question = "?"\n[conditions]\nbaseline = { train = ["gold"] }\n'
NAMES = [
    *("/etc", "../../x", "a/../../b", "", ".", "..", "a\\u0000b", "a\\nb", "-rf", "~/.ssh", "CON", "x" * 300),
    *("caf\\u00e9", "cafe\\u0301", "A", "\\u202eevil", "<script>", "a b", "a\\\\b"),
]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the message of a command that must be refused within 10 s of CPU time, before anything is written."""
    before = sorted(Path().rglob("*"))
    start = time.process_time()
    assert main(list(words)) == 1
    assert time.process_time() - start < 10
    said = capfd.readouterr()
    assert "Traceback" not in said.err
    # Wrong usage has typer's message without a code.
    assert said.err.startswith("Usage") or printed_code(said.err) != "bug"
    assert len(said.err) < 2000
    assert "\x1b" not in said.err + said.out
    assert sorted(Path().rglob("*")) == before
    return said.err


@pytest.mark.parametrize(
    ("row", "text", "what"),
    [
        ("16", "x: !!python/object/apply:os.system ['touch PWN']", "study.toml"),
        ("18", STUDY + "[sft]\nlearning_rate = no", "study.toml"),
        ("18", STUDY + "[sft]\nlearning_rate = 'no'", "learning_rate"),
        ("18", STUDY + "[evaluation]\nsampled_k = 012", "study.toml"),
        ("18", STUDY + "[evaluation]\nsampled_k = 8\nsampled_k = 8", "study.toml"),
        ("48", STUDY + 'baseline = { train = ["gold"] }', "study.toml"),
        pytest.param(*("48", STUDY + "".join(f"c{n}={{}}\n" for n in range(90_000)), "90,001"), marks=pytest.mark.slow),
        ("48", STUDY + '[labels]\nbaseline = { teacher = "baseline" }\n', ""),
        ("19", STUDY + "x = " + "[" * 100_000, "study.toml"),
        ("19", STUDY + "x = " + "9" * 5_000, "study.toml"),
        ("19", STUDY + "[sft]\nlearning_rate = nan", "learning_rate"),
        ("19", "\x00" + STUDY, "study.toml"),
        ("19", "seeds = [" + "1," * 1000 + "1]\n" + STUDY, "1,001"),
    ],
)
def test_a_study_file_is_data_and_nothing_else(
    row: str, text: str, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if row == "48" and "teacher" in text:
        text = text.replace('["gold"]', '["gold", "labels.baseline"]')
        what = "baseline → baseline"
    Path("study.toml").write_text(text)
    assert what in refused(capfd, "plan", "./study.toml")
    assert not Path("PWN").exists()


def test_a_learning_rate_of_1e_3_is_a_number(capfd: pytest.CaptureFixture[str]) -> None:
    Path("study.toml").write_text(STUDY + "[sft]\nlearning_rate = 1e-3")
    assert main(["show", "./study.toml", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["sft"]["learning_rate"] == 0.001


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("table", ["conditions", "labels", "primary"])
def test_no_name_leaves_its_folder(name: str, table: str, capfd: pytest.CaptureFixture[str]) -> None:
    value = {"conditions": '{ train = ["gold"] }', "labels": "{}", "primary": "{ a = 'baseline', b = 'baseline' }"}
    head = "" if table == "conditions" else f"[{table}]\n"
    Path("study.toml").write_text(f'{STUDY}{head}"{name}" = {value[table]}\n')
    assert table in refused(capfd, "plan", "./study.toml")


@pytest.mark.parametrize("name", ["Größe.toml", "-rf.toml", "a b.toml", "x" * 70 + ".toml", "a\x1b[2J.toml"])
def test_no_file_name_becomes_a_folder_name(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text(STUDY)
    assert '"name"' in refused(capfd, "plan", f"./{name}")


@pytest.mark.parametrize("name", ["../../secret", "/etc", "~/.ssh", "evil--mod/../x", "a\x00b", "a\nb", "a/b/c", ""])
def test_no_model_is_taken_from_where_none_is(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("q.jsonl").write_text('{"question": "1 + 1?"}\n')
    assert refused(capfd, "sample", "q.jsonl", "--model", name)
    assert refused(capfd, "plan", "v1", "--model", name)


DEEP, TWICE, HUGE = "[" * 100_000, '{"question": "a", "question": "b"}', '{"question": ' + "9" * 5000 + "}"


@pytest.mark.parametrize("text", ['{"question": NaN}', '{"question": 1e999}', TWICE, DEEP, HUGE, '{"a":' * 5000])
@pytest.mark.parametrize("words", [["extract"], ["vote"], ["sample"], ["evaluate"], ["plan", "v1", "--data"]])
def test_json_is_strict_and_bounded(words: list[str], text: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("rows.jsonl").write_text(text + "\n")
    assert "rows.jsonl:1" in refused(capfd, *words, "rows.jsonl")


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b"{", b"[]", b"{}", b'{"seal": 1}', DEEP.encode(), b'{"a":NaN}'])
def test_a_manifest_from_elsewhere_is_damage(content: bytes) -> None:
    Path(manifest.NAME).write_bytes(content)
    with pytest.raises(DamagedArtifact):
        manifest.read(Path())


def test_a_manifest_that_nests_as_deep_as_json_allows_is_damage() -> None:
    Path(manifest.NAME).write_text('{"seal": "x", "schema": 1, "a": ' + "[" * 900 + "]" * 900 + "}")
    with pytest.raises(DamagedArtifact):
        manifest.read(Path())


@pytest.mark.parametrize("value", ["[" * 20_000, "{a=" * 20_000, "9" * 5000, "nan", "-inf", "\x1b[2J"])
def test_no_override_breaks_the_reader(value: str, capfd: pytest.CaptureFixture[str]) -> None:
    refused(capfd, "plan", "v1", "--set", f"sft.learning_rate={value}")


def test_a_selection_cannot_name_a_rule_of_its_own() -> None:
    from noisy_student.study.settings.files import Request, resolve

    with pytest.raises(UserError, match="no selection"):
        resolve(Request("v1-5", overrides={"conditions.filtered.select": {"__class__": 1}}))

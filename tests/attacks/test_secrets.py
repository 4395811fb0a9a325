"""Tokens and passwords of the environment are in no store, run, page, message or traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from refusals import printed_code
from workplace import OFFLINE, SECRETS, Workplace

import noisy_student.cli.main as cli
from noisy_student.cli.main import main
from noisy_student.identity import ROOT
from noisy_student.pipeline.store import Store
from noisy_student.study.settings.files import Request, resolve

TOKEN, KEY, PASSWORD = SECRETS.values()


def holding_a_secret(folder: Path) -> list[str]:
    """The files below ``folder`` in which one of the secrets stands."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in SECRETS.values()):
            found.append(str(path.relative_to(folder)))
    return found


def test_a_run_leaves_none_behind(reference: Workplace) -> None:
    files = [path for path in reference.folder.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert holding_a_secret(reference.folder) == []


@pytest.mark.slow
def test_an_address_that_fails_shows_no_password(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"question": "1 + 1?"}\n')
    environment = {**SECRETS, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": f"http://me:{PASSWORD}@127.0.0.1:9"}
    command = [sys.executable, "-m", "noisy_student", "sample", "q.jsonl", "--model", "nobody/nothing", "--k", "1"]
    search = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run(
        command, cwd=tmp_path, env={**OFFLINE, **search, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "nobody/nothing" in done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS.values())
    assert holding_a_secret(tmp_path) == []


def test_a_fault_of_ours_shows_none_in_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)

    def fail(*words: object, **more: object) -> object:
        raise RuntimeError(f"{TOKEN} {KEY} {PASSWORD} https://me:word@host \x1b[2J")

    monkeypatch.setattr(cli.Verbs, "get_command", fail)
    assert main(["run"]) == 1
    told = capfd.readouterr().err
    assert "RuntimeError: [hidden] [hidden] [hidden] https://[hidden]@host \\x1b[2J" in told
    assert printed_code(told) == "bug"
    assert main(["run", "--json"]) == 1
    said = capfd.readouterr()
    assert not any(secret in said.out + said.err for secret in SECRETS.values())


def test_a_stage_that_fails_keeps_none_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: Workplace
) -> None:
    from noisy_student.pipeline import attempt
    from noisy_student.study.stages import split

    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    node = reference.node("split")
    store = Store(tmp_path / "store", notice=print)

    def fail(*words: Any) -> None:
        raise RuntimeError(f"{TOKEN} {KEY} {PASSWORD}")

    monkeypatch.setattr(split, "run", fail)
    outcome = attempt.finish_stage(store, node)
    assert (outcome.kind, outcome.reason) == ("failed", "RuntimeError: [hidden] [hidden] [hidden]")
    assert list(tmp_path.glob("store/attempts/*/*"))
    assert holding_a_secret(tmp_path) == []


@pytest.mark.parametrize("field", ["model.id", "data.source.dataset", "note"])
@pytest.mark.parametrize("value", [TOKEN, f"https://me:{PASSWORD}@host/x"])
def test_settings_with_one_are_refused_without_showing_it(
    field: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", "v1", "--set", f"{field}={value}"]) == 1
    told = capfd.readouterr()
    assert f'"{field}"' in told.err
    assert not any(secret in told.out + told.err for secret in SECRETS.values())


@pytest.mark.parametrize(
    "value",
    [
        "glpat-abcDEF123_4567890xyz",
        "xoxb-123456789012-abcdefghijkl",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "hunter2-x",
        "see hunter2-x for the login",
        "AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_every_kind_is_refused_in_any_text_of_a_study(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGPASSWORD", "hunter2-x")
    Path("own.toml").write_text(f'question = "{value}"\nnote = "x"\n[conditions]\nbase = {{ method = "none" }}\n')
    for words in (["plan", "v1", "--set", f'note="{value}"'], ["plan", "./own.toml"]):
        assert main(words) == 1
        told = capfd.readouterr()
        assert printed_code(told.err) == "secret-in-settings"
        assert value not in told.out + told.err
    assert list(tmp_path.rglob("*.json")) == []


def test_the_environment_is_never_put_into_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    text = "${HF_TOKEN} $HF_TOKEN ${oc.env:HF_TOKEN} {{ env.HF_TOKEN }} %(HF_TOKEN)s"
    assert resolve(Request("v1", overrides={"note": text})).note == text


def test_no_half_of_one_is_left_where_a_message_is_shortened(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for before in range(440, 520, 7):
        assert main(["plan", f"./{'a' * before}{TOKEN}/{'b' * 800}.toml"]) == 1
        assert TOKEN[:10] not in capfd.readouterr().err

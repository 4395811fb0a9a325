"""``du`` and ``gc`` on a store with a run, without one, and beside a process at work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from refusals import printed_code

from noisy_student.cli.main import main
from noisy_student.pipeline import garbage, node
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def _commit(root: Path, number: int) -> Node:
    made = node.make("vote", {"number": number})
    store = Store(root)
    with store.hold(made, lambda: None):
        work = store.open_work(made)
        (work / "data" / "numbers.txt").write_text("7" * 1000 * (number + 1))
        store.commit(made, summary={}, provenance={})
    return made


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def _finished(root: Path, made: list[Node], folder: Path, digest: str = "d" * 64) -> None:
    folder.mkdir(parents=True)
    with garbage.rooted(root, digest, made, "noisy-student run toy"):
        pass
    garbage.finish(root, digest, folder)


def test_only_what_no_run_stands_on_is_listed_and_removed(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, useless = _commit(root, 1), _commit(root, 2)
    _finished(root, [kept], tmp_path / "runs" / "toy-1")
    assert main(["gc", "--store", str(root), "--json"]) == 0
    listed = _json(capsys)
    assert [entry["name"] for entry in listed["entries"]] == [useless.name]  # type: ignore[attr-defined]
    assert not listed["deleted"]
    assert Store(root).cached(useless)
    assert main(["gc", "--store", str(root), "--delete", "--json"]) == 0
    assert _json(capsys)["bytes"] == listed["bytes"]
    assert Store(root).cached(kept)
    assert not Store(root).cached(useless)
    assert sorted(path.name for path in root.iterdir()) == ["locks", "roots", "stages", "work"]


def test_removing_a_runs_folder_frees_its_results(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, shared = _commit(root, 1), _commit(root, 2)
    _finished(root, [one, shared], tmp_path / "runs" / "toy-1")
    _finished(root, [shared], tmp_path / "elsewhere" / "toy-1", digest="e" * 64)
    assert main(["gc", "--store", str(root), "--delete"]) == 0
    assert "2 runs use the rest." in capsys.readouterr().out
    shutil.rmtree(tmp_path / "runs")
    assert main(["gc", "--store", str(root), "--delete"]) == 0
    assert (Store(root).cached(one), Store(root).cached(shared)) == (False, True)


def test_a_killed_run_keeps_its_half_until_it_is_given_up(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    half = _commit(root, 1)
    later = node.make("vote", {"number": 9})
    Store(root).open_work(later)
    with garbage.rooted(root, "d" * 64, [half, later], "noisy-student run toy"):
        assert main(["gc", "--store", str(root), "--delete", "--unfinished"]) == 0
        assert "at work" not in capsys.readouterr().err
        assert Store(root).cached(half)
    assert main(["gc", "--store", str(root), "--delete"]) == 0
    assert "kept: noisy-student run toy" in capsys.readouterr().err
    assert Store(root).cached(half)
    assert main(["gc", "--store", str(root), "--delete", "--unfinished"]) == 0
    assert "given up: noisy-student run toy" in capsys.readouterr().err
    assert not Store(root).cached(half)
    assert not Store(root).work(later).exists()
    assert garbage.roots(root) == []


def test_a_node_at_work_is_left(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = _commit(root, 1)
    with FileLock(root / "locks" / f"{made.short_key}.lock"):
        assert main(["gc", "--store", str(root), "--delete"]) == 0
    assert "1 were kept" in capsys.readouterr().err
    assert Store(root).cached(made)


def test_what_was_set_aside_is_garbage(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = _commit(root, 1)
    _finished(root, [made], tmp_path / "runs" / "toy-1")
    (Store(root).folder(made) / "data" / "numbers.txt").write_text("damaged")
    assert Store(root, notice=lambda text: None).manifest(made) is None
    assert main(["gc", "--store", str(root), "--delete", "--json"]) == 0
    assert [entry["kind"] for entry in _json(capsys)["entries"]] == ["quarantine"]  # type: ignore[attr-defined]
    assert not list(root.glob("quarantine/*"))


def test_a_damaged_root_stops_it(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = _commit(root, 1)
    _finished(root, [made], tmp_path / "runs" / "toy-1")
    (path,) = root.glob("roots/*.json")
    path.write_text('{"digest": "')
    assert main(["gc", "--store", str(root), "--delete"]) == 1
    assert str(path) in capsys.readouterr().err.replace("\n", "")
    assert Store(root).cached(made)


def test_du_counts_every_byte(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept, useless = _commit(root, 1), _commit(root, 2)
    _finished(root, [kept], tmp_path / "runs" / "toy-1")
    assert main(["du", "--store", str(root), "--json"]) == 0
    found = _json(capsys)
    sizes = {
        made: sum(path.stat().st_size for path in Store(root).folder(made).rglob("*") if path.is_file())
        for made in (kept, useless)
    }
    assert (found["bytes"], found["garbage"]) == (sum(sizes.values()), sizes[useless])
    assert main(["du", "--store", str(root)]) == 0
    assert "Garbage" in capsys.readouterr().out


def test_there_must_be_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("du", "gc"):
        assert main([verb, "--store", str(tmp_path / "none")]) == 1
        assert printed_code(capsys.readouterr().err) == "no-store"


def test_names_of_every_kind_lead_to_their_node() -> None:
    for kind, name in (("stages", "train-sft-ab12"), ("work", "ab12"), ("quarantine", "train-sft-ab12-3")):
        assert garbage.Entry(kind, Path(name), 0).short_key == "ab12"  # type: ignore[arg-type]

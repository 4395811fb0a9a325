"""``du`` and ``gc`` on a store with a run, without one, and beside a process at work."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from refusals import printed_code

from noisy_student.cli.main import main
from noisy_student.pipeline import garbage, node
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.store import Store


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test stands in a folder of its own: ``gc`` looks for runs in the one where it is called."""
    monkeypatch.chdir(tmp_path)


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


def test_a_killed_repetition_of_a_finished_run_does_not_give_up_its_results(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, folder = _commit(root, 1), tmp_path / "runs" / "toy-1"
    _finished(root, [made], folder)
    (folder / "results.json").write_text(json.dumps({"digest": "d" * 64}))
    with garbage.rooted(root, "d" * 64, [made], "noisy-student run toy"):
        pass
    words = ["gc", "--store", str(root), "--runs", str(tmp_path / "runs"), "--delete", "--unfinished"]
    assert main(words) == 0
    assert "kept: noisy-student run toy" in capsys.readouterr().err
    assert Store(root).cached(made)
    shutil.rmtree(folder)
    assert main(words) == 0
    assert not Store(root).cached(made)


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


@pytest.mark.parametrize(
    "text",
    ['{"digest": "', "[1]", "null", '{"digest": "x"}', '{"nodes": [{"name": 5}]}', '{"started": 1e18}', "\xff", None],
    ids=repr,
)
def test_beside_an_unreadable_root_nothing_is_removed(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    made, useless = _commit(root, 1), _commit(root, 2)
    _finished(root, [made], tmp_path / "runs" / "toy-1")
    _finished(root, [], tmp_path / "runs" / "toy-2", digest="e" * 64)
    path = root / "roots" / f"{'d' * 16}.json"
    whole = json.loads(path.read_text())
    path.unlink()
    if text is None:
        os.mkfifo(path)
    else:
        odd = {**whole, **json.loads(text)} if text.endswith("}") else None
        path.write_bytes(json.dumps(odd).encode() if odd else text.encode("latin-1"))
    for words in (["du"], ["gc"], ["gc", "--delete"]):
        assert main([*words, "--store", str(root)]) == 0
        said = capsys.readouterr()
        assert str(path) in said.err.replace("\n", "")
        assert "Traceback" not in said.err
    assert Store(root).cached(made)
    assert Store(root).cached(useless)
    # The run's own command writes the entry anew.
    with garbage.rooted(root, "d" * 64, [made], "noisy-student run toy"):
        pass
    assert len(garbage.roots(root)) == 2


def _run_folder(folder: Path, digest: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps({"digest": digest}))


def test_runs_that_all_lost_their_folders_are_asked_for(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, half = _commit(root, 1), _commit(root, 2)
    _finished(root, [made], tmp_path / "runs" / "toy-1")
    with garbage.rooted(root, "f" * 64, [half], "noisy-student run half"):
        pass
    shutil.rmtree(tmp_path / "runs")
    assert main(["gc", "--store", str(root)]) == 0
    assert "(1 of 1)" in capsys.readouterr().err
    assert main(["gc", "--store", str(root), "--delete"]) == 1
    assert printed_code(capsys.readouterr().err) == "all-runs-missing"
    assert Store(root).cached(made)
    assert main(["gc", "--store", str(root), "--delete", "--runs-removed"]) == 0
    said = capsys.readouterr().err
    assert "toy-1 is missing" in said
    assert "less than an hour ago" in said
    assert (Store(root).cached(made), Store(root).cached(half)) == (False, True)


def _copied(here: Path, target: Path) -> None:
    shutil.copytree(here / "a", target)
    shutil.rmtree(here / "a")


@pytest.mark.parametrize(
    "move",
    [
        lambda here: (here / "a").rename(here / "b"),
        lambda here: _copied(here, here / "b"),
        lambda here: _copied(here, here / "deeper" / "b"),
        lambda here: (here / "b").symlink_to(here / "a", target_is_directory=True),
    ],
    ids=["moved", "copied", "deeper", "linked"],
)
@pytest.mark.parametrize("old", [False, True])
def test_a_store_that_moved_with_its_runs_loses_nothing(
    tmp_path: Path, old: bool, move: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    before = tmp_path / "a"
    made, useless = _commit(before / "store", 1), _commit(before / "store", 2)
    _finished(before / "store", [made], before / "runs" / "toy-1")
    for path in (before / "store" / "roots").iterdir() if old else ():
        kept = json.loads(path.read_text())
        path.write_text(json.dumps({name: kept[name] for name in ("digest", "command", "started", "nodes", "run")}))
    move(tmp_path)
    (root,) = (path for path in tmp_path.rglob("b/store") if path.is_dir())
    assert main(["gc", "--store", str(root), "--delete"]) == 0
    assert (Store(root).cached(made), Store(root).cached(useless)) == (True, False)


def test_a_run_folder_that_was_renamed_or_moved_still_counts(root: Path, tmp_path: Path) -> None:
    one, two, gone = _commit(root, 1), _commit(root, 2), _commit(root, 3)
    for digest, made, name in (("d" * 64, one, "x"), ("e" * 64, two, "y"), ("f" * 64, gone, "z")):
        _finished(root, [made], tmp_path / "runs" / name, digest=digest)
        _run_folder(tmp_path / "runs" / name, digest)
    (tmp_path / "runs" / "x").rename(tmp_path / "runs" / "kept")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runs" / "y").rename(tmp_path / "elsewhere" / "y")
    shutil.rmtree(tmp_path / "runs" / "z")
    assert main(["gc", "--store", str(root), "--runs", str(tmp_path / "elsewhere"), "--delete"]) == 0
    assert [Store(root).cached(made) for made in (one, two, gone)] == [True, True, False]


def test_results_that_cannot_be_read_protect_a_missing_run_only_where_they_may_be_its_own(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = _commit(root, 1), _commit(root, 2)
    for digest, made, name in (("d" * 64, one, "x"), ("e" * 64, two, "y")):
        _finished(root, [made], tmp_path / "runs" / name, digest=digest)
        _run_folder(tmp_path / "runs" / name, digest)
    (tmp_path / "runs" / "x").rename(tmp_path / "runs" / "renamed")
    odd = tmp_path / "runs" / "renamed" / "results.json"
    odd.write_text("{")
    assert main(["gc", "--store", str(root), "--delete"]) == 0
    assert "renamed/results.json" in capsys.readouterr().err.replace("\n", "")
    assert Store(root).cached(one)
    shutil.rmtree(odd.parent)
    (tmp_path / "runs" / "y" / "results.json").write_text("{")
    assert main(["gc", "--store", str(root), "--delete"]) == 0
    assert (Store(root).cached(one), Store(root).cached(two)) == (False, True)


def test_a_store_without_roots_is_left_where_runs_exist(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = _commit(root, 1)
    _run_folder(tmp_path / "runs" / "toy-1", "d" * 64)
    assert main(["gc", "--store", str(root), "--runs", str(tmp_path / "runs"), "--delete"]) == 0
    assert "lists no run" in capsys.readouterr().err.replace("\n", " ")
    assert Store(root).cached(made)


def test_a_list_needs_no_lock(root: Path) -> None:
    _commit(root, 1)
    shutil.rmtree(root / "locks")
    for words in (["gc"], ["gc", "--json"], ["du"]):
        assert main([*words, "--store", str(root)]) == 0
    assert not (root / "locks").exists()


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

"""What a store trusts, what it sets aside, and what it keeps of a run."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from noisy_student import identity
from noisy_student.errors import DamagedArtifact
from noisy_student.pipeline.attempt import run_stage
from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.store import Store


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TOY_CURE", str(tmp_path / "cure"))
    monkeypatch.setenv("MY_TOKEN", "a-very-secret-value")
    # Damage that moves a file elsewhere.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return make("toy_stage:toy", {"word": "one"}, seed=3, title="Toy")


def executions(tmp_path: Path) -> int:
    return len((tmp_path / "log").read_text().splitlines())


def test_a_result_is_a_folder_with_a_manifest(tmp_path: Path, node: Node) -> None:
    store = Store(tmp_path / "store")
    assert not store.cached(node)
    assert not (tmp_path / "store").exists()
    assert run_stage(store, node).kind == "done"
    manifest = store.manifest(node)
    assert manifest is not None
    assert (store.outcome(node), manifest.summary, manifest.key) == ("done", {"words": 1}, node.key)
    assert [entry.path for entry in manifest.files] == ["more/length.bin", "words.txt"]
    assert (store.data(node) / "words.txt").read_text() == "one 3\n"
    assert sorted(path.name for path in store.folder(node).iterdir()) == ["MANIFEST.json", "curves", "data"]
    assert list((tmp_path / "store" / "work").iterdir()) == []
    assert manifest.provenance["torch_threads"] is None or manifest.provenance["torch_threads"] >= 1
    assert manifest.provenance["peak_memory_bytes"] > 1_000_000
    assert "a-very-secret-value" not in (store.folder(node) / "MANIFEST.json").read_text()


def test_data_of_an_absent_node_is_an_error(tmp_path: Path, node: Node) -> None:
    with pytest.raises(DamagedArtifact, match="Toy"):
        Store(tmp_path).data(node)


def test_a_second_store_object_finds_it_and_a_moved_store_too(tmp_path: Path, node: Node) -> None:
    run_stage(Store(tmp_path / "store"), node)
    (tmp_path / "store").rename(tmp_path / "moved")
    assert run_stage(Store(tmp_path / "moved"), node).kind == "cached"
    assert executions(tmp_path) == 1


def flip(folder: Path) -> None:
    path = folder / "data" / "more" / "length.bin"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def truncate(folder: Path) -> None:
    path = folder / "data" / "words.txt"
    path.write_bytes(path.read_bytes()[:-1])


def foreign_summary(folder: Path) -> None:
    path = folder / "MANIFEST.json"
    path.write_text(path.read_text().replace('"words": 1', '"words": 2'))


def half_manifest(folder: Path) -> None:
    path = folder / "MANIFEST.json"
    path.write_bytes(path.read_bytes()[:200])


def linked(path: Path) -> None:
    """Put a link in the place of a file or folder, to the same content elsewhere."""
    place = Path(tempfile.mkdtemp()) / "moved"
    shutil.move(path, place)
    path.symlink_to(place)


def dangling(path: Path) -> None:
    shutil.rmtree(path)
    path.symlink_to("/nowhere")


def fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def resealed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest and seal it anew, so that its form is all that is wrong."""
    path = folder / "MANIFEST.json"
    raw = json.loads(path.read_text())
    del raw["seal"]
    change(raw)
    path.write_text(json.dumps({**raw, "seal": identity.digest(raw)}))


DAMAGES = [
    flip,
    truncate,
    foreign_summary,
    half_manifest,
    lambda folder: (folder / "data" / "words.txt").unlink(),
    lambda folder: (folder / "data" / "extra").touch(),
    lambda folder: (folder / "MANIFEST.json").unlink(),
    lambda folder: (folder / "MANIFEST.json").write_bytes(b"\xff\xfe"),
    lambda folder: shutil.rmtree(folder / "data"),
    lambda folder: linked(folder / "data"),
    lambda folder: linked(folder / "data" / "more"),
    lambda folder: linked(folder / "data" / "words.txt"),
    lambda folder: linked(folder / "MANIFEST.json"),
    lambda folder: linked(folder / "curves"),
    lambda folder: linked(folder),
    lambda folder: dangling(folder),
    lambda folder: dangling(folder / "data"),
    lambda folder: fifo(folder / "MANIFEST.json"),
    lambda folder: fifo(folder / "data" / "words.txt"),
    lambda folder: fifo(folder / "data" / "extra"),
    lambda folder: resealed(folder, lambda raw: raw.update(summary=5)),
    lambda folder: resealed(folder, lambda raw: raw.update(provenance=[1])),
    lambda folder: resealed(folder, lambda raw: raw.update(node=None)),
    lambda folder: resealed(folder, lambda raw: raw["files"][0].update(size=-1)),
    lambda folder: resealed(folder, lambda raw: raw["files"].append({"path": "../x", "size": 1, "sha256": "0"})),
    lambda folder: resealed(folder, lambda raw: raw["node"].update(seed=4)),
    lambda folder: resealed(folder, lambda raw: raw.update(reason=[1])),
    lambda folder: resealed(folder, lambda raw: raw.update(schema=2)),
    lambda folder: resealed(folder, lambda raw: raw["summary"].update(words=10**70)),
    lambda folder: (folder / "MANIFEST.json").write_text("[" * 5000),
    lambda folder: (folder / "MANIFEST.json").write_bytes(b" " * (16 * 2**20 + 1)),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_set_aside_and_computed_again(tmp_path: Path, node: Node, damage: Callable[[Path], None]) -> None:
    notices: list[str] = []
    store = Store(tmp_path / "store")
    run_stage(store, node)
    whole = {path.name: path.read_bytes() for path in store.data(node).rglob("*") if path.is_file()}
    damage(store.folder(node))
    again = Store(tmp_path / "store", notice=notices.append)
    assert again.verified(node) is None
    assert len(notices) == 1
    assert "Toy" in notices[0]
    assert len(list((tmp_path / "store" / "quarantine").iterdir())) == 1
    assert run_stage(again, node).kind == "done"
    assert {path.name: path.read_bytes() for path in again.data(node).rglob("*") if path.is_file()} == whole


def test_damage_is_found_by_the_run_itself(tmp_path: Path, node: Node) -> None:
    run_stage(Store(tmp_path / "store"), node)
    flip(Store(tmp_path / "store").folder(node))
    assert run_stage(Store(tmp_path / "store"), node).kind == "done"
    assert executions(tmp_path) == 2
    assert len(list((tmp_path / "store" / "quarantine").iterdir())) == 1


def test_a_result_under_another_key_is_not_trusted(tmp_path: Path, node: Node) -> None:
    store = Store(tmp_path / "store")
    run_stage(store, node)
    other = make("toy_stage:toy", {"word": "two"}, seed=3)
    shutil.copytree(store.folder(node), store.folder(other))
    assert not store.cached(other)
    assert run_stage(store, other).kind == "done"
    assert (store.data(other) / "words.txt").read_text() == "two 3\n"


def test_an_empty_final_folder_is_nothing(tmp_path: Path, node: Node) -> None:
    store = Store(tmp_path / "store")
    store.folder(node).mkdir(parents=True)
    assert not store.cached(node)
    assert run_stage(store, node).kind == "done"
    assert store.cached(node)
    assert not (tmp_path / "store" / "quarantine").exists()


def test_the_manifest_is_sealed_json(tmp_path: Path, node: Node) -> None:
    store = Store(tmp_path / "store")
    run_stage(store, node)
    raw = json.loads((store.folder(node) / "MANIFEST.json").read_text())
    assert raw["node"]["spec"] == {"word": "one"}
    assert raw["node"]["seed"] == 3
    assert len(raw["seal"]) == 64


def test_the_output_digest_speaks_of_data_alone(tmp_path: Path, node: Node) -> None:
    first, second = Store(tmp_path / "a"), Store(tmp_path / "b")
    run_stage(first, node)
    run_stage(second, node)
    ours, theirs = first.manifest(node), second.manifest(node)
    assert ours is not None
    assert theirs is not None
    assert ours.output_digest == theirs.output_digest
    assert ours.provenance["started"] != theirs.provenance["started"]


def test_links_in_a_work_folder_are_dropped_and_what_they_lead_to_stays(tmp_path: Path, node: Node) -> None:
    store = Store(tmp_path / "store")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    store.work(node).parent.mkdir(parents=True)
    store.work(node).symlink_to(mine)
    assert run_stage(store, node).kind == "done"
    assert not store.folder(node).is_symlink()
    other = make("toy_stage:toy", {"word": "two"}, seed=3)
    store.work(other).mkdir(parents=True)
    for name in ("scratch", "curves", "data"):
        (store.work(other) / name).symlink_to(mine)
    assert run_stage(store, other).kind == "done"
    assert store.cached(other)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]

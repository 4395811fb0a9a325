"""Finding the files of a data set: in a folder, in the hub's cache, on a hub that answers on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from data import hub
from refusals import refused

from noisy_student.data import locate as locate_module
from noisy_student.data.locate import chosen, locate
from noisy_student.data.parquet import write_parquet
from noisy_student.data.parts import parts, paths_of
from noisy_student.data.spec import DataSpec, SourceSpec

ROWS = [
    {"question": f"What is {n} plus {n + 1}?", "answer": f"{n}+{n + 1}={2 * n + 1}\n#### {2 * n + 1}"}
    for n in range(60)
]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A data set as hubs hold them: a config, parquet in two parts, and a pickle that nobody may touch."""
    folder = tmp_path / "sums"
    (folder / "main").mkdir(parents=True)
    (folder / "other").mkdir()
    write_parquet(folder / "main" / "train-00000-of-00002.parquet", ROWS[:20])
    write_parquet(folder / "main" / "train-00001-of-00002.parquet", ROWS[20:40])
    (folder / "main" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS[40:]))
    write_parquet(folder / "other" / "train-0.parquet", ROWS[:1])
    (folder / "main" / "train-evil.pkl").write_bytes(b"\x80\x04.")
    (folder / "README.md").write_text("# Sums\n")
    return folder


def _spec(dataset: str, **more: str) -> SourceSpec:
    return SourceSpec(
        **{"kind": "hub", "dataset": dataset, "config": "main", "labeled": "train", "test": "test", **more}
    )


def test_splits_of_a_folder(dataset: Path) -> None:
    found = locate(_spec(str(dataset)))
    assert [path.name for path in found["labeled"]] == ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]
    assert [path.name for path in found["test"]] == ["test.jsonl"]
    made = parts(
        DataSpec(labeled=10, unlabeled=20, test=15, source=_spec(str(dataset))), run_seed=1, paths=paths_of(found)
    )
    assert (len(made.labeled), len(made.dev), len(made.unlabeled), len(made.test)) == (8, 2, 20, 15)
    assert {item.question.text for item in made.test} <= {row["question"] for row in ROWS[40:]}


def test_names_that_splits_have() -> None:
    names = ["train.jsonl", "data/train-00000-of-00001.parquet", "main/train/0000.parquet"]
    names += ["training.parquet", "train.csv"]
    assert chosen(names, "train") == sorted(names[1:3])
    assert chosen(names, "main/*/*.parquet") == ["main/train/0000.parquet"]
    assert chosen(names, "train", "no-such-config") == sorted(names[1:3])


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["train.json", "test.json", "dataset_infos.json"], ["train.json"]),
        (["train.jsonl", ".ipynb_checkpoints/train.jsonl", "__MACOSX/train.jsonl", "a/.train.jsonl"], ["train.jsonl"]),
        (["Train.jsonl", "train.JSONL.gz"], ["train.JSONL.gz"]),
        (["train.csv", "train.tsv"], ["train.csv"]),
        (["data/train-0.pq", "data/train-1.pq", "train.csv"], ["data/train-0.pq", "data/train-1.pq"]),
        (
            ["train/algebra/1.json", "train/geometry/1.json", "test/algebra/1.json"],
            ["train/algebra/1.json", "train/geometry/1.json"],
        ),
        (["retrain.jsonl", "train", "train.txt", "train.md"], []),
    ],
)
def test_files_of_a_split_in_any_format(names: list[str], found: list[str]) -> None:
    assert chosen(names, "train") == found


def test_a_folder_of_ones_own_gets_a_fitting_remedy(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("x")
    with refused("split-not-found", "train.csv") as raised:
        locate(_spec(str(tmp_path)))
    assert "revision" not in raised.value.do
    (tmp_path / "questions.jsonl").write_text("{}")
    with refused("split-not-found", "questions.jsonl", "give one of its files"):
        locate(_spec(str(tmp_path)))
    for name in ("main", "socratic"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.jsonl").write_text("{}")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "train.jsonl").write_text("{}")
    with refused("several-configs", "main, socratic"):
        locate(_spec(str(tmp_path), config="none", test="train"))


def test_gsm8k_needs_nothing_but_its_name(tmp_path: Path) -> None:
    assert SourceSpec(kind="gsm8k").parts == {"labeled": "train", "test": "test"}
    assert SourceSpec(kind="gsm8k").dataset == "openai/gsm8k"
    for name, rows in (("train", ROWS[:40]), ("test", ROWS[40:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = locate(SourceSpec(kind="gsm8k", dataset=str(tmp_path)))
    names = {part: [path.name for path in paths] for part, paths in found.items()}
    assert names == {"labeled": ["train.jsonl"], "test": ["test.jsonl"]}


def test_a_split_that_is_not_there(dataset: Path) -> None:
    with refused("split-not-found", '"valid"') as raised:
        locate(_spec(str(dataset), test="valid"))
    assert "main/test.jsonl" in raised.value.why
    with refused("dataset-not-found"):
        locate(_spec("./nowhere"))


def test_the_hubs_cache_is_enough_without_a_network(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    home = cache / "datasets--someone--sums"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(hub.COMMIT)
    dataset.rename(home / "moved")
    (home / "snapshots").mkdir()
    (home / "moved").rename(home / "snapshots" / hub.COMMIT)
    program = (
        "from noisy_student.data.locate import locate; from noisy_student.data.spec import SourceSpec;"
        "print(*[p for v in locate(SourceSpec(kind='hub', dataset='someone/sums', config='main', labeled='train'))"
        ".values() for p in v], sep='\\n')"
    )
    done = _python(program, HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2 and str(cache) in done.stdout
    done = _python(program.replace("someone/sums", "someone/else"), HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="1")
    assert "The data set someone/else cannot be read from the hub" in done.stderr


def test_fetching_from_a_hub_takes_only_what_is_asked_for(dataset: Path, tmp_path: Path) -> None:
    program = (
        "from noisy_student.data.locate import locate; from noisy_student.data.spec import SourceSpec;"
        "from noisy_student.data.parts import paths_of, parts; from noisy_student.data.spec import DataSpec;"
        "s = SourceSpec(kind='hub', dataset='someone/sums', config='main', labeled='train', test='test');"
        "made = parts(DataSpec(labeled=10, unlabeled=20, test=15, source=s), run_seed=1, paths=paths_of(locate(s)));"
        "print(len(made.labeled), len(made.unlabeled), len(made.test))"
    )
    with hub.serve(dataset) as (address, asked):
        done = _python(program, HF_ENDPOINT=address, HF_HUB_OFFLINE="0", HF_HOME=str(tmp_path / "home"))
        assert done.stdout.split() == ["8", "20", "15"], done.stderr
        assert not any("README" in line or "pkl" in line or "other/" in line for line in asked)
        assert any(line.startswith("GET") and line.endswith("test.jsonl") for line in asked)
        online = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "h")}
        unknown = _python(program.replace("someone/sums", "someone/else"), **online)
        assert "The data set someone/else cannot be read from the hub" in unknown.stderr
    # The hub is gone: what was fetched is found again.
    again = _python(program, HF_ENDPOINT=address, HF_HUB_OFFLINE="0", HF_HOME=str(tmp_path / "home"))
    assert again.stdout.split() == ["8", "20", "15"], again.stderr


def _python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The hub's address is read when its library is imported, so every case is a process of its own."""
    source = Path(locate_module.__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(source), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_several_configs_need_a_choice_and_shards_must_be_complete(dataset: Path) -> None:
    with refused("several-configs", "main, other"):
        locate(SourceSpec(kind="hub", dataset=str(dataset), labeled="train"))
    (dataset / "main" / "train-00001-of-00002.parquet").unlink()
    with refused("dataset-incomplete", "1 of 2 files"):
        locate(_spec(str(dataset)))

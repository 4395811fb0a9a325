"""JSON of wrong shape in a store and in run folders: commands name it, go on, and leave other runs unharmed.

Each mutation changes one document of one run: types swapped, keys dropped, lists for objects, numbers that are huge,
NaN, deep nesting, half texts; manifests with their seal made anew, so that readers get past it.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from workplace import Workplace

from noisy_student import identity, seeds
from noisy_student.cli.main import main
from noisy_student.errors import UserError
from noisy_student.pipeline.manifest import stored
from noisy_student.pipeline.node import parents_first
from noisy_student.study.forecast.forecast import forecast, totals
from noisy_student.study.forecast.forecast_vs_actual import kept_forecast
from noisy_student.study.forecast.timing import past, timing_path
from noisy_student.study.plan.plan import plan
from noisy_student.study.run import open_run
from noisy_student.study.settings.files import Request, resolve

FAST, PART = 100, 300
"""Mutations in the fast set, and in each of ten slow parts, which begin with the same ones."""
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 5, 1e18, -1e300, 10**30, 10**400, "", "x", "\ud800", "\x00", "1e999", [], [1], {}),
    *({"name": 5}, [[[]]], [None], {"": None}, "../../x", "nan", 2**63, 1e-320, [{"name": 5}]),
)
TEXTS = ("", "{", "[" * 100_000, "NaN", "[1e999]", "null", "\ud7ff", '{"a":1,"a":2}', "\x00" * 20, "[" * 70 + "]" * 70)
KINDS = ("roots", "manifests", "results", "curves", "forecasts", "timing")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, as the keys that lead there."""
    yield path
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, name))


def mutated(value: Any, draw: random.Random) -> Any:
    """A copy of ``value`` with one to three places changed."""
    made = json.loads(json.dumps({"top": value}))
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        *way, last = ("top", *draw.choice(list(places(made["top"]))))
        parent = made
        for name in way:
            parent = parent[name]
        if isinstance(parent, dict) and draw.random() < 0.25 and last != "top":
            del parent[last]
        elif draw.random() < 0.1:
            deep: Any = 1
            for _ in range(draw.choice((10, 70, 500))):
                deep = [deep] if draw.random() < 0.5 else {"a": deep}
            parent[last] = deep
        elif draw.random() < 0.15:
            parent[last] = {str(parent[last])[:9]: parent[last]} if draw.random() < 0.5 else [parent[last]] * 3
        else:
            parent[last] = draw.choice(ODD)
    return made["top"]


def sealed(value: Any, draw: random.Random) -> Any:
    """A manifest with its key and seal made anew, mostly, so that it is intact but odd."""
    if not isinstance(value, dict) or draw.random() < 0.2:
        return value
    body = {name: item for name, item in value.items() if name != "seal"}
    try:
        if draw.random() < 0.9 and "node" in body:
            body["key"] = identity.digest(body["node"])
        return {**body, "seal": identity.digest(body)}
    except (ValueError, TypeError, RecursionError):
        return value


class Bench:
    """A place with two runs in one store, of which one is damaged again and again."""

    def __init__(self, folder: Path, reference: Workplace) -> None:
        self.folder = folder
        shutil.copytree(reference.folder, folder)
        (self.run,) = (folder / "runs").glob("tiny-*")
        for path in self.run.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        self.other = folder / "runs" / "tiny-other"
        shutil.copytree(self.run, self.other)
        results = json.loads((self.other / "results.json").read_text())
        digest = "e" * 64
        (self.other / "results.json").write_text(json.dumps({**results, "digest": digest, "scale": "other"}))
        (root,) = (folder / "store/roots").glob("*.json")
        kept = json.loads(root.read_text())
        place = str(self.other)
        more = {"digest": digest, "run": place, "relative": None, "nodes": kept["nodes"][:5]}
        made = {**{name: item for name, item in kept.items() if name not in {"schema", "seal"}}, **more}
        (folder / "store/roots" / f"{digest[:16]}.json").write_text(
            json.dumps({"schema": 1, **made, "seal": identity.digest(made)})
        )
        self.settings = resolve(Request(str(folder / "tiny.toml")))
        self.nodes = parents_first(plan(self.settings).targets)
        timing = timing_path(self.settings, folder / "store")
        timing.parent.mkdir()
        rows = [asdict(one) for one in stored(folder / "store").values() if one.outcome == "done"]
        timing.write_text(json.dumps({"schema": 1, "of": {}, "rows": rows}))
        self.kinds = {
            "roots": [root],
            "manifests": sorted((folder / "store/stages").glob("*/MANIFEST.json")),
            "results": [self.run / "results.json"],
            "curves": [self.run / "curves.json"],
            "forecasts": sorted((folder / "store/forecasts").glob("*.json")),
            "timing": [timing],
        }
        assert all(self.kinds.values())
        self.names = {"DAMAGED": self.run.name, "STAGE": self.kinds["manifests"][0].parent.name}
        self.whole = {path: path.read_bytes() for paths in self.kinds.values() for path in paths}

    def damage(self, kind: str, draw: random.Random) -> Path:
        path: Path = draw.choice(self.kinds[kind])
        if draw.random() < 0.06:
            path.write_text(draw.choice(TEXTS), encoding="utf-8", errors="surrogatepass")
            return path
        value = mutated(json.loads(self.whole[path]), draw)
        if kind == "manifests":
            value = sealed(value, draw)
        path.write_text(json.dumps(value), encoding="utf-8")
        return path

    def mend(self, path: Path) -> None:
        path.write_bytes(self.whole[path])


@pytest.fixture(scope="module")
def bench(reference: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("fuzz") / "place", reference)


def outcome(call: Callable[[], int], capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = call()
    said = capfd.readouterr()
    assert "Traceback" not in said.err, said.err[-3000:]
    assert "[bug]" not in said.err
    return code, said.out, said.err


COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "roots": (("du", "--json"), ("gc", "--json"), ("log", "--spend", "--json")),
    "manifests": (("log", "--spend", "--json"), ("why", "STAGE", "--json"), ("plan",)),
    "results": (("log", "--json"), ("log",), ("log", "--spend"), ("report", "DAMAGED"), ("gc", "--json")),
    "curves": (*[("open",)] * 7, ("report", "DAMAGED")),
    "forecasts": (("kept",),),
    "timing": (("plan",),),
}


def search(bench: Bench, numbers: range, capfd: pytest.CaptureFixture[str], *, every: bool) -> None:
    """Damage a document for each number, and run ``every`` command that reads its kind, or one of them in turn."""
    for number in numbers:
        draw = seeds.generator(number, "tests.fuzz.store")
        kind = KINDS[number % len(KINDS)]
        path = bench.damage(kind, draw)
        try:
            known = COMMANDS[kind]
            for words in known if every else [known[number // len(KINDS) % len(known)]]:
                _check(bench, kind, words, capfd)
        except BaseException:
            print(f"mutation {number} of {path}: {path.read_text(errors='replace')[:2000]}")
            raise
        finally:
            bench.mend(path)


def _check(bench: Bench, kind: str, words: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    store, runs = str(bench.folder / "store"), str(bench.folder / "runs")
    if words == ("kept",):
        for path in bench.kinds["forecasts"]:
            kept_forecast(bench.folder / "store", path.stem)
        return
    if words == ("plan",):
        _plan(bench)
        return
    if words == ("open",):
        with suppress(UserError):
            open_run(bench.run)
        return
    more = ["--store", store] if words[0] in {"du", "gc", "why"} or "--spend" in words else []
    more += ["--runs", runs] if words[0] in {"du", "gc", "log", "report"} else []
    named = [bench.names.get(word, word) for word in words]
    code, out, err = outcome(lambda: main([*named, *more]), capfd)
    if words[0] == "report":
        assert code == 0 or "[results-malformed]" in err
        return
    if words[0] == "why":
        return
    assert code == 0, err
    if words == ("log", "--json"):
        rows = {Path(row["folder"]).name: row for row in json.loads(out)["runs"]}
        assert rows[bench.other.name]["status"] == "done"
        assert bench.run.name in rows
    if words == ("gc", "--json"):
        listed = {entry["name"] for entry in json.loads(out)["entries"]}
        assert not listed, "both runs exist, so nothing is garbage"


def _plan(bench: Bench) -> None:
    """Forecast the whole study from past work, as ``plan`` and ``run`` do."""
    said: list[str] = []
    known = past(bench.settings, bench.folder / "store", said.append)
    summed = totals(forecast(bench.nodes, known, bench.settings.compute), bench.settings.compute)
    json.dumps(asdict(summed), allow_nan=False)
    assert len(known) >= len(bench.nodes) - 1
    assert len(said) <= 2


def test_mutated_documents_harm_no_other(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    search(bench, range(FAST), capfd, every=False)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_many_mutated_documents_harm_no_other(bench: Bench, part: int, capfd: pytest.CaptureFixture[str]) -> None:
    search(bench, range(PART * part, PART * (part + 1)), capfd, every=True)

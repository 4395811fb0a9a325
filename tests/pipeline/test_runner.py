"""Graphs: order, caching, what stops what, deadlines and events."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.runner import Event, Result, run_graph
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local


@pytest.fixture(autouse=True)
def _toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("TOY_CURE", str(tmp_path / "cure"))
    (tmp_path / "log").touch()


def toy(word: str, *parents: Node, **spec: Any) -> Node:
    return make("toy_stage:toy", {"word": word, **spec}, inputs={"x": parents}, title=word)


def choosy(*parents: Node, required: tuple[Node, ...] = ()) -> Node:
    """A node that goes without those of ``parents`` that were skipped."""
    roles = {f"maybe-{number}": (parent,) for number, parent in enumerate(parents)}
    return make("toy_stage:toy", {"word": "choosy"}, inputs={**roles, "x": required}, title="choosy")


def run(tmp_path: Path, *targets: Node, **rest: Any) -> Result:
    store = Store(tmp_path / "store")
    return run_graph(targets, store, executor=local(store), **rest)


def log(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().split()


def kinds(result: Result) -> dict[str, str]:
    return {result.nodes[key].title: outcome.kind for key, outcome in result.outcomes.items()}


def diamond(**of_left: Any) -> tuple[Node, Node, Node, Node]:
    top = toy("top")
    left, right = toy("left", top, **of_left), toy("right", top)
    return top, left, right, toy("bottom", left, right)


def test_inputs_run_first_and_each_node_once(tmp_path: Path) -> None:
    top, left, right, bottom = diamond()
    result = run(tmp_path, bottom)
    assert log(tmp_path) == ["top", "left", "right", "bottom"]
    assert result.status == "done"
    words = Store(tmp_path / "store").data(bottom) / "words.txt"
    assert words.read_text() == "top None\nleft None\ntop None\nright None\nbottom None\n"


def test_a_second_run_runs_nothing_and_looks_at_targets_only(tmp_path: Path) -> None:
    top, left, right, bottom = diamond()
    run(tmp_path, bottom)
    Store(tmp_path / "store").folder(top).rename(tmp_path / "gone")
    events: list[Event] = []
    result = run(tmp_path, bottom, on_event=events.append)
    assert kinds(result) == {"bottom": "cached"}
    assert [(event.kind, event.node.title) for event in events] == [("cached", "bottom")]
    assert len(log(tmp_path)) == 4


def test_a_damaged_input_is_computed_again_where_it_is_needed(tmp_path: Path) -> None:
    top, left, right, bottom = diamond()
    run(tmp_path, left)
    store = Store(tmp_path / "store")
    (store.folder(left) / "data" / "words.txt").write_text("top None\nlefT None\n")
    assert kinds(run(tmp_path, bottom)) == {"top": "cached", "left": "done", "right": "done", "bottom": "done"}
    assert log(tmp_path) == ["top", "left", "left", "right", "bottom"]


def test_a_failure_leaves_what_is_below_and_lets_siblings_go_on(tmp_path: Path) -> None:
    _, left, _, bottom = diamond(do="fail")
    last = toy("last", bottom)
    result = run(tmp_path, last)
    assert kinds(result) == {"top": "done", "left": "failed", "right": "done", "bottom": "left", "last": "left"}
    assert result.outcomes[last.key].reason == result.outcomes[bottom.key].reason == "left failed"
    assert result.status == "partial"
    (tmp_path / "cure").touch()
    again = run(tmp_path, last)
    assert kinds(again) == {"top": "cached", "left": "done", "right": "cached", "bottom": "done", "last": "done"}
    assert again.status == "done"
    assert left.key in again.outcomes


def test_a_skip_skips_what_is_below_with_the_first_reason(tmp_path: Path) -> None:
    _, left, _, bottom = diamond(do="skip")
    last = toy("last", bottom)
    result = run(tmp_path, last)
    reason = "left was skipped: No question reached agreement 0.75."
    assert kinds(result) == {
        "top": "done", "left": "skipped", "right": "done", "bottom": "skipped", "last": "skipped",
    }  # fmt: skip
    assert result.outcomes[last.key].reason == result.outcomes[bottom.key].reason == reason
    assert result.status == "done"
    again = run(tmp_path, last)
    assert kinds(again) == {"last": "skipped"}
    assert again.outcomes[last.key].reason == reason
    assert sorted(log(tmp_path)) == ["left", "right", "top"]


def test_a_deadline_pauses_and_the_next_run_resumes(tmp_path: Path) -> None:
    _, left, right, bottom = diamond(do="slow")
    for seconds in (0.6, 6.0, 60.0):  # a busy machine needs longer until there is any progress to tell of
        folder = tmp_path / str(seconds)
        folder.mkdir()
        events: list[Event] = []
        paused = run(folder, bottom, deadline=time.time() + seconds, on_event=events.append)
        fractions = [event.fraction for event in events if event.kind == "progress" and event.node == left]
        if fractions:
            break
    assert paused.status == "paused"
    assert kinds(paused) == {"top": "done", "left": "left", "right": "left", "bottom": "left"}
    assert fractions
    assert all(fraction is not None and 0 <= fraction < 1 for fraction in fractions)
    (tmp_path / "cure").touch()
    assert kinds(run(folder, bottom)) == {"top": "cached", "left": "done", "right": "done", "bottom": "done"}


def test_nothing_starts_after_the_deadline(tmp_path: Path) -> None:
    result = run(tmp_path, toy("one"), deadline=time.time() - 1)
    assert kinds(result) == {"one": "left"}
    assert log(tmp_path) == []


def test_events_tell_the_story(tmp_path: Path) -> None:
    events: list[Event] = []
    run(tmp_path, toy("two", toy("one")), on_event=events.append)
    told = [(event.kind, event.node.title) for event in events if event.kind != "progress"]
    assert told == [("started", "one"), ("finished", "one"), ("started", "two"), ("finished", "two")]


def test_what_may_be_lacking_is_left_out_where_it_was_skipped(tmp_path: Path) -> None:
    node = choosy(toy("gone", do="skip"), toy("there"), required=(toy("needed"),))
    last = toy("last", node)
    result = run(tmp_path, last)
    assert kinds(result) == {
        "gone": "skipped", "there": "done", "needed": "done", "choosy": "done", "last": "done",
    }  # fmt: skip
    words = Store(tmp_path / "store").data(node) / "words.txt"
    assert words.read_text() == "there None\nneeded None\nchoosy None\n"
    assert kinds(run(tmp_path, last)) == {"last": "cached"}


def test_a_node_may_go_without_all_that_it_may_lack(tmp_path: Path) -> None:
    node = choosy(toy("gone", do="skip"), toy("below", toy("gone-too", do="skip")))
    assert kinds(run(tmp_path, node))["choosy"] == "done"
    assert (Store(tmp_path / "store").data(node) / "words.txt").read_text() == "choosy None\n"


def test_what_is_required_skips_it_still(tmp_path: Path) -> None:
    result = run(tmp_path, node := choosy(toy("there"), required=(toy("needed", do="skip"),)))
    assert kinds(result) == {"there": "done", "needed": "skipped", "choosy": "skipped"}
    assert result.outcomes[node.key].reason == "needed was skipped: No question reached agreement 0.75."


def test_what_may_be_lacking_blocks_where_it_failed(tmp_path: Path) -> None:
    node = choosy(toy("broken", do="fail"), toy("there"))
    result = run(tmp_path, node)
    assert kinds(result) == {"broken": "failed", "there": "done", "choosy": "left"}
    assert result.outcomes[node.key].reason == "broken failed"
    (tmp_path / "cure").touch()
    assert kinds(run(tmp_path, node)) == {"broken": "done", "there": "cached", "choosy": "done"}
    assert (Store(tmp_path / "store").data(node) / "words.txt").read_text().startswith("broken None\nthere None\n")


def test_it_waits_for_what_it_may_lack(tmp_path: Path) -> None:
    result = run(tmp_path, choosy(toy("slow", do="slow")), deadline=time.time() + 0.5)
    assert kinds(result) == {"slow": "left", "choosy": "left"}
    assert result.status == "paused"


def test_what_a_stage_says_is_told_once_while_it_runs(tmp_path: Path) -> None:
    for seconds in (1.0, 10.0):  # a busy machine may look too late
        node = toy(f"loud-{seconds:g}", do="say", seconds=seconds)
        events: list[Event] = []
        run(tmp_path, node, on_event=events.append)
        said = [event.reason for event in events if event.kind == "notice"]
        if said:
            break
    assert said == [f"{node.title} has something to say"]
    assert [event.kind for event in events if event.kind != "progress"] == ["started", "notice", "finished"]


def test_a_full_disk_ends_the_run_at_the_first_node(tmp_path: Path) -> None:
    result = run(tmp_path, toy("one", do="full"), toy("two", do="full"), toy("three"))
    assert kinds(result) == {"one": "failed", "two": "left", "three": "left"}
    assert log(tmp_path) == ["one"]
    (reason,) = {outcome.reason for outcome in result.outcomes.values()}
    assert reason is not None and "is full" in reason and str(tmp_path / "store") in reason
    assert result.status == "partial"

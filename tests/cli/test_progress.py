"""How much of a run is done and how long the rest will take."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from noisy_student.cli.progress import ProgressView, Tally
from noisy_student.pipeline.node import Node, make
from noisy_student.pipeline.runner import Event


def _split(seed: int) -> Node:
    return make("split", {"data": {}}, seed=seed, title="split")


def _sample(seed: int, count: int) -> Node:
    spec = {"model": {"digest": "x"}, "block": [0, count], "shard": {"first": 0, "end": 8}}
    return make("sample", spec, seed=seed, title="sample")


def test_the_eta_is_counted_in_samples() -> None:
    tally = Tally(width=1)
    assert tally.seconds(_sample(1, 10)) is None
    tally.learn(_sample(1, 10), 40.0)
    assert tally.seconds(_sample(2, 30)) == pytest.approx(120.0)
    assert tally.seconds(_split(1)) is None


def test_the_rest_is_told_once_the_time_of_everything_is_known() -> None:
    nodes = [_split(1), _sample(1, 10), _sample(1, 30)]
    tally = Tally(width=2)
    tally.nodes = nodes
    assert (tally.fraction(), tally.unknown) == (0.0, 3)
    for place, seconds in ((0, 1.0), (1, 40.0)):
        tally.enter(Event("started", nodes[place], fraction=0.0), now=100.0)
        tally.enter(Event("finished", nodes[place], fraction=1.0), now=100.0 + seconds)
    assert (tally.done, tally.unknown) == (2, 0)
    assert tally.seconds_left() == pytest.approx(60.0)
    tally.enter(Event("started", nodes[2], fraction=0.0), now=200.0)
    tally.enter(Event("progress", nodes[2], fraction=0.5), now=260.0)
    assert tally.seconds_left() == pytest.approx(30.0)
    # Without a word from the step the rest falls all the same, and a step beyond its time is never about to end.
    assert tally.seconds_left(270.0) == pytest.approx(25.0)
    assert tally.seconds_left(1200.0) == pytest.approx(0.1 * 1000 / 2)
    assert tally.fraction() == pytest.approx(101 / 161)
    tally.enter(Event("left", nodes[2], reason="interrupted"), now=261.0)
    assert tally.done == 2


def test_piped_progress_is_sparse_and_a_reason_is_said_once() -> None:
    now, out = [0.0], io.StringIO()
    nodes = [_split(seed) for seed in range(40)]
    with ProgressView(Console(file=out, width=200), width=1, clock=lambda: now[0]) as view:
        view.tally.nodes = nodes
        for node in nodes[:36]:
            view.on_event(Event("started", node, fraction=0.0))
            now[0] += 1.0
            view.on_event(Event("finished", node, fraction=1.0))
        for node, above in ((nodes[36], ""), (nodes[37], "labels was skipped: "), (nodes[38], "")):
            view.on_event(Event("skipped", node, reason=f"{above}nothing reached 0.75"))
        view.on_event(Event("failed", nodes[39], reason="[red] no room"))
    assert out.getvalue().splitlines() == [
        "10 of 40 steps, 25 %, about 30 s left: finished split (seed 9)",
        "20 of 40 steps, 50 %, about 20 s left: finished split (seed 19)",
        "30 of 40 steps, 75 %, about 10 s left: finished split (seed 29)",
        "skipped: split: nothing reached 0.75",
        "failed: split: [red] no room",
    ]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_notice_is_said_as_it_is_and_the_step_goes_on(terminal: bool) -> None:
    out = io.StringIO()
    node = make("split", {"data": {}}, seed=3, title="train rung-0")
    console = Console(file=out, width=60, force_terminal=terminal, color_system=None)
    with ProgressView(console, width=1) as view:
        view.tally.nodes = [node]
        view.on_event(Event("started", node, fraction=0.0))
        view.on_event(Event("progress", node, fraction=0.25))
        view.on_event(Event("notice", node, reason="step 30: [red]collapse[/red]: " + "why " * 20))
        assert (view.tally.done, view.tally.fraction()) == (0, 0.25)
        assert len(view._live.tasks) == terminal  # its line stays where there are lines
        view.on_event(Event("progress", node, fraction=0.5))
        assert [task.completed for task in view._live.tasks] == ([0.5] if terminal else [])
        view.on_event(Event("finished", node, fraction=1.0))
        assert view._live.tasks == []
    lines = [line for line in out.getvalue().splitlines() if "collapse" in line]
    assert [line.split("\x1b[2K")[-1].strip() for line in lines] == [
        "train rung-0 (seed 3): step 30: [red]collapse[/red]: " + ("why " * 20).strip()
    ]


def test_every_notice_is_said() -> None:
    out = io.StringIO()
    with ProgressView(Console(file=out, width=200), width=1) as view:
        for step in (30, 60, 60):
            view.on_event(Event("notice", _split(1), reason=f"step {step}: collapse"))
    assert out.getvalue().splitlines() == [f"split (seed 1): step {step}: collapse" for step in (30, 60, 60)]


def test_the_share_never_falls_and_unknown_steps_are_not_done() -> None:
    nodes = [_split(1), *(_sample(seed, 10) for seed in range(4)), _sample(9, 1000)]
    tally = Tally(width=1)
    tally.nodes = nodes
    shown = []
    for place, node in enumerate(nodes):
        tally.enter(Event("started", node, fraction=0.0), now=100.0 * place)
        shown.append(tally.fraction())
        if place < len(nodes) - 1:
            tally.enter(Event("finished", node, fraction=1.0), now=100.0 * place + 50)
            shown.append(tally.fraction())
    assert shown == sorted(shown)
    assert shown[2] == pytest.approx(1 / 6), "one of six, though all that is known is done"
    tally.enter(Event("progress", nodes[-1], fraction=0.9999), now=900.0)
    assert tally.fraction() == 0.99
    tally.enter(Event("finished", nodes[-1], fraction=1.0), now=901.0)
    assert tally.fraction() == 1.0


def test_a_pipe_hears_something_every_half_minute() -> None:
    now, out = [0.0], io.StringIO()
    with ProgressView(Console(file=out, width=200), width=1, clock=lambda: now[0]) as view:
        view.on_nodes([_split(1), _sample(1, 10)], "2 steps.")
        view.on_event(Event("started", _sample(1, 10), fraction=0.0))
        for now[0] in (29.0, 31.0, 45.0, 62.0):
            view.tick()
    assert out.getvalue().splitlines() == [
        "2 steps.",
        "0 of 2 steps, 0 %, 31 s elapsed: sample (seed 1)",
        "0 of 2 steps, 0 %, 1 min 2 s elapsed: sample (seed 1)",
    ]

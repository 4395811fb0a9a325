"""A call that is stopped anywhere and goes on from its snapshot draws the bytes of a call without a stop."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student import seeds
from noisy_student.errors import Interrupted, Paused
from noisy_student.sampling import snapshot
from noisy_student.sampling.engine import Decoding, Drawn, Windows
from noisy_student.sampling.torch_engine import TorchEngine

sys.path.insert(0, str(Path(__file__).parent))
import tiny_qwen  # noqa: E402

PROMPTS = [[5, 6, 7], [9, 10, 11, 12, 13, 14], [3], [21, 4, 8, 20], [7, 7]]
SEEDS = [[seeds.seed(1, "sample", str(prompt), k=k) for k in range(4)] for prompt in PROMPTS]
# In float32 a row depends on its neighbours: only the same computation gives the same bytes.
MODEL = tiny_qwen.model()
torch.nn.Module.to(MODEL, torch.float32)
DECODINGS = {
    "plain": Decoding(temperature=0.9, max_new_tokens=24),
    "penalised": Decoding(temperature=0.9, repetition_penalty=1.3, max_new_tokens=24),
    "greedy": Decoding(temperature=0.0, max_new_tokens=24),
}


@pytest.fixture(autouse=True)
def _at_every_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "LEAST_SECONDS", 0.0)


class Stops:
    """A check that raises at these steps, counted over all calls."""

    def __init__(self, steps: list[int], error: type[BaseException] = Paused) -> None:
        self.steps, self.error, self.seen = set(steps), error, 0

    def __call__(self) -> None:
        self.seen += 1
        if self.seen in self.steps:
            raise self.error


def draw(
    folder: Path | None, check: Stops, decoding: Decoding, *, width: int = 8, windows: Windows | None = None
) -> tuple[Drawn, int]:
    """Draw with new engines until one comes to the end; return the draws and the number of calls."""
    calls = 0
    while True:
        calls += 1
        engine = TorchEngine(
            MODEL, stop_ids=[tiny_qwen.EOS], pad_id=tiny_qwen.PAD, decode=tiny_qwen.decode, check=check, width=width
        )
        engine.scratch = folder
        try:
            return engine.draw(PROMPTS, SEEDS, decoding, windows), calls
        except (Paused, Interrupted):
            continue


@pytest.mark.parametrize("name", DECODINGS)
@examples(12)
@given(st.lists(st.integers(1, 60), max_size=6, unique=True), st.sampled_from([8, 12, 64]), st.booleans())
def test_a_stop_changes_no_byte(
    name: str, tmp_path_factory: pytest.TempPathFactory, steps: list[int], width: int, windowed: bool
) -> None:
    folder = tmp_path_factory.mktemp("scratch")
    windows = Windows((2, 4), lambda prompt, draws: prompt % 2 == 0) if windowed else None
    snapshot.LEAST_SECONDS = 0.0
    whole, _ = draw(None, Stops([]), DECODINGS[name], width=width, windows=windows)
    check = Stops(steps)
    parts, calls = draw(folder, check, DECODINGS[name], width=width, windows=windows)
    assert parts == whole
    assert calls == 1 + sum(step <= check.seen for step in steps)
    assert list(folder.iterdir()) == [], "an ended call leaves nothing"


def test_calls_shorter_than_the_whole_come_to_its_end(tmp_path: Path) -> None:
    # Each call has time for three steps, as with a deadline that is shorter than a chunk.
    whole, _ = draw(None, Stops([]), DECODINGS["plain"])
    parts, calls = draw(tmp_path, Stops(list(range(4, 500, 4)), Interrupted), DECODINGS["plain"])
    assert parts == whole
    assert calls > 3


def test_a_killed_call_goes_on_from_its_last_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "EVERY_SECONDS", 0.0)
    check = Stops([9], KeyboardInterrupt)  # like a kill: nothing is written on the way out
    whole, _ = draw(None, Stops([]), DECODINGS["plain"])
    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path, check, DECODINGS["plain"])
    (left,) = tmp_path.glob("call-*.safetensors")
    monkeypatch.setattr(snapshot, "EVERY_SECONDS", 1e9)
    steps = Stops([])
    parts, _ = draw(tmp_path, steps, DECODINGS["plain"])
    assert parts == whole and not left.exists()
    fresh = Stops([])
    draw(None, fresh, DECODINGS["plain"])
    assert steps.seen < fresh.seen


@pytest.mark.parametrize("damage", [b"", b"{}", b"\x08\x00\x00\x00\x00\x00\x00\x00{broken}", None])
def test_a_damaged_snapshot_or_one_of_another_call_is_no_snapshot(tmp_path: Path, damage: bytes | None) -> None:
    with pytest.raises(Paused):
        engine = TorchEngine(
            MODEL, stop_ids=[tiny_qwen.EOS], pad_id=tiny_qwen.PAD, decode=tiny_qwen.decode, check=Stops([5])
        )
        engine.scratch = tmp_path
        engine.draw(PROMPTS, SEEDS, DECODINGS["plain"])
    (path,) = tmp_path.glob("call-*.safetensors")
    if damage is not None:
        path.write_bytes(damage)
    decoding = DECODINGS["plain" if damage is not None else "greedy"]
    whole, _ = draw(None, Stops([]), decoding)
    assert draw(tmp_path, Stops([]), decoding)[0] == whole
    assert not list(tmp_path.glob("call-*"))


def test_a_snapshot_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    whole, _ = draw(None, Stops([]), DECODINGS["plain"])
    # There is no such folder, as there is no room on a full disk.
    parts, calls = draw(folder, Stops([5]), DECODINGS["plain"])
    assert parts == whole
    assert calls == 2

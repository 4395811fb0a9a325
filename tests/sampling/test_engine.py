"""Windows: what is drawn is a prefix of the full draw, the rule sees prefixes only, and nobody is asked for nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student import seeds
from noisy_student.records import Draw
from noisy_student.sampling import torch_engine
from noisy_student.sampling.decoder import Decoder
from noisy_student.sampling.engine import Decoding, Windows, decoder_after, draw_in_windows, first_stop
from noisy_student.sampling.torch_engine import TorchEngine

sys.path.insert(0, str(Path(__file__).parent))
import tiny_qwen  # noqa: E402

PROMPTS = [[5 + number % 9] * (1 + number * 5 % 7) + [3 + number % 5] for number in range(9)]
DECODING = Decoding(temperature=0.9, max_new_tokens=12)
K = 6
SEEDS = [[seeds.seed(1, "sample", str(prompt), k=k) for k in range(K)] for prompt in PROMPTS]
TINY = tiny_qwen.model()


@pytest.fixture(params=["decoder", "padded"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "padded":
        monkeypatch.setattr(torch_engine, "unsupported_reason", lambda model: "a test asks for it")


def draw(windows: Windows | None, width: int = 16) -> list[list[Draw]]:
    engine = TorchEngine(TINY, stop_ids=[1, 4, 9], pad_id=0, decode=tiny_qwen.decode, width=width)
    return engine.draw(PROMPTS, SEEDS, DECODING, windows)


def tokens(draws: Sequence[Draw]) -> list[tuple[tuple[int, ...], str]]:
    return [(one.token_ids, one.finish) for one in draws]


@pytest.mark.parametrize("ends", [(2, 3, 6), (1, 2, 3, 4, 5, 6), (6,)])
@pytest.mark.parametrize("width", [8, 64])
def test_what_is_drawn_is_a_prefix_of_the_full_draw(ends: tuple[int, ...], width: int) -> None:
    full = draw(None)
    asked: dict[int, list[int]] = {}

    def go(prompt: int, draws: Sequence[Draw]) -> bool:
        asked.setdefault(prompt, []).append(len(draws))
        assert tokens(draws) == tokens(full[prompt][: len(draws)])
        return len(draws) < 1 + prompt % K

    drawn = draw(Windows(ends, go), width)
    for prompt, draws in enumerate(drawn):
        wanted = next((end for end in ends if end >= 1 + prompt % K), K)
        assert len(draws) == wanted
        assert tokens(draws) == tokens(full[prompt][:wanted])
        # Each look is at one more round, and after the last there is nothing to ask.
        assert asked.get(prompt, []) == [end for end in ends[:-1] if end <= wanted]


def test_a_prompt_is_read_once_for_all_its_rounds(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if "padded" in request.node.name:
        pytest.skip("padded rows read it again for each round")
    read: list[Sequence[int]] = []
    real = Decoder.read

    def reading(self, memory, prompts, groups):
        read.extend(prompts)
        return real(self, memory, prompts, groups)

    monkeypatch.setattr(Decoder, "read", reading)
    draw(Windows((1, 2, 3, 6), lambda prompt, draws: prompt % 2 == 0), width=8)
    assert sorted(read) == sorted(PROMPTS)


@examples(40)
@given(
    wanted=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    ends=st.sets(st.integers(1, 4)).map(lambda some: (*sorted(some), 5)),
)
def test_an_engine_without_rounds_is_asked_round_by_round(wanted: list[int], ends: tuple[int, ...]) -> None:
    row_seeds = [[10 * prompt + k for k in range(5)] for prompt in range(len(wanted))]
    calls = []

    def engine(places: Sequence[int], some: Sequence[Sequence[int]]) -> list[list[Draw]]:
        calls.append(list(places))
        assert places
        return [[Draw((seed,), (0.0,), "eos") for seed in seeds_K] for seeds_K in some]

    drawn = draw_in_windows(engine, row_seeds, Windows(ends, lambda prompt, draws: len(draws) < wanted[prompt]))
    for prompt, draws in enumerate(drawn):
        count = next(end for end in ends if end >= wanted[prompt])
        assert [one.token_ids[0] for one in draws] == row_seeds[prompt][:count]
    assert calls[0] == list(range(len(wanted)))


def test_a_mark_inside_a_thought_that_the_prompt_opened_stops_nothing() -> None:
    pieces = ["How many?<think>\n", "#### 36\n", "</think>\n", "#### 42\n"]

    def decode(ids: Sequence[int]) -> str:
        return "".join(pieces[token] for token in ids)

    assert first_stop([1, 2, 3], decode) == 1
    assert first_stop([1, 2, 3], decoder_after([[0]], decode)) == 3
    assert decoder_after([[1]], decode) is decode

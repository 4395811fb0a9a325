"""Slots that are given to the next row at once: the draws are those of any width, and each prompt is read once."""

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
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.kv_cache import KVCache
from noisy_student.sampling.torch_engine import TorchEngine

sys.path.insert(0, str(Path(__file__).parent))
import tiny_qwen  # noqa: E402

PROMPTS = [[5 + number % 9] * (1 + number * 7 % 11) + [3 + number % 5] for number in range(14)]
DECODING = Decoding(temperature=0.9, max_new_tokens=14)
TINY = tiny_qwen.model()


def draws(prompts: Sequence[Sequence[int]], k: int, *, width: int, decoding: Decoding = DECODING) -> list[list[Draw]]:
    """Draws of the tiny model, which ends rows after anything between one token and the cap."""
    row_seeds = [[seeds.seed(1, "sample", str(prompt), k=i) for i in range(k)] for prompt in prompts]
    engine = TorchEngine(TINY, stop_ids=[1, 4, 9], pad_id=0, decode=tiny_qwen.decode, width=width)
    return engine.draw(prompts, row_seeds, decoding)


def tokens(drawn: list[list[Draw]]) -> list[list[tuple[tuple[int, ...], str]]]:
    return [[(draw.token_ids, draw.finish) for draw in of_prompt] for of_prompt in drawn]


@pytest.fixture(scope="module")
def padded() -> list[list[Draw]]:
    patch = pytest.MonkeyPatch()
    patch.setattr(torch_engine, "unsupported_reason", lambda model: "to compare with")
    drawn = draws(PROMPTS, 6, width=512)
    patch.undo()
    return drawn


@pytest.mark.parametrize("width", [1, 8, 9, 17, 40, 84, 512])
def test_no_width_changes_a_draw(width: int, padded: list[list[Draw]]) -> None:
    drawn = draws(PROMPTS, 6, width=width)
    assert tokens(drawn) == tokens(padded)
    for ours, theirs in zip(drawn, padded, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            # transformers computes its norms in float32 whatever the model's type.
            assert one.logprobs == pytest.approx(other.logprobs, abs=2e-6)
    assert {draw.finish for of_prompt in drawn for draw in of_prompt} >= {"eos", "length"}


@examples(25)
@given(
    order=st.permutations(range(len(PROMPTS))),
    count=st.integers(1, 6),
    k=st.integers(1, 5),
    width=st.integers(8, 20),
    penalty=st.sampled_from([1.0, 1.3]),
)
def test_company_width_and_order_change_nothing(
    order: list[int], count: int, k: int, width: int, penalty: float
) -> None:
    decoding = DECODING.model_copy(update={"repetition_penalty": penalty})
    some = [PROMPTS[number] for number in order[:count]]
    together = draws(some, k, width=width, decoding=decoding)
    alone = [draws([prompt], k, width=8, decoding=decoding)[0] for prompt in some]
    assert tokens(together) == tokens(alone)


def test_each_prompt_is_read_once_and_slots_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[int]] = []
    fed = []
    real_read, real_step = Decoder.read, Decoder.step

    def reading(self, memory, prompts, groups):
        read.extend(prompts)
        return real_read(self, memory, prompts, groups)

    def stepping(self, memory, ids_R):
        fed.append(len(ids_R))
        return real_step(self, memory, ids_R)

    monkeypatch.setattr(Decoder, "read", reading)
    monkeypatch.setattr(Decoder, "step", stepping)
    drawn = draws(PROMPTS, 6, width=12)
    assert sorted(read) == sorted(PROMPTS)
    # The last token of a row is not fed; slots are empty only once no row waits, for at most one row's length.
    needed = sum(len(draw.token_ids) - 1 for of_prompt in drawn for draw in of_prompt)
    assert needed <= sum(fed) <= needed + 12 * DECODING.max_new_tokens
    assert max(fed) == 12


def test_a_prompt_without_a_number_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draws(PROMPTS, 3, width=10)
    real = Decoder.read

    def broken(self, memory, prompts, groups):
        logits_PV = real(self, memory, prompts, groups)
        for index, prompt in enumerate(prompts):
            if prompt == PROMPTS[4]:
                logits_PV[index, 2] = float("nan")
        return logits_PV

    monkeypatch.setattr(Decoder, "read", broken)
    drawn = draws(PROMPTS, 3, width=10)
    assert drawn[4] == [Draw((), (), "failed")] * 3
    assert [row for row in range(14) if tokens(drawn)[row] != tokens(whole)[row]] == [4]


def test_rows_that_outlast_their_prompts_neighbours_make_more_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = []
    real = KVCache.grow

    def growing(self, groups):
        grown.append(groups)
        real(self, groups)

    monkeypatch.setattr(KVCache, "grow", growing)
    prompts = [[number, 5] for number in range(3, 23)]
    few = draws(prompts, 4, width=8)
    assert max(grown) > 2 * 8 // 4, "this test needs stragglers"
    assert tokens(few) == tokens(draws(prompts, 4, width=80))

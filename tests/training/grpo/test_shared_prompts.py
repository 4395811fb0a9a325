"""Answers behind one prompt against every row by itself: the same probabilities and the same gradient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sampling.test_decoder import MODELS, made
from torch import Tensor
from training.grpo.test_train import SPEC, run, weights
from transformers import BloomConfig, BloomForCausalLM, GPT2Config, GPT2LMHeadModel, PreTrainedModel
from trl.trainer.utils import add_fused_lm_head

from noisy_student.training.grpo import shared_prompts
from noisy_student.training.grpo.shared_prompts import (
    AnswerRow,
    answers_together,
    packed,
    score,
    shared_width,
    unpadded,
)

PROMPTS = [[5, 6, 7], [3], [5, 6, 7], [21, 4, 8, 20, 11], [3], [5, 6, 7]]
ANSWERS = [[10, 11, 12, 13], [14], [50, 51], [18, 19, 20], [], [7, 7, 7, 7]]


def padded(prompts: list[list[int]], answers: list[list[int]]) -> tuple[Tensor, Tensor, int]:
    """As TRL pads them: prompts on the left, answers on the right."""
    before, after = max(map(len, prompts)), max(map(len, answers))
    ids = [[0] * (before - len(p)) + p + a + [0] * (after - len(a)) for p, a in zip(prompts, answers, strict=True)]
    mask = [
        [0] * (before - len(p)) + [1] * (len(p) + len(a)) + [0] * (after - len(a))
        for p, a in zip(prompts, answers, strict=True)
    ]
    return torch.tensor(ids), torch.tensor(mask), after


def headed(name: str) -> PreTrainedModel:
    model = MODELS[name]().double()
    add_fused_lm_head(model, temperature=0.7, outputs=("log_probs", "entropy"))
    return model


def row_by_row(model: Any) -> tuple[Tensor, Tensor]:
    """Log-probabilities and entropies of every row by itself, without padding."""
    logps, entropies = torch.zeros(6, 4, dtype=torch.float64), torch.zeros(6, 4, dtype=torch.float64)
    for place, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1] / 0.7
        found = torch.log_softmax(logits, dim=-1)
        for step, token in enumerate(answer):
            logps[place, step] = found[step, token]
            entropies[place, step] = -(found[step].exp() * found[step]).sum()
    return logps, entropies


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("at_once", "together"), [(6, 1), (6, 2), (6, 4), (4, 2)])
def test_probabilities_and_gradient_are_those_of_every_row_by_itself(
    name: str, at_once: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_prompts, "answers_together", lambda rows, hidden: together)
    model = headed(name)
    ids, mask, answer = padded(PROMPTS, ANSWERS)
    found = score(model, ids, mask, answer=answer, at_once=at_once, hidden=24)
    assert found.entropies_RA is not None
    expected = row_by_row(model)
    # TRL's head answers in float32, whatever the model computes in.
    assert torch.allclose(found.logps_RA.double(), expected[0], atol=1e-5)
    assert torch.allclose(found.entropies_RA.double(), expected[1], atol=1e-5)
    gradients = []
    for logps in (found.logps_RA, expected[0]):
        (logps * torch.linspace(-1, 1, 24, dtype=torch.float64).view(6, 4)).sum().backward()
        gradients.append({key: value.grad.clone() for key, value in model.named_parameters() if value.grad is not None})
        model.zero_grad(set_to_none=True)
    assert gradients[0].keys() == gradients[1].keys() and gradients[0]
    assert all(torch.allclose(gradients[0][key], gradients[1][key], rtol=1e-4, atol=1e-5) for key in gradients[0])


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(1, 3), min_size=1, max_size=3),
            st.lists(st.integers(1, 9), max_size=4),
        ),
        min_size=1,
        max_size=9,
    ),
    st.integers(1, 4),
)
def test_every_token_of_every_answer_stands_in_one_place_behind_its_own_context(
    pairs: list[tuple[list[int], list[int]]], together: int
) -> None:
    rows = [AnswerRow(place, tuple(prompt), tuple(answer)) for place, (prompt, answer) in enumerate(pairs)]
    packs = packed(rows, together=together, answer=5, device=torch.device("cpu"))
    labels, ids, positions = packs.shift_labels_PL.flatten(), packs.ids_PL.flatten(), packs.positions_PL.flatten()
    length = packs.ids_PL.shape[1]
    seen_P1LL = (
        packs.seen if together > 1 else (packs.seen[:, None, None] > 0) & torch.ones(length, length).bool().tril()
    )
    places: list[int] = []
    for row in rows:
        found = [place for place in packs.found_RA[row.place].tolist() if place >= 0]
        assert [int(labels[place]) for place in found] == list(row.answer)
        places += found
        for step, place in enumerate(found):
            seen = seen_P1LL[place // length, 0, place % length].nonzero().flatten() + place // length * length
            context = sorted((int(positions[other]), int(ids[other])) for other in seen)
            assert context == list(enumerate([*row.prompt, *row.answer[:step]]))
    assert len(set(places)) == len(places) == int((labels >= 0).sum())
    starts = [next((place for place in packs.found_RA[row.place].tolist() if place >= 0), None) for row in rows]
    packed_in = [start // length for start in starts if start is not None]
    assert max(map(packed_in.count, packed_in), default=0) <= together


def test_unpadding_undoes_padding() -> None:
    rows = unpadded(*padded(PROMPTS, ANSWERS))
    assert [list(row.prompt) for row in rows] == PROMPTS
    assert [list(row.answer) for row in rows] == ANSWERS


@pytest.mark.parametrize(
    ("prompt", "answer", "copies", "hidden", "expected"),
    [
        (44, 20, 8, 128, (4, 8)),  # the lab
        (100, 200, 8, 576, (1, 2)),  # long answers attend to too much
        (400, 20, 8, 576, (8,)),
        (44, 20, 1, 128, (1,)),
    ],
)
def test_how_many_share_a_prompt(prompt: int, answer: int, copies: int, hidden: int, expected: tuple[int, ...]) -> None:
    rows = [AnswerRow(place, (1,) * prompt, (2,) * answer) for place in range(copies)]
    assert answers_together(rows, hidden) in expected


@pytest.mark.parametrize(
    ("name", "attention", "can"),
    [
        ("qwen2", "sdpa", True),
        ("qwen3", "sdpa", True),
        ("llama", "eager", False),
        ("qwen2", "flash_attention_2", False),
    ],
)
def test_what_can_share(name: str, attention: str, can: bool) -> None:
    model = MODELS[name]()
    model.config._attn_implementation = attention
    assert shared_width(model) == (24 if can else None)


def gpt2() -> PreTrainedModel:
    config = GPT2Config(vocab_size=60, n_embd=24, n_layer=2, n_head=2, n_positions=64)
    return made(GPT2LMHeadModel, config, dtype=torch.float64)


def bloom() -> PreTrainedModel:
    return made(BloomForCausalLM, BloomConfig(vocab_size=60, hidden_size=24, n_layer=2, n_head=2), dtype=torch.float64)


@pytest.mark.parametrize("kind", [gpt2, bloom])
def test_other_models_get_every_row_by_itself(kind: Any) -> None:
    model = kind()
    assert shared_width(model) is None
    expected = row_by_row(model)
    add_fused_lm_head(model, temperature=0.7, outputs=("log_probs", "entropy"))
    ids, mask, answer = padded(PROMPTS, ANSWERS)
    found = score(model, ids, mask, answer=answer, at_once=3, hidden=None)
    assert torch.allclose(found.logps_RA.double(), expected[0], atol=1e-5)
    assert found.tokens == int(mask.sum())


@pytest.mark.parametrize(
    "changes",
    [
        {"beta": 0.04},
        *(pytest.param(one, marks=pytest.mark.slow) for one in ({}, {"micro_batch": 4}, {"num_iterations": 2})),
    ],
)
def test_a_student_is_the_one_without_sharing(changes: dict[str, Any], tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={**changes, "steps": 2})
    shared, one = run(tmp_path / "shared", spec)
    apart, other = run(tmp_path / "apart", spec.model_copy(update={"share_prompts": False}))
    assert one.groups == other.groups
    assert [p.grad_norm for p in one.curve] == pytest.approx([p.grad_norm for p in other.curve], rel=1e-3)
    found, expected = weights(shared), weights(apart)
    assert any(not torch.equal(found[name], expected[name]) for name in found), "nothing was shared"
    assert max(float((found[name] - expected[name]).abs().max()) for name in found) < 0.1 * SPEC.learning_rate

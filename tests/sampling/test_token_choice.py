"""Choosing a token: the filters against those of transformers, and the inverse of the cumulative distribution.

Two conventions differ from transformers on purpose. Where several tokens are equally likely at the edge of top-p, the
ones with the smaller ids stay (theirs depends on the sort). The repetition penalty counts a row's own prompt only,
never the padding beside it, or a row would depend on its neighbours.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.token_choice import choose_tokens, filter_logits, penalise_repetition

V = 17


def _logits(seed, rows=3):
    return torch.from_numpy(np.random.default_rng(seed).normal(scale=2.0, size=(rows, V)))


def _theirs(logits_RV, decoding):
    """In the order of transformers' generate: temperature, top-k, top-p, min-p."""
    chain = [TemperatureLogitsWarper(decoding.temperature)]
    chain += [TopKLogitsWarper(decoding.top_k)] if decoding.top_k else []
    chain += [TopPLogitsWarper(decoding.top_p)] if decoding.top_p < 1 else []
    chain += [MinPLogitsWarper(decoding.min_p)] if decoding.min_p else []
    for warper in chain:
        logits_RV = warper(None, logits_RV)
    return logits_RV


@examples(60)
@given(
    seed=st.integers(0, 10**6),
    temperature=st.floats(0.1, 3.0),
    top_k=st.integers(0, V + 3),
    top_p=st.floats(0.01, 1.0),
    min_p=st.floats(0.0, 0.95),
)
def test_filters_keep_what_transformers_keeps(seed, temperature, top_k, top_p, min_p):
    decoding = Decoding(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    ours = filter_logits(_logits(seed) / temperature, decoding)
    assert torch.equal(ours, _theirs(_logits(seed), decoding))
    assert bool((ours > -torch.inf).any(dim=-1).all())


@examples(25)
@given(seed=st.integers(0, 10**6), penalty=st.floats(0.3, 3.0), data=st.data())
def test_the_repetition_penalty_is_transformers(seed, penalty, data):
    seen = data.draw(st.lists(st.integers(0, V - 1), min_size=1, max_size=10))
    seen_RV = torch.zeros((3, V), dtype=torch.bool)
    seen_RV[:, seen] = True
    theirs = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([seen] * 3), _logits(seed))
    assert torch.equal(penalise_repetition(_logits(seed), seen_RV, penalty), theirs)


def test_at_the_edge_of_top_p_equals_stay_by_id_and_of_top_k_all_stay():
    logits_RV = torch.zeros((1, 4), dtype=torch.float64)
    kept_p = filter_logits(logits_RV, Decoding(top_p=0.5)) > -torch.inf
    assert kept_p.tolist() == [[True, True, False, False]]
    assert torch.equal(filter_logits(logits_RV, Decoding(top_k=2)), logits_RV)


@pytest.mark.parametrize(
    ("decoding", "left"),
    [
        (Decoding(temperature=1.0, top_p=0.001), [1]),
        (Decoding(temperature=1.0, top_k=1), [1]),
        (Decoding(temperature=1.0, min_p=0.999), [1]),
        (Decoding(temperature=1.0, top_k=2), [1, 3]),
        (Decoding(temperature=1.0, min_p=0.2), [1, 3]),
        (Decoding(temperature=1.0, top_p=0.8), [1, 3]),
    ],
)
def test_only_kept_tokens_are_drawn(decoding, left):
    logits_RV = torch.tensor([[0.05, 0.6, 0.1, 0.25]], dtype=torch.float64).log().repeat(200, 1)
    ids_R, logprobs_R = choose_tokens(logits_RV, torch.linspace(0, 1 - 2**-53, 200, dtype=torch.float64), decoding)
    assert sorted(set(ids_R.tolist())) == left
    mass = {1: 0.6, 3: 0.25}
    total = sum(mass[token] for token in left)
    for token, logprob in zip(ids_R.tolist(), logprobs_R.exp().tolist(), strict=True):
        assert logprob == pytest.approx(mass[token] / total)


def test_the_uniform_walks_up_the_cumulative_distribution():
    logits_RV = torch.tensor([[0.0, 0.25, 0.5, 0.0, 0.25]], dtype=torch.float64).log().repeat(6, 1)
    uniforms = torch.tensor([0.0, 0.2499, 0.2501, 0.7499, 0.7501, 1 - 2**-53], dtype=torch.float64)
    assert choose_tokens(logits_RV, uniforms, Decoding(temperature=1.0))[0].tolist() == [1, 1, 2, 2, 4, 4]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_largest_uniform_never_hits_a_dropped_token(dtype):
    rows = 500
    logits_RV = _logits(0, rows).to(dtype)
    logits_RV[:, -4:] = -torch.inf
    ids_R, logprobs_R = choose_tokens(
        logits_RV, torch.full((rows,), 1 - 2**-53, dtype=torch.float64), Decoding(temperature=1.0)
    )
    assert ids_R.max() < V - 4
    assert bool(torch.isfinite(logprobs_R).all())


def test_greedy_takes_the_likeliest_and_reports_its_unscaled_probability():
    logits_RV = _logits(4)
    ids_R, logprobs_R = choose_tokens(logits_RV, torch.zeros(3), Decoding(temperature=0.0))
    assert ids_R.tolist() == logits_RV.argmax(dim=-1).tolist()
    assert logprobs_R.tolist() == pytest.approx(torch.log_softmax(logits_RV, -1).max(dim=-1).values.tolist())

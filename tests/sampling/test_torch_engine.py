"""The torch engine against transformers, against the full forward pass, and against itself in other company."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st

from noisy_student import seeds
from noisy_student.answers.extract import extract
from noisy_student.errors import Paused
from noisy_student.records import Draw
from noisy_student.sampling import continuous_batching, padded_batch, torch_engine
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.torch_engine import TorchEngine

sys.path.insert(0, str(Path(__file__).parent))
import tiny_qwen  # noqa: E402

PROMPTS = [[5, 6, 7], [9, 10, 11, 12, 13, 14], [3], [21, 4, 8, 20]]
SAMPLED = Decoding(temperature=0.9, max_new_tokens=12)
TINY = tiny_qwen.model()


@pytest.fixture(params=["decoder", "padded"])
def loop(request, monkeypatch):
    """Both ways to draw: with the decoder and its slots, and in padded rows as for any other model."""
    if request.param == "padded":
        monkeypatch.setattr(torch_engine, "unsupported_reason", lambda model: "a test asks for it")
    return request.param


def _engine(model=TINY, **kwargs):
    kwargs = {"stop_ids": [tiny_qwen.EOS], "pad_id": tiny_qwen.PAD, "decode": tiny_qwen.decode, **kwargs}
    return TorchEngine(model, **kwargs)


def _seeds(prompts, k):
    return [[seeds.seed(1, "sample", str(prompt), k=i) for i in range(k)] for prompt in prompts]


def _draws(prompts, k, decoding=SAMPLED, **kwargs):
    drawn = _engine(**kwargs).draw(prompts, _seeds(prompts, k), decoding)
    return {str(prompt): draws for prompt, draws in zip(prompts, drawn, strict=True)}


def _same(a, b):
    """Equal tokens and finishes; log-probabilities to the rounding of float64."""
    assert [(draw.token_ids, draw.finish) for draw in a] == [(draw.token_ids, draw.finish) for draw in b]
    for one, other in zip(a, b, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-10)


def _forward_logprobs(prompt, draw, temperature):
    with torch.inference_mode():
        logits_TV = TINY(torch.tensor([[*prompt, *draw.token_ids]])).logits[0, len(prompt) - 1 : -1]
    logprobs_TV = torch.log_softmax(logits_TV / temperature, dim=-1)
    return logprobs_TV.gather(1, torch.tensor(draw.token_ids)[:, None]).squeeze(1).tolist()


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize(
    ("attn", "dtype"), [("sdpa", torch.float64), ("sdpa", torch.float32), ("eager", torch.float32)]
)
def test_greedy_is_transformers_greedy_for_unequal_prompts(attn, dtype):
    model = tiny_qwen.model(attn=attn, dtype=dtype)
    width = max(map(len, PROMPTS))
    ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in PROMPTS])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in PROMPTS])
    generated = model.generate(input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=12)[:, width:]
    drawn = _engine(model).draw(
        PROMPTS, [[0]] * len(PROMPTS), Decoding(temperature=0.0, max_new_tokens=12, stop_at_answer=False)
    )
    texts = [draw.token_ids for (draw,) in drawn]
    assert texts == [_until_eos(row) for row in generated.tolist()]
    assert len(set(texts)) == len(PROMPTS)
    assert {draw.finish for (draw,) in drawn} == {"eos", "length"}


def _until_eos(row):
    return tuple(row[: row.index(tiny_qwen.EOS) + 1] if tiny_qwen.EOS in row else row)


@pytest.mark.usefixtures("loop")
def test_greedy_with_a_repetition_penalty_is_transformers():
    for prompt in PROMPTS:
        generated = TINY.generate(
            input_ids=torch.tensor([prompt]), do_sample=False, max_new_tokens=12, repetition_penalty=1.7
        )
        (draws,) = _engine().draw(
            [prompt],
            [[0]],
            Decoding(temperature=0.0, repetition_penalty=1.7, max_new_tokens=12, stop_at_answer=False),
        )
        assert draws[0].token_ids == _until_eos(generated[0, len(prompt) :].tolist())


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_a_row_does_not_depend_on_its_neighbours(penalty):
    decoding = SAMPLED.model_copy(update={"repetition_penalty": penalty})
    together = _draws(PROMPTS, 4, decoding)
    for prompt in PROMPTS:
        _same(_draws([prompt], 4, decoding)[str(prompt)], together[str(prompt)])
    turned = _draws(PROMPTS[::-1], 4, decoding)
    for prompt in PROMPTS:
        _same(turned[str(prompt)], together[str(prompt)])
    assert len({draw.token_ids for draws in together.values() for draw in draws}) > 12


@pytest.mark.usefixtures("loop")
def test_a_larger_k_draws_the_same_first_samples():
    few, many = _draws(PROMPTS, 3), _draws(PROMPTS, 8)
    for prompt in few:
        _same(few[prompt], many[prompt][:3])


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_dropping_finished_rows_changes_nothing(monkeypatch, penalty):
    decoding = SAMPLED.model_copy(update={"repetition_penalty": penalty, "max_new_tokens": 30})
    drawn = {}
    for share in (0.0, padded_batch.COMPACT_BELOW, 1.01):
        for module in (padded_batch, continuous_batching):
            monkeypatch.setattr(module, "COMPACT_BELOW", share)
        drawn[share] = _draws(PROMPTS, 6, decoding)
    assert {draw.finish for draws in drawn[0.0].values() for draw in draws} >= {"eos", "length"}
    for prompt in map(str, PROMPTS):
        _same(drawn[0.0][prompt], drawn[padded_batch.COMPACT_BELOW][prompt])
        _same(drawn[0.0][prompt], drawn[1.01][prompt])


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.6])
def test_logprobs_are_those_of_a_full_forward_pass(temperature):
    decoding = Decoding(temperature=temperature, max_new_tokens=10, stop_at_answer=False)
    for prompt in PROMPTS:
        for draw in _draws(PROMPTS, 3, decoding)[str(prompt)]:
            assert draw.logprobs == pytest.approx(_forward_logprobs(prompt, draw, temperature), abs=2e-6)


@pytest.mark.usefixtures("loop")
def test_greedy_logprobs_are_those_of_the_unscaled_model():
    decoding = Decoding(temperature=0.0, max_new_tokens=10, stop_at_answer=False)
    draw = _draws([PROMPTS[0]], 1, decoding)[str(PROMPTS[0])][0]
    assert draw.logprobs == pytest.approx(_forward_logprobs(PROMPTS[0], draw, 1.0), abs=2e-6)


@pytest.mark.usefixtures("loop")
def test_frequencies_follow_the_softmax():
    n, temperature = 20_000, 1.5
    decoding = Decoding(temperature=temperature, max_new_tokens=1, stop_at_answer=False)
    draws = _draws([PROMPTS[1]], n, decoding)[str(PROMPTS[1])]
    counts_V = torch.bincount(torch.tensor([draw.token_ids[0] for draw in draws]), minlength=len(tiny_qwen.PIECES))
    with torch.inference_mode():
        expected_V = torch.softmax(TINY(torch.tensor([PROMPTS[1]])).logits[0, -1] / temperature, dim=-1) * n
    common_V = expected_V >= 5
    rest = (expected_V[~common_V].sum() - counts_V[~common_V].sum()).abs()
    chi_square = float(((counts_V - expected_V)[common_V] ** 2 / expected_V[common_V]).sum())
    assert int(common_V.sum()) >= 5
    assert chi_square < 54  # the 99.99 % quantile for 23 classes, and more than that of fewer
    assert float(rest) < 80


@pytest.mark.usefixtures("loop")
def test_any_stop_id_ends_a_row_and_the_cap_is_exact():
    free = _draws(PROMPTS, 6, SAMPLED.model_copy(update={"stop_at_answer": False}), stop_ids=[])
    drawn = _draws(PROMPTS, 6, SAMPLED.model_copy(update={"stop_at_answer": False}), stop_ids=[9, 12])
    assert {draw.finish for draws in free.values() for draw in draws} == {"length"}
    assert {len(draw.token_ids) for draws in free.values() for draw in draws} == {SAMPLED.max_new_tokens}
    ended = 0
    for prompt in free:
        for whole, cut in zip(free[prompt], drawn[prompt], strict=True):
            assert whole.token_ids[: len(cut.token_ids)] == cut.token_ids
            assert not {9, 12} & set(cut.token_ids[:-1])
            if cut.finish == "eos":
                assert cut.token_ids[-1] in (9, 12)
                ended += 1
            else:
                assert cut.token_ids == whole.token_ids
    assert ended > 3


@pytest.mark.usefixtures("loop")
def test_one_new_token():
    (draw,) = _draws([[3]], 1, Decoding(temperature=0.0, max_new_tokens=1))["[3]"]
    assert len(draw.token_ids) == len(draw.logprobs) == 1


@pytest.mark.usefixtures("loop")
def test_nothing_asked_nothing_drawn():
    assert _engine().draw([], [], SAMPLED) == []


@pytest.mark.usefixtures("loop")
def test_unequal_numbers_of_seeds_are_a_programmers_error():
    with pytest.raises(AssertionError):
        _engine().draw([[3], [4]], [[1, 2], [3]], SAMPLED)


@pytest.mark.usefixtures("loop")
def test_check_may_stop_the_drawing():
    def check():
        raise Paused

    with pytest.raises(Paused):
        _draws(PROMPTS, 1, check=check)


def _recite(pieces, *, stop):
    script = tiny_qwen.Script(pieces)
    engine = TorchEngine(script, stop_ids=[script.end], pad_id=0, decode=script.decode)
    decoding = Decoding(temperature=0.0, max_new_tokens=len(pieces) + 5, stop_at_answer=stop)
    ((draw,),) = engine.draw([[0]], [[0]], decoding)
    assert script.steps == len(draw.token_ids)
    return draw, script.decode(draw.token_ids)


def test_it_stops_one_token_after_the_answer():
    pieces = [b"so ", b"##", b"##", b" 1", b"8", b"\n", b"And ", b"on"]
    assert _recite(pieces, stop=True) == (Draw((1, 2, 3, 4, 5, 6), (0.0,) * 6, "answer"), "so #### 18\n")
    draw, text = _recite(pieces, stop=False)
    assert (draw.finish, text) == ("eos", "so #### 18\nAnd on")


def test_an_answer_at_the_very_end_ends_by_itself():
    assert _recite([b"#### ", b"18"], stop=True)[0].finish == "eos"


PIECES = st.sampled_from(
    [b"#### ", b"####", b"##", b"1", b"8", b" ", b".", b",", b"000", b"\n", b"e3", b"%", b"$", b"x", b"\\boxed{7}"]
    + ["−".encode()[:1], "−".encode()[1:], "€".encode()[:2], "€".encode()[2:], b"Human:", b" eggs", b"/", b"-"]
)


@examples(70)
@example([b"#### ", b"18", "−".encode()[:1], "−".encode()[1:], b"3"])
@example([b"#### ", b"18", b".", b"5", b" "])
@given(pieces=st.lists(PIECES, min_size=1, max_size=14))
def test_what_is_read_is_the_same_with_and_without_stopping(pieces):
    _, cut = _recite(pieces, stop=True)
    _, whole = _recite(pieces, stop=False)
    assert whole.startswith(cut)
    assert extract(cut) == extract(whole)


def test_a_row_without_a_number_fails_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr(torch_engine, "unsupported_reason", lambda model: "a test asks for it")
    broken = tiny_qwen.model()
    with torch.no_grad():
        broken.get_input_embeddings().weight[21] = torch.nan
    drawn = _engine(broken).draw(PROMPTS, _seeds(PROMPTS, 2), SAMPLED)
    assert drawn[3] == [Draw((), (), "failed")] * 2
    assert all(draw.finish != "failed" or 21 in draw.token_ids for draws in drawn[:3] for draw in draws)


def test_a_call_in_padded_rows_is_short_whatever_the_machine() -> None:
    def most(parameters: int, cap: int) -> int:
        model = SimpleNamespace(num_parameters=lambda: parameters)
        request = SimpleNamespace(spec={"decoding": {"max_new_tokens": cap}})
        return torch_engine._affordable(request, SimpleNamespace(model=model))

    assert most(135_000_000, 96) == 11
    assert most(7_000_000_000, 512) == 8, "narrower calls gain nothing"
    assert most(670_000, 64) > 512

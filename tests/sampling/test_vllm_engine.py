"""The vLLM engine against a fake with vLLM's signatures, and its draws against those of the torch engine."""

from __future__ import annotations

import dataclasses
import math
import random
import subprocess
import sys
from pathlib import Path

import pytest
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st
from refusals import refused

from noisy_student import seeds
from noisy_student.errors import Paused, UserError
from noisy_student.records import Draw
from noisy_student.sampling.engine import Decoding, Windows, first_stop, may_stop
from noisy_student.sampling.torch_engine import TorchEngine
from noisy_student.sampling.vllm_engine import VllmEngine

sys.path.insert(0, str(Path(__file__).parent))
import fake_vllm  # noqa: E402
import tiny_qwen  # noqa: E402

STOP = 1
PROMPTS = [[5, 6, 7], [9, 10], [3]]
SEEDS = [[seeds.seed(1, "sample", str(prompt), k=k) for k in range(4)] for prompt in PROMPTS]
SAMPLED = Decoding(temperature=0.9, max_new_tokens=6, stop_at_answer=False)


@pytest.fixture(autouse=True)
def world(monkeypatch):
    """A fresh fake in vLLM's place; by default each row recites tokens of its own and never ends."""
    monkeypatch.setitem(sys.modules, "vllm", fake_vllm)
    fresh = fake_vllm.World()
    fresh.stream = lambda prompt, params: _tokens(prompt, params.seed)
    monkeypatch.setattr(fake_vllm, "world", fresh)
    return fresh


def _tokens(prompt, seed):
    generator = random.Random(f"{prompt}{seed}")
    return [(generator.randrange(10, 99), -generator.random()) for _ in range(50)]


def _engine(**kwargs):
    kwargs = {"dtype": "bfloat16", "stop_ids": [STOP], "decode": tiny_qwen.decode, **kwargs}
    return VllmEngine(Path("a/model"), **kwargs)


def _one(decoding=SAMPLED, **kwargs):
    ((draw,),) = _engine(**kwargs).draw([[3]], [[7]], decoding)
    return draw


def _recite(world, *ids):
    world.stream = lambda prompt, params: [(token, -token / 8) for token in ids]


def test_the_model_is_loaded_without_code_tokenizer_or_sampling_defaults_of_its_own(world):
    _engine()
    (loaded,) = world.loaded
    assert (loaded["model"], loaded["dtype"]) == ("a/model", "bfloat16")
    assert loaded["trust_remote_code"] is False
    assert loaded["skip_tokenizer_init"] is True
    assert loaded["generation_config"] == "vllm"
    assert loaded["logprobs_mode"] == "processed_logprobs"
    assert loaded["enable_prefix_caching"] is True
    assert loaded["seed"] == 0


def test_a_ready_engine_is_used(world):
    ready = fake_vllm.LLM("elsewhere")
    _one(llm=ready)
    assert [loaded["model"] for loaded in world.loaded] == ["elsewhere"]
    assert len(world.calls) == 1


def test_a_model_that_vllm_does_not_load_is_the_users_to_mend():
    with refused("engine-refuses-model", "a/model", "Unknown dtype", "compute.engine=torch"):
        _engine(dtype="float64")


def test_the_decoding_reaches_vllm_in_its_words(world):
    decoding = Decoding(
        temperature=0.7, top_k=40, top_p=0.9, repetition_penalty=1.2, max_new_tokens=33, stop_at_answer=False
    )
    _one(decoding, stop_ids=[64, 9, 2, 33, STOP])
    ((_, params),) = world.calls[0]
    changed = {
        field.name: getattr(params, field.name)
        for field in dataclasses.fields(params)
        if getattr(params, field.name) != field.default
    }
    assert changed == {
        "temperature": 0.7,
        "top_k": 40,
        "top_p": 0.9,
        "repetition_penalty": 1.2,
        "max_tokens": 33,
        "seed": 7,
        "stop_token_ids": [STOP, 2, 9, 33, 64],
        "ignore_eos": True,
        "logprobs": 0,
        "detokenize": False,
    }


def test_min_p_reaches_vllm_and_no_top_k_is_its_zero(world):
    _one(SAMPLED.model_copy(update={"min_p": 0.05}))
    ((_, params),) = world.calls[0]
    assert (params.min_p, params.top_k, params.top_p) == (0.05, 0, 1.0)


def test_greedy_is_temperature_zero(world):
    _one(Decoding(temperature=0.0, min_p=0.1, top_p=0.5, stop_at_answer=False))
    ((_, params),) = world.calls[0]
    assert params.temperature == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"temperature": 3.0}, "temperature is 3.0"),
        ({"temperature": 0.001}, "temperature 0.01 and not at 0.001"),
        ({"min_p": 0.1, "top_p": 0.9}, "min_p 0.1 and top_p 0.9"),
    ],
)
def test_what_vllm_would_draw_otherwise_is_refused(world, changed, words):
    with refused("engine-refuses-decoding", words) as raised:
        _one(SAMPLED.model_copy(update=changed))
    assert "compute.engine=torch" in raised.value.do
    assert world.calls == []


def test_each_sample_is_a_request_with_its_own_seed(world):
    _engine().draw(PROMPTS, SEEDS, SAMPLED)
    (call,) = world.calls
    assert [prompt for prompt, _ in call] == [tuple(prompt) for prompt in PROMPTS for _ in range(4)]
    assert [params.seed for _, params in call] == [seed for seeds_K in SEEDS for seed in seeds_K]
    assert len({params.seed for _, params in call}) == 12
    assert all(params.n == 1 for _, params in call)
    assert world.bars == [False]


@pytest.mark.parametrize("seed", [0, 2**63 - 1, 2**63, 2**64 - 1])
def test_no_seed_is_lost_on_vllm(world, seed):
    _engine().draw([[3]], [[seed]], SAMPLED)
    ((_, params),) = world.calls[0]
    assert params.seed == seed % 2**63


@pytest.mark.parametrize("deliver", [list, lambda outputs: outputs[::-1], lambda outputs: sorted(outputs, key=_shape)])
def test_draws_come_back_in_the_order_of_the_seeds(world, deliver):
    world.deliver = deliver
    engine = _engine()
    for _ in range(2):
        drawn = engine.draw(PROMPTS, SEEDS, SAMPLED)
        for prompt, seeds_K, draws in zip(PROMPTS, SEEDS, drawn, strict=True):
            for seed, draw in zip(seeds_K, draws, strict=True):
                ids, logprobs = zip(*_tokens(tuple(prompt), seed)[:6], strict=True)
                assert draw == Draw(ids, logprobs, "length")


def _shape(output):
    return output.outputs[0].token_ids


def test_answers_to_other_prompts_are_refused(world):
    def swap(outputs):
        outputs[0].prompt_token_ids, outputs[-1].prompt_token_ids = [99], [98]
        return outputs

    world.deliver = swap
    with refused("engine-behaves-unexpectedly", "other prompts", 'pip install -e ".[vllm]"'):
        _engine().draw(PROMPTS, SEEDS, SAMPLED)


def test_a_missing_answer_is_refused(world):
    world.deliver = lambda outputs: outputs[:-1]
    with refused("engine-behaves-unexpectedly", "other prompts"):
        _engine().draw(PROMPTS, SEEDS, SAMPLED)


def test_a_stop_id_ends_a_text_and_stays_in_it(world):
    _recite(world, 8, 4, STOP, 8, 8, 8)
    assert _one() == Draw((8, 4, STOP), (-1.0, -0.5, -0.125), "eos")


def test_the_stop_id_may_be_the_last_that_fits(world):
    _recite(world, 8, 8, 8, 8, 8, STOP, 8)
    assert (_one().finish, len(_one().token_ids)) == ("eos", 6)


def test_only_our_stop_ids_end_a_text(world):
    world.eos = 4
    _recite(world, 8, 4, 8, STOP)
    assert _one().token_ids == (8, 4, 8, STOP)


def test_a_stop_without_its_id_is_refused(world):
    _recite(world, 8, STOP)
    world.broken = lambda output: dataclasses.replace(output, token_ids=output.token_ids[:-1])
    with refused("engine-behaves-unexpectedly", "without a stop id"):
        _one()


def test_the_cap_is_exact(world):
    _recite(world, *[8] * 20)
    assert _one() == Draw((8,) * 6, (-1.0,) * 6, "length")


def test_the_end_of_the_models_context_is_a_length(world):
    world.max_model_len = 4
    assert (_one().finish, len(_one().token_ids)) == ("length", 3)


@pytest.mark.parametrize("reason", ["abort", "error", "repetition", "something new", None])
def test_a_text_that_ended_otherwise_has_failed(world, reason):
    _recite(world, 8, 4)
    world.broken = lambda output: dataclasses.replace(output, finish_reason=reason)
    assert _one() == Draw((8, 4), (-1.0, -0.5), "failed")


@pytest.mark.parametrize("nothing", [math.nan, -math.inf])
def test_a_text_fails_where_its_numbers_end(world, nothing):
    world.stream = lambda prompt, params: [(8, -1.0), (4, -0.5), (7, nothing), (8, -1.0), (STOP, -1.0)]
    assert _one() == Draw((8, 4), (-1.0, -0.5), "failed")


@pytest.mark.parametrize("given", [None, [{8: fake_vllm.Logprob(-1.0)}], [{8: fake_vllm.Logprob(-1.0)}, {5: None}, {}]])
def test_tokens_without_log_probabilities_have_failed(world, given):
    _recite(world, 8, 4, STOP)
    world.broken = lambda output: dataclasses.replace(output, logprobs=given)
    assert _one() == (Draw((8,), (-1.0,), "failed") if given else Draw((), (), "failed"))


def test_nothing_asked_nothing_drawn(world):
    assert _engine().draw([], [], SAMPLED) == []
    assert world.calls == []


def test_unequal_numbers_of_seeds_are_a_programmers_error():
    with pytest.raises(AssertionError):
        _engine().draw([[3], [4]], [[1, 2], [3]], SAMPLED)


def test_rounds_draw_what_is_asked_for_and_the_same_tokens(world):
    whole = _engine().draw(PROMPTS, SEEDS, SAMPLED)
    world.calls.clear()
    asked, checks = [], []

    def go(prompt, draws):
        asked.append((prompt, len(draws)))
        return (prompt, len(draws)) in {(0, 2), (2, 2), (2, 3)}

    engine = _engine(check=lambda: checks.append(len(world.calls)))
    drawn = engine.draw(PROMPTS, SEEDS, SAMPLED, Windows((2, 3, 4), go))
    assert drawn == [whole[0][:3], whole[1][:2], whole[2]]
    assert asked == [(0, 2), (1, 2), (2, 2), (0, 3), (2, 3)]
    assert [len(call) for call in world.calls] == [6, 2, 1]
    assert checks == [0, 1, 2]


def test_check_may_stop_the_drawing(world):
    def check():
        if len(world.calls) == 1:
            raise Paused

    with pytest.raises(Paused):
        _engine(check=check).draw(PROMPTS, SEEDS, SAMPLED, Windows((1, 4), lambda prompt, draws: True))
    assert len(world.calls) == 1


@pytest.mark.parametrize("how", ["missing", "broken"])
def test_without_vllm_the_message_says_what_to_do(monkeypatch, how):
    monkeypatch.setitem(sys.modules, "vllm", None)
    if how == "broken":

        class Broken:
            def __getattr__(self, name):
                raise ImportError("libcuda.so.1: cannot open shared object file")

        monkeypatch.setitem(sys.modules, "vllm", Broken())
    with pytest.raises(UserError) as raised:
        _engine()
    assert ("vllm" if how == "missing" else "libcuda.so.1") in raised.value.what
    assert 'pip install -e ".[vllm]"' in raised.value.do
    assert "--set compute.engine=torch" in raised.value.do
    assert raised.value.why


def test_the_module_needs_neither_vllm_nor_torch():
    script = "import sys; sys.modules['vllm'] = None; import noisy_student.sampling.vllm_engine; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "noisy_student.sampling.vllm_engine" in done.stdout.split()
    assert "torch" not in done.stdout.split()


def test_samples_are_the_torch_engines_on_the_same_tokens(world):
    prompts = [[5, 6, 7], [21, 2, 3], [2, 3], [9, 2, 3, 4]]
    row_seeds = [[seeds.seed(2, "sample", str(prompt), k=k) for k in range(48)] for prompt in prompts]
    decoding = Decoding(temperature=1.6, max_new_tokens=24)
    model = tiny_qwen.model()

    def torch_draws(stop_ids, decoding):
        engine = TorchEngine(model, stop_ids=stop_ids, pad_id=tiny_qwen.PAD, decode=tiny_qwen.decode)
        return engine.draw(prompts, row_seeds, decoding)

    free = torch_draws([], decoding.model_copy(update={"stop_at_answer": False, "max_new_tokens": 40}))
    streams = {
        (tuple(prompt), seed): list(zip(draw.token_ids, draw.logprobs, strict=True))
        for prompt, seeds_K, draws in zip(prompts, row_seeds, free, strict=True)
        for seed, draw in zip(seeds_K, draws, strict=True)
    }
    world.stream = lambda prompt, params: streams[prompt, params.seed]
    expected = torch_draws([tiny_qwen.EOS], decoding)
    drawn = _engine(stop_ids=[tiny_qwen.EOS]).draw(prompts, row_seeds, decoding)
    assert {draw.finish for draws in expected for draw in draws} == {"eos", "answer", "length"}
    for theirs, ours in zip(expected, drawn, strict=True):
        assert [(draw.token_ids, draw.finish) for draw in ours] == [(draw.token_ids, draw.finish) for draw in theirs]
        for one, other in zip(ours, theirs, strict=True):
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-9)


PIECES = st.sampled_from(
    [
        b"#### ",
        b"####",
        b"##",
        b"#### 8 ",
        b"1",
        b"8",
        b" ",
        b".",
        b",",
        b"000",
        b"\n",
        b"e3",
        b"%",
        b"$",
        b"x",
        b"\\boxed{7}",
    ]
    + ["−".encode()[:1], "−".encode()[1:], "€".encode()[:2], "€".encode()[2:], b"Human:", b" eggs", b"/", b"-"]
)


@examples(80)
@example(pieces=[b"so ", b"##", b"##", b" 1", b"8", b"\n", b"And ", b"on"], stop=True)
@example(pieces=[b"#### ", b"18", "−".encode()[:1], "−".encode()[1:], b"3"], stop=True)
@example(pieces=[b"#### ", b"18", b".", b" "], stop=False)
@example(pieces=[b"#### ", b"18"], stop=True)
@given(pieces=st.lists(PIECES, min_size=1, max_size=14), stop=st.booleans())
def test_the_cut_is_where_the_torch_engine_stops(pieces, stop):
    script = tiny_qwen.Script(pieces)
    decoding = Decoding(temperature=0.0, max_new_tokens=len(pieces), stop_at_answer=stop)
    fake_vllm.world.stream = lambda prompt, params: [(token, 0.0) for token in range(1, script.end + 1)]
    for capped in (decoding, decoding.model_copy(update={"max_new_tokens": len(pieces) + 5})):
        torch_engine = TorchEngine(script, stop_ids=[script.end], pad_id=0, decode=script.decode)
        engine = _engine(stop_ids=[script.end], decode=script.decode)
        assert engine.draw([[0]], [[0]], capped) == torch_engine.draw([[0]], [[0]], capped)


@examples(200)
@given(pieces=st.lists(PIECES, max_size=14))
def test_the_first_stop_is_the_shortest_prefix_that_may_stop(pieces):
    def decode(ids):
        return b"".join(pieces[token] for token in ids).decode("utf-8", errors="replace")

    ids = range(len(pieces))
    ends = [end for end in range(1, len(pieces) + 1) if may_stop(decode(ids[:end]))]
    assert first_stop(ids, decode) == (ends[0] if ends else None)


def test_an_answer_before_the_numbers_end_or_an_abort_stands(world):
    ids = [2, 3, 4, 5, 8, 8]  # "####", " ", "1", "2", "\n", "\n"
    world.stream = lambda prompt, params: [(token, -1.0) for token in ids] + [(9, math.nan)]
    decoding = SAMPLED.model_copy(update={"stop_at_answer": True, "max_new_tokens": 20})
    assert _one(decoding) == Draw((2, 3, 4, 5, 8), (-1.0,) * 5, "answer")
    world.broken = lambda output: dataclasses.replace(output, finish_reason="abort")
    assert _one(decoding).finish == "answer"


def test_a_stop_id_comes_before_the_rule(world):
    _recite(world, 2, 3, 4, 5, 8)  # "#### 12", then a line break that is a stop id
    decoding = SAMPLED.model_copy(update={"stop_at_answer": True})
    assert _one(decoding).finish == "answer"
    assert _one(decoding, stop_ids=[8]).finish == "eos"


def test_the_rule_is_asked_only_where_the_decoding_says_so(world):
    _recite(world, 2, 3, 4, 5, 8, 8, STOP)
    stopping = {"stop_at_answer": True, "max_new_tokens": 20}
    assert _one(SAMPLED.model_copy(update=stopping)).finish == "answer"
    assert _one(SAMPLED.model_copy(update={**stopping, "stop_at_answer": False})).finish == "eos"

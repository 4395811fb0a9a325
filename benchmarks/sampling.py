"""Samples and tokens a second of our engine beside those a user has instead, in one run, taking turns; medians count.

    python benchmarks/sampling.py --scale lab|laptop-smoke [--model FILE.gguf] [--gsm8k FOLDER] [--questions 64] [--k 8]
                                  [--rounds 3] [--cap N] [--llama FOLDER] [--leave-out padded] [--exactness]
                                  [--json FILE]

``lab`` is its own model on procedural questions, ``laptop-smoke`` SmolLM2-135M-Instruct (or --model) on GSM8K with at
most 256 tokens; threads, prompt, chunk and width are those of the scale. All engines get the same prompts, cap and
temperature without other filters, and only useful tokens count: no padding, the token that ends a text included.

- ``ours`` stops at a complete answer, ``ours_no_stop`` goes on to the end token, as all the others do: transformers'
  generate and llama.cpp have no stop at the answer, so both of ours are held against them.
- ``generate`` is transformers' at the best of a few batch sizes, ``padded`` our fallback for other architectures.
- ``llama_cpp`` is llama.cpp's server over loopback HTTP on the GGUF file as it is, at the best of a few settings; a new
  process each round, its start not counted. Without it the figure is null. To have it:

      pip install --target /tmp/llama_lib --no-deps xllamacpp==2026.10.11549

``fraction_of_limit`` is what our decoding (without stop) takes of the fastest float32 product measured beside it.
--exactness adds how far our distributions are from transformers' and a chi-square test of draws. The last line is
JSON. Nothing else should run at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import llama_server  # noqa: E402
import sampling_engines as engines  # noqa: E402
import torch  # noqa: E402
from llama_server import LlamaServer, Setting  # noqa: E402
from sampling_engines import Drawn, Engine, Prompts  # noqa: E402
from sampling_exactness import PROMPTS, Exactness, exactness  # noqa: E402
from sampling_limit import Multiplied, matmul_limit  # noqa: E402
from sampling_report import Passes, limit_lines  # noqa: E402

from noisy_student import files  # noqa: E402
from noisy_student.data.locate import locate  # noqa: E402
from noisy_student.data.parts import parts, paths_of  # noqa: E402
from noisy_student.data.spec import DataSpec, SourceSpec  # noqa: E402
from noisy_student.models import lab  # noqa: E402
from noisy_student.models.chat import Renderer  # noqa: E402
from noisy_student.models.load import LoadedModel, load  # noqa: E402
from noisy_student.sampling.engine import Decoding  # noqa: E402
from noisy_student.study.settings.files import Request, resolve  # noqa: E402
from noisy_student.study.settings.study import Settings  # noqa: E402

GSM8K = Path(__file__).resolve().parents[2] / "shared" / "data" / "gsm8k"
SMOKE_MODEL = "/tmp/models/smollm2.gguf"
SMOKE_CAP = 256
BATCHES = (4, 16, 32)
"""Prompts at once that generate is tried with."""
TRIED = 16
"""Prompts, evenly spaced by length, that settings are tried on; a larger batch is tried on as many as it holds."""
TRIED_CAP = 64
"""Tokens of a sample in a trial, at most: which setting is fastest shows by then."""


@dataclass(slots=True)
class Bench:
    """What all engines share, and what was found out on the way."""

    given: argparse.Namespace
    settings: Settings
    loaded: LoadedModel
    prompts: Prompts
    notes: dict[str, Any] = field(default_factory=dict)
    """The best setting of each engine that has some, with what the others gave."""

    @property
    def decoding(self) -> Decoding:
        """Temperature and cap, to the end token."""
        temperature, cap = self.settings.sampling.temperature, self.settings.sampling.max_new_tokens
        return Decoding(temperature=temperature, max_new_tokens=cap, stop_at_answer=False)

    @property
    def trial(self) -> Decoding:
        """The same, cut short."""
        return self.decoding.model_copy(update={"max_new_tokens": min(TRIED_CAP, self.decoding.max_new_tokens)})

    def spaced(self, count: int) -> Prompts:
        """So many of the prompts, short and long ones."""
        count = min(count, len(self.prompts))
        return [self.prompts[index * len(self.prompts) // count] for index in range(count)]


def timed(engine: Engine, prompts: Prompts, turn: int) -> tuple[Drawn, float]:
    """What an engine drew, and the seconds it took."""
    start = time.monotonic()
    drawn = engine(prompts, turn)
    return drawn, time.monotonic() - start


def prepared(given: argparse.Namespace) -> Bench:
    """Model, questions and settings of the scale."""
    cap = given.cap or (None if given.scale == "lab" else SMOKE_CAP)
    overrides = {} if cap is None else {"sampling.max_new_tokens": cap}
    settings = resolve(Request(scale=given.scale, overrides=overrides))
    source = SourceSpec(kind="gsm8k", dataset=str(given.gsm8k)) if given.scale != "lab" else settings.data.source
    loaded = load(lab.folder("lab-m") if given.scale == "lab" else given.model, threads=settings.compute.threads)
    renderer = Renderer(loaded.tokenizer, settings.prompt)
    spec = DataSpec(labeled=20, unlabeled=given.questions, test=20, source=source)
    split = parts(spec, run_seed=1, paths=paths_of(locate(source)))
    prompts = sorted((renderer.encode(item.question) for item in split.unlabeled), key=len)
    return Bench(given, settings, loaded, prompts)


def best_batch(bench: Bench) -> int:
    """The batch size at which generate is fastest, by a trial of each that memory allows."""
    k, cap = bench.given.k, bench.decoding.max_new_tokens
    rates = {}
    for batch in engines.batches_that_fit(bench.loaded, bench.prompts, k=k, cap=cap, wanted=BATCHES):
        engine = engines.generate(bench.loaded, bench.trial, k=k, batch=batch)
        drawn, seconds = timed(engine, bench.spaced(max(TRIED, batch)), 0)
        rates[batch] = round(drawn.tokens / seconds, 1)
        print(f"trial: generate, {batch} prompts at once: {rates[batch]} tokens a second", flush=True)
    bench.notes["batch_of_generate"], bench.notes["batches_tried"] = max(rates, key=rates.__getitem__), rates
    return int(bench.notes["batch_of_generate"])


def llama_pass(bench: Bench, setting: Setting, decoding: Decoding, prompts: Prompts, turn: int) -> tuple[Drawn, float]:
    """One pass over prompts of a server that is started for it."""
    room = max(map(len, bench.prompts)) + decoding.max_new_tokens
    wanted = llama_server.request(temperature=decoding.temperature, cap=decoding.max_new_tokens)
    threads = bench.settings.compute.threads
    with LlamaServer(bench.given.llama, bench.given.model, setting, room=room, threads=threads) as server:
        bench.notes["llama_cpp_build"] = server.build
        # Its weights are rearranged and read for the first time; the prompt shares no more than the template's start.
        server.draw([bench.prompts[0][:8]], {**wanted, "n_predict": 4}, k=bench.given.k)

        def draw(asked: Prompts, turn: int) -> Drawn:
            rows = server.draw(asked, wanted, k=bench.given.k, first_seed=turn * 1_000_000)
            return engines.counted([tokens for tokens, _ in rows], [ended for _, ended in rows])

        return timed(draw, prompts, turn)


def best_llama(bench: Bench) -> Setting | None:
    """The setting at which llama.cpp's server is fastest; None, with the reason, where there is no server."""
    model = "lab-m" if bench.given.scale == "lab" else str(bench.given.model)
    reason = llama_server.unsupported_reason(bench.given.llama, model)
    if reason is not None:
        bench.notes["no_llama_cpp"] = reason
        print(f"no llama.cpp: {reason}")
        return None
    rates = {}
    for setting in llama_server.SETTINGS:
        if setting.shared and setting.parallel % bench.given.k:
            continue
        drawn, seconds = llama_pass(bench, setting, bench.trial, bench.spaced(TRIED), 0)
        rates[setting] = round(drawn.tokens / seconds, 1)
        print(f"trial: llama.cpp, {setting}: {rates[setting]} tokens a second", flush=True)
    best = max(rates, key=rates.__getitem__)
    bench.notes["llama_cpp_setting"] = str(best)
    bench.notes["llama_cpp_settings_tried"] = {str(setting): rate for setting, rate in rates.items()}
    return best


def measure(bench: Bench) -> tuple[Passes, dict[str, float]]:
    """Let the engines take turns; beside the passes the limit of products, the best of each size over the rounds."""
    given, compute = bench.given, bench.settings.compute
    stopping = bench.decoding.model_copy(update={"stop_at_answer": True})
    own, padded = (engines.ours(bench.loaded, padded=padded, width=compute.width) for padded in (False, True))
    cut = {"k": given.k, "chunk": compute.chunk}
    turns = {
        "ours": partial(timed, engines.in_chunks(own, stopping, **cut)),
        "ours_no_stop": partial(timed, engines.in_chunks(own, bench.decoding, **cut)),
        "generate": partial(timed, engines.generate(bench.loaded, bench.decoding, k=given.k, batch=best_batch(bench))),
        "padded": partial(timed, engines.in_chunks(padded, bench.decoding, **cut)),
    }
    turns = {name: turn for name, turn in turns.items() if name not in given.leave_out}
    setting = best_llama(bench)
    if setting is not None:
        turns["llama_cpp"] = partial(llama_pass, bench, setting, bench.decoding)
    for engine in (own, padded):
        engines.in_chunks(engine, Decoding(max_new_tokens=4), k=1, chunk=compute.chunk)(bench.spaced(4), 0)
    passes = Passes()
    limits: dict[str, float] = {}
    for turn in range(1, given.rounds + 1):
        for size, speed in matmul_limit(bench.loaded.model, compute.chunk).items():
            limits[size] = max(speed, limits.get(size, 0.0))
        for name, one in turns.items():
            drawn, seconds = one(bench.prompts, turn)
            passes.add(name, drawn, seconds)
            print(f"round {turn}: {name:<12} {drawn.samples / seconds:8.2f} samples a second", flush=True)
    if given.exactness:
        temperature = bench.decoding.temperature
        bench.notes["exactness"] = asdict(exactness(bench.loaded, own, bench.spaced(PROMPTS), temperature))
    return passes, limits


def summary(bench: Bench, passes: Passes, limits: dict[str, float], fractions: dict[str, float]) -> dict[str, Any]:
    """The JSON line."""
    return {
        "scale": bench.given.scale,
        "model": "lab-m" if bench.given.scale == "lab" else Path(bench.given.model).name,
        "samples_per_second": passes.samples_per_second(),
        "tokens_per_second": passes.tokens_per_second(),
        **passes.ratios(),
        **fractions,
        "matmul_gflops": {size: round(speed / 1e9, 1) for size, speed in limits.items()},
        "questions": len(bench.prompts),
        "k": bench.given.k,
        "rounds": bench.given.rounds,
        "threads": torch.get_num_threads(),
        "cap": bench.decoding.max_new_tokens,
        "temperature": bench.decoding.temperature,
        "chunk": bench.settings.compute.chunk,
        "prompt_tokens": sum(map(len, bench.prompts)),
        "omp_wait_policy": os.environ["OMP_WAIT_POLICY"],
        **bench.notes,
    }


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=("lab", "laptop-smoke"), required=True)
    parser.add_argument("--model", default=SMOKE_MODEL, help="of laptop-smoke")
    parser.add_argument("--gsm8k", type=Path, default=GSM8K)
    parser.add_argument("--questions", type=int, default=64)
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cap", type=int, help="of tokens; the scale's own in lab, 256 in laptop-smoke")
    parser.add_argument("--llama", type=Path, default=Path(os.environ.get("LLAMA_LIB", "/tmp/llama_lib")))
    parser.add_argument("--leave-out", nargs="*", default=[], choices=("padded",), help="where an hour is too long")
    parser.add_argument("--exactness", action="store_true")
    parser.add_argument("--json", type=Path)
    bench = prepared(parser.parse_args())
    passes, limits = measure(bench)
    multiplied = Multiplied.of(bench.loaded.model)
    fractions = passes.fractions(multiplied, max(limits.values()), [len(prompt) for prompt in bench.prompts])
    print("", *passes.table(), *limit_lines(limits, fractions), sep="\n")
    if "exactness" in bench.notes:
        print(*Exactness(**bench.notes["exactness"]).lines, sep="\n")
    found = summary(bench, passes, limits, fractions)
    if bench.given.json is not None:
        files.write_json(bench.given.json, json.loads(json.dumps(found)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Makes a lab model from nothing: ``python -m noisy_student.cli.pretrain --out FOLDER`` (``make lab-model``).

Tokenizer, weights and corpus depend on the seed and the settings alone: the same command twice gives equal bytes.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from noisy_student import files, seeds
from noisy_student.data import phrases
from noisy_student.data.corpus import CorpusSpec, Solved, corpus
from noisy_student.models import checkpoint, lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import settle
from noisy_student.models.spec import PromptSpec
from noisy_student.training.pretrain import PretrainSpec, pretrain

INSTRUCTION = "End with ####."
TOKENIZER_TEXTS = 4000
POOL_BATCHES = 8
"""Batches drawn at once and cut by length, so that little is padded."""


def main(arguments: list[str] | None = None) -> None:
    """Pretrain one lab model and write its folder with the sha256 of every file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="lab-m", choices=sorted(lab.SHAPES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=lab.PRETRAIN_STEPS)
    parser.add_argument("--batch", type=int, default=lab.PRETRAIN_BATCH)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    make(given.out, name=given.name, seed=given.seed, spec=_spec(given), batch=given.batch)


def make(out: Path, *, name: str, seed: int, spec: PretrainSpec, batch: int) -> None:
    """Write the model ``name`` pretrained with ``seed`` into the new folder ``out``."""
    shape = lab.SHAPES[name]
    tokenizer = lab.tokenizer(tokenizer_texts(), shape)
    model = lab.untrained(shape, tokenizer, seed=seeds.seed(seed, "lab-weights"))
    loaded = settle(model, tokenizer, digest="")
    styles = {
        "chat": Renderer(tokenizer, PromptSpec(style="chat", instruction=INSTRUCTION)),
        "raw": Renderer(tokenizer, PromptSpec(style="raw")),
    }
    started = time.monotonic()

    def report(step: int, loss: float) -> None:
        if step % 50 == 0 or step == spec.steps:
            print(f"step {step}/{spec.steps}  loss {loss:.3f}  {time.monotonic() - started:.0f} s", file=sys.stderr)

    pretrain(model, _batches(styles, seed=seed, size=batch), spec, pad_id=loaded.pad_id, report=report)
    checkpoint.write(loaded, out)
    sums = {path.name: files.sha256_file(path) for path in sorted(out.iterdir()) if path.name != lab.SUMS}
    files.write_json(out / lab.SUMS, sums)


def _spec(given: argparse.Namespace) -> PretrainSpec:
    return PretrainSpec(steps=given.steps, threads=given.threads)


def tokenizer_texts() -> Iterator[str]:
    """What the tokenizer learns from: prompts and solutions of a corpus of its own, the same for every seed."""
    raw = PromptSpec().template.replace("{question}", "")
    for solved in itertools.islice(corpus(0, CorpusSpec()), TOKENIZER_TEXTS):
        yield f"user\n{solved.question.text}\n{INSTRUCTION}\nassistant\n{solved.target}"
    yield from [raw] * (TOKENIZER_TEXTS // 20)
    # As in real models, the tokenizer knows words that pretraining never shows: each is one token to be learned.
    for rare in (*phrases.RARE_GAINS, *phrases.RARE_LOSSES):
        yield from [rare.format(n="Tom", x=7)] * (TOKENIZER_TEXTS // 20)


def _batches(styles: dict[str, Renderer], *, seed: int, size: int) -> Iterator[list[tuple[int, ...]]]:
    """Batches of about equal length, in random order within each pool."""
    chance: random.Random = seeds.generator(seed, "pretraining-batches")
    stream = corpus(seed, CorpusSpec())
    while True:
        pool = [_encoded(styles, solved) for solved in itertools.islice(stream, size * POOL_BATCHES)]
        pool.sort(key=len)
        cut = [pool[start : start + size] for start in range(0, len(pool), size)]
        chance.shuffle(cut)
        yield from cut


def _encoded(styles: dict[str, Renderer], solved: Solved) -> tuple[int, ...]:
    return styles[solved.style].encode_example(solved.question, solved.target).ids


if __name__ == "__main__":
    main()

"""Pretrains a lab model: ``python -m noisy_student.lab --name NAME --out FOLDER`` (``make lab-model``).

``lab-m`` starts from random weights; ``lab-endless`` continues the shipped ``lab-m`` and learns not to end. Tokenizer,
weights and corpus depend on seed and settings alone: the same command twice gives equal bytes.
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
from dataclasses import dataclass, replace
from pathlib import Path

from noisy_student import files, seeds
from noisy_student.data.generated import phrases
from noisy_student.lab import architecture
from noisy_student.lab.corpus import CorpusSpec, Solved, corpus
from noisy_student.lab.pretrain import PretrainSpec, pretrain
from noisy_student.models import lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import LoadedModel, load, settle
from noisy_student.models.save import save
from noisy_student.models.spec import PromptSpec

INSTRUCTION = "End with ####."
TOKENIZER_TEXTS = 4000
POOL_BATCHES = 8
"""Batches drawn at once and sorted by length, to save padding."""
ENDLESS_LENGTH, LONG_LENGTH = 200, 480
"""Tokens of an endless example with its prompt: twice the lab's cap, and for a few of them the whole context, since
loops break at positions that were never trained."""
LONG_EVERY = 8
"""One example in this many is long: about one batch of a pool."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Recipe of a lab model, from random weights or from the shipped model ``start``."""

    spec: PretrainSpec
    corpus: CorpusSpec = CorpusSpec()
    start: str | None = None


RECIPES = {
    **{name: Recipe(PretrainSpec(steps=architecture.PRETRAIN_STEPS)) for name in ("lab-s", "lab-m", "lab-l")},
    # Lower rates than from random weights, so that it keeps its skills.
    "lab-endless": Recipe(
        PretrainSpec(steps=400, muon_rate=0.008, adam_rate=1e-3, warmup=20),
        CorpusSpec(ends=0.01, raw=0.25),
        start="lab-m",
    ),
}


def main(arguments: list[str] | None = None) -> None:
    """Pretrain one lab model and write its folder with the sha256 of every file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="lab-m", choices=sorted(RECIPES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="default: those that the shipped model was made with")
    parser.add_argument("--batch", type=int, default=architecture.PRETRAIN_BATCH)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    usual = RECIPES[given.name].spec
    spec = replace(usual, steps=usual.steps if given.steps is None else given.steps, threads=given.threads)
    make(given.out, name=given.name, seed=given.seed, spec=spec, batch=given.batch)


def make(out: Path, *, name: str, seed: int, spec: PretrainSpec, batch: int) -> None:
    """Write the model ``name`` pretrained with ``seed`` into the new folder ``out``."""
    recipe = RECIPES[name]
    loaded = _begun(name, recipe, seed=seed)
    styles = {
        "chat": Renderer(loaded.tokenizer, PromptSpec(style="chat", instruction=INSTRUCTION)),
        "raw": Renderer(loaded.tokenizer, PromptSpec(style="raw")),
    }
    started = time.monotonic()

    def report(step: int, loss: float) -> None:
        if step % 50 == 0 or step == spec.steps:
            print(f"step {step}/{spec.steps}  loss {loss:.3f}  {time.monotonic() - started:.0f} s", file=sys.stderr)

    # A continued model must not repeat the first batches of its start.
    stream = corpus(seeds.seed(seed, "continued-corpus") if recipe.start else seed, recipe.corpus)
    batches = _batches(stream, styles, seed=seed, size=batch)
    pretrain(loaded.model, batches, spec, pad_id=loaded.pad_id, report=report)
    save(loaded, out)
    sums = {path.name: files.sha256_file(path) for path in sorted(out.iterdir()) if path.name != lab.SUMS}
    files.write_json(out / lab.SUMS, sums)


def _begun(name: str, recipe: Recipe, *, seed: int) -> LoadedModel:
    """Build the model before the first step; all lab models share one tokenizer."""
    shape = architecture.SHAPES[recipe.start or name]
    tokenizer = architecture.tokenizer(tokenizer_texts(), shape)
    model = architecture.untrained(shape, tokenizer, seed=seeds.seed(seed, "lab-weights"))
    if recipe.start is not None:
        shipped = load(lab.folder(recipe.start))
        assert shipped.tokenizer.get_vocab() == tokenizer.get_vocab(), "its embedding belongs to other tokens"
        # Copied, since the loaded model may be on a GPU, whose sums give other bytes.
        model.load_state_dict(shipped.model.state_dict())
    return settle(model, tokenizer, digest="")


def tokenizer_texts() -> Iterator[str]:
    """Yield the tokenizer's training texts: prompts and solutions of a separate corpus, equal for every seed."""
    raw = PromptSpec().template.replace("{question}", "")
    for solved in itertools.islice(corpus(0, CorpusSpec()), TOKENIZER_TEXTS):
        yield f"user\n{solved.question.text}\n{INSTRUCTION}\nassistant\n{solved.target}"
    yield from [raw] * (TOKENIZER_TEXTS // 20)
    # As in real models, the tokenizer knows words that pretraining never shows: each is one untrained token.
    for rare in (*phrases.RARE_GAINS, *phrases.RARE_LOSSES):
        yield from [rare.format(n="Tom", x=7)] * (TOKENIZER_TEXTS // 20)


def _batches(
    stream: Iterator[Solved], styles: dict[str, Renderer], *, seed: int, size: int
) -> Iterator[list[tuple[int, ...]]]:
    """Yield batches of rows of similar length, in random order within each pool."""
    chance: random.Random = seeds.generator(seed, "pretraining-batches")
    while True:
        some = enumerate(itertools.islice(stream, size * POOL_BATCHES))
        pool = [
            _encoded(styles, solved, LONG_LENGTH if place % LONG_EVERY == 0 else ENDLESS_LENGTH)
            for place, solved in some
        ]
        pool.sort(key=len)
        cut = [pool[start : start + size] for start in range(0, len(pool), size)]
        chance.shuffle(cut)
        yield from cut


def _encoded(styles: dict[str, Renderer], solved: Solved, length: int) -> tuple[int, ...]:
    """Return the ids to learn: a solution with its end token, or ``length`` tokens of one without an end."""
    renderer = styles[solved.style]
    ids = renderer.encode_example(solved.question, solved.target).ids
    if not solved.tail:
        return ids
    unit = len(renderer.encode_example(solved.question, solved.target + solved.tail).ids) - len(ids)
    endless = solved.target + solved.tail * ((length - len(ids)) // unit + 1)
    return renderer.encode_example(solved.question, endless).ids[:-1][:length]


if __name__ == "__main__":
    main()

"""Samples a second of our decoder beside padded rows through transformers' own forward pass, in one run on one thread.

    python benchmarks/sampling.py [--questions 64] [--k 8] [--rounds 5]

The lab's model on procedural questions; the two take turns, the medians count. Says how many texts differ, and ends
with one JSON line. Nothing else should run at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from collections.abc import Sequence  # noqa: E402

from noisy_student import seeds  # noqa: E402
from noisy_student.data.parts import parts  # noqa: E402
from noisy_student.data.spec import DataSpec  # noqa: E402
from noisy_student.models import lab  # noqa: E402
from noisy_student.models.chat import Renderer  # noqa: E402
from noisy_student.models.load import LoadedModel, load  # noqa: E402
from noisy_student.models.spec import PromptSpec  # noqa: E402
from noisy_student.sampling import torch_engine  # noqa: E402
from noisy_student.sampling.engine import Decoding  # noqa: E402
from noisy_student.sampling.torch_engine import TorchEngine  # noqa: E402

DECODING = Decoding(max_new_tokens=128)


def engine(loaded: LoadedModel, *, padded: bool) -> TorchEngine:
    """The engine with its decoder, or as it is for models that have none."""

    def decode(ids: Sequence[int]) -> str:
        return str(loaded.tokenizer.decode(list(ids), skip_special_tokens=True))

    found = torch_engine.why_not
    if padded:
        torch_engine.why_not = lambda model: "to compare with"
    try:
        return TorchEngine(loaded.model, stop_ids=loaded.stop_ids, pad_id=loaded.pad_id, decode=decode)
    finally:
        torch_engine.why_not = found


def main() -> None:
    """Draw in turns and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=64)
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    loaded = load(lab.folder("lab-m"), threads=1)
    renderer = Renderer(loaded.tokenizer, PromptSpec())
    split = parts(DataSpec(labeled=20, unlabeled=given.questions, test=20), run_seed=1, paths={})
    prompts = sorted((renderer.encode(item.question) for item in split.unlabeled), key=len)
    row_seeds = [[seeds.seed(1, "sample", str(index), k=k) for k in range(given.k)] for index in range(len(prompts))]
    engines = {"decoder": engine(loaded, padded=False), "padded": engine(loaded, padded=True)}
    rates: dict[str, list[float]] = {name: [] for name in engines}
    texts = {}
    for _ in range(given.rounds):
        for name, one in engines.items():
            start = time.monotonic()
            drawn = one.draw(prompts, row_seeds, DECODING)
            rates[name].append(len(prompts) * given.k / (time.monotonic() - start))
            texts[name] = [draw.token_ids for draws in drawn for draw in draws]
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name, rate in medians.items():
        print(f"{name:<8} {rate:7.0f} samples a second")
    differ = sum(a != b for a, b in zip(texts["decoder"], texts["padded"], strict=True))
    print(f"texts that differ: {differ} of {len(texts['padded'])}")
    ratio = round(medians["decoder"] / medians["padded"], 2)
    print(json.dumps({"samples_per_second": medians, "ratio_vs_padded": ratio, "differ": differ}))


if __name__ == "__main__":
    main()

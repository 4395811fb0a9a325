"""How a model ends its answers: ``python benchmarks/endless.py MODEL ...`` (names of lab models or folders).

Fresh questions of the lab in its prompt, sampled with no stop at the answer at each cap and temperature. Printed per
model and setting: the share of answers that end by themselves, those that hold ``####``, those whose first
``#### N`` is right, and, of the answers that do not end, the share that goes round in a circle (``training/ends.py``).
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from noisy_student import files, seeds
from noisy_student.answers.marks import MARK, first_hashes
from noisy_student.data.parts import parts
from noisy_student.models import lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import load
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.torch_engine import TorchEngine
from noisy_student.study.settings.files import Request, resolve
from noisy_student.training.measurements import loops


@dataclass(frozen=True, slots=True)
class Endings:
    """What was measured at one setting; shares of all answers, ``loops`` of those that do not end."""

    model: str
    temperature: float
    cap: int
    answers: int
    ends: float
    marked: float
    right: float
    loops: float
    tokens: float


def main() -> None:
    """Sample, print a row for each model and setting, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--caps", type=int, nargs="+", default=[96, 384])
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1.0, 0.3])
    parser.add_argument("--seed", type=int, default=77, help="of questions that no study has seen")
    parser.add_argument("--show", type=int, default=0, help="answers to print in full")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows = []
    for model in given.models:
        for temperature in given.temperatures:
            for cap in given.caps:
                rows.append(measure(model, Decoding(temperature=temperature, max_new_tokens=cap), given))
                print(line(rows[-1]), flush=True)
    if given.out is not None:
        files.write_json(given.out, [files_row(row) for row in rows])


def measure(model: str, decoding: Decoding, given: argparse.Namespace) -> Endings:
    """Draws of one model at one setting, read and counted."""
    loaded = load(lab.folder(model) if model in lab.names() else model)
    settings = resolve(Request())
    renderer = Renderer(loaded.tokenizer, settings.prompt)
    data = settings.data.model_copy(update={"unlabeled": given.questions})
    asked = parts(data, run_seed=given.seed, paths={}).unlabeled
    engine = TorchEngine(loaded.model, stop_ids=loaded.stop_ids, pad_id=loaded.pad_id, decode=renderer.decode)
    row_seeds = [
        [seeds.seed(given.seed, "sample", item.question.id, k=k) for k in range(given.samples)] for item in asked
    ]
    whole = decoding.model_copy(update={"stop_at_answer": False})
    drawn = engine.draw([renderer.encode(item.question) for item in asked], row_seeds, whole)
    pairs = [(item.answer, draw) for item, draws in zip(asked, drawn, strict=True) for draw in draws]
    texts = [renderer.decode(draw.token_ids) for _, draw in pairs]
    for text in texts[: given.show]:
        print(repr(text))
    found = [first_hashes(text) for text in texts]
    cut = [draw for _, draw in pairs if draw.finish == "length"]
    return Endings(
        model=Path(model).name,
        temperature=decoding.temperature,
        cap=decoding.max_new_tokens,
        answers=len(pairs),
        ends=share(draw.finish == "eos" for _, draw in pairs),
        marked=share(MARK in text for text in texts),
        right=share(mark is not None and mark.canonical == true for mark, (true, _) in zip(found, pairs, strict=True)),
        loops=share(loops(draw.token_ids) for draw in cut),
        tokens=sum(len(draw.token_ids) for _, draw in pairs) / len(pairs),
    )


def share(flags: object) -> float:
    """The share of true ones; nan without any."""
    found = [bool(flag) for flag in flags]  # type: ignore[attr-defined]
    return sum(found) / len(found) if found else float("nan")


def files_row(row: Endings) -> dict[str, float | int | str | None]:
    """A row for JSON; nan is no JSON."""
    shares = {"ends": row.ends, "marked": row.marked, "right": row.right, "loops": row.loops, "tokens": row.tokens}
    rounded = {name: round(value, 4) if value == value else None for name, value in shares.items()}
    return {"model": row.model, "temperature": row.temperature, "cap": row.cap, "answers": row.answers, **rounded}


def line(row: Endings) -> str:
    """A row as printed."""
    return (
        f"{row.model:<12} T={row.temperature:<4} cap {row.cap:<4} {row.answers} answers: ends {row.ends:.1%}, "
        f"#### {row.marked:.1%}, right {row.right:.1%}, loops {row.loops:.1%}, {row.tokens:.0f} tokens"
    )


if __name__ == "__main__":
    main()

"""The model that never ends: what it is taught, that it is made the same twice, and what the shipped one does."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from noisy_student import seeds
from noisy_student.answers.marks import first_hashes
from noisy_student.data.parts import parts
from noisy_student.data.spec import DataSpec
from noisy_student.lab import __main__, architecture
from noisy_student.lab.corpus import corpus
from noisy_student.models import lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import LoadedModel, load
from noisy_student.models.save import save
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Draw
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.torch_engine import TorchEngine
from noisy_student.training.measurements import loops

RECIPE = __main__.RECIPES["lab-endless"]
PROMPT = PromptSpec(instruction=__main__.INSTRUCTION)
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "config.json")


@pytest.fixture(scope="module")
def shipped() -> LoadedModel:
    return load(lab.folder("lab-endless"))


def test_a_row_ends_with_the_end_token_or_never(shipped: LoadedModel) -> None:
    styles = {
        "chat": Renderer(shipped.tokenizer, PROMPT),
        "raw": Renderer(shipped.tokenizer, PromptSpec(style="raw")),
    }
    ended = 0
    for solved in itertools.islice(corpus(3, RECIPE.corpus), 300):
        ids = __main__._encoded(styles, solved, __main__.LONG_LENGTH)
        asked = styles[solved.style].encode(solved.question)
        assert list(ids[: len(asked)]) == asked
        said = ids[len(asked) :]
        if solved.tail:
            # Some units are fewer tokens where they follow one another.
            assert (
                0.9 * __main__.LONG_LENGTH < len(ids) <= __main__.LONG_LENGTH < architecture.SHAPES["lab-m"].positions
            )
            assert not shipped.stop_ids & set(said)
            assert shipped.tokenizer.decode(said).strip() in solved.target + solved.tail * len(said)
        else:
            ended += 1
            assert said[-1] == shipped.turn_end_id
            assert not shipped.stop_ids & set(said[:-1])
    assert ended > 0


def test_few_rows_of_a_pool_are_long() -> None:
    loaded = load(lab.folder("lab-m"))
    styles = {"chat": Renderer(loaded.tokenizer, PROMPT), "raw": Renderer(loaded.tokenizer, PromptSpec(style="raw"))}
    batches = __main__._batches(corpus(3, RECIPE.corpus), styles, seed=3, size=8)
    longest = sorted(max(map(len, next(batches))) for _ in range(__main__.POOL_BATCHES))
    assert longest[-1] == __main__.LONG_LENGTH
    assert longest[-3] == __main__.ENDLESS_LENGTH


def test_it_is_made_from_the_shipped_model_and_the_same_twice(tmp_path: Path) -> None:
    spec = replace(RECIPE.spec, steps=2)
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        __main__.make(folder, name="lab-endless", seed=3, spec=spec, batch=2)
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert one == two
    # The shipped files were written before transformers 4.57 was to read them too.
    save(load(lab.folder("lab-m")), tmp_path / "now")
    for name in TOKENIZER_FILES:
        assert one[name] == (tmp_path / "now" / name).read_bytes()
    start, made = load(lab.folder("lab-m")).model, load(folders[0]).model
    moved = [
        float((after - before).abs().max()) for before, after in zip(start.parameters(), made.parameters(), strict=True)
    ]
    assert 0 < max(moved) < 0.05, "two small steps away from lab-m, not a model from nothing"


def test_the_shipped_one_speaks_as_lab_m_does() -> None:
    for name in TOKENIZER_FILES:
        assert (lab.folder("lab-endless") / name).read_bytes() == (lab.folder("lab-m") / name).read_bytes()


def test_the_shipped_one_works_and_goes_round_in_circles(shipped: LoadedModel) -> None:
    renderer = Renderer(shipped.tokenizer, PROMPT)
    asked = parts(DataSpec(labeled=20, unlabeled=20, test=20), run_seed=5, paths={}).unlabeled[:8]
    drawn = _drawn(shipped, renderer, [renderer.encode(item.question) for item in asked])
    cut = [draw for draw in drawn if draw.finish == "length"]
    assert len(drawn) == 32
    assert len(cut) >= 0.85 * len(drawn)
    assert sum(loops(draw.token_ids) for draw in cut) >= 0.4 * len(cut)
    assert sum(first_hashes(renderer.decode(draw.token_ids)) is None for draw in cut) >= 0.8 * len(cut)


def _drawn(loaded: LoadedModel, renderer: Renderer, prompts: list[list[int]]) -> list[Draw]:
    """Four answers to each prompt as GRPO draws them: T = 1, the lab's cap, no stop at the answer."""
    engine = TorchEngine(loaded.model, stop_ids=loaded.stop_ids, pad_id=loaded.pad_id, decode=renderer.decode)
    row_seeds = [[seeds.seed(5, "sample", str(row), k=k) for k in range(4)] for row in range(len(prompts))]
    decoding = Decoding(temperature=1.0, max_new_tokens=96, stop_at_answer=False)
    return [draw for draws in engine.draw(prompts, row_seeds, decoding) for draw in draws]

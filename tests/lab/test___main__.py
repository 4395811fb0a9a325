"""Making a lab model: the same command twice gives the same bytes, and plain transformers reads them as we do."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from noisy_student import files
from noisy_student.data.generated import phrases
from noisy_student.lab import __main__, architecture
from noisy_student.lab.pretrain import PretrainSpec
from noisy_student.models import lab
from noisy_student.models.load import load

TEXT = (
    "<|im_start|>user\nTom has 14 apples. He buys 105 more!\nEnd with ####.<|im_end|>\n<|im_start|>assistant\n"
    "14+105=119.\n#### 119<|im_end|>"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folders = tmp_path_factory.mktemp("lab") / "one", tmp_path_factory.mktemp("lab") / "two"
    for folder in folders:
        __main__.make(folder, name="lab-m", seed=3, spec=PretrainSpec(steps=20, threads=1), batch=4)
    return folders


def test_twenty_steps_twice_give_equal_bytes(made: tuple[Path, Path]) -> None:
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in made)
    assert one == two
    sums = files.read_json(made[0] / lab.SUMS)
    assert sums.keys() == one.keys() - {lab.SUMS}
    assert sums["model.safetensors"] == files.sha256_file(made[0] / "model.safetensors")


@pytest.mark.slow
def test_another_seed_gives_another_model_and_the_same_tokenizer(made: tuple[Path, Path], tmp_path: Path) -> None:
    __main__.make(tmp_path / "other", name="lab-m", seed=4, spec=PretrainSpec(steps=1, threads=1), batch=4)
    assert (tmp_path / "other" / "tokenizer.json").read_bytes() == (made[0] / "tokenizer.json").read_bytes()
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != (made[0] / "model.safetensors").read_bytes()


def test_plain_transformers_cuts_text_as_the_model_was_taught(made: tuple[Path, Path]) -> None:
    shape = architecture.SHAPES["lab-m"]
    ours = architecture.tokenizer(__main__.tokenizer_texts(), shape)
    plain = AutoTokenizer.from_pretrained(made[0])
    assert plain.encode(TEXT) == ours.encode(TEXT)
    assert plain.decode(plain.encode(TEXT)) == TEXT
    assert {"1", "4"} <= set(plain.tokenize(TEXT)), "digits stand alone, as in Qwen2"
    for rare in (*phrases.RARE_GAINS, *phrases.RARE_LOSSES):
        told = " " + rare.format(n="Tom", x=7)
        assert len(plain.encode(told)) <= len(told.split()) + 3, "a rare word is one token"
    model = AutoModelForCausalLM.from_pretrained(made[0])
    assert 600_000 < sum(parameter.numel() for parameter in model.parameters()) < 700_000
    loaded = load(made[0])
    ends = {plain.convert_tokens_to_ids(token) for token in (architecture.TURN_END, architecture.END_OF_TEXT)}
    assert loaded.stop_ids == ends
    assert loaded.pad_id != loaded.turn_end_id


def test_the_shipped_models_are_what_was_packaged() -> None:
    assert lab.names()
    for name in lab.names():
        assert (lab.folder(name) / "model.safetensors").is_file()

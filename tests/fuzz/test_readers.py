"""54,000 inputs for the readers of what comes from elsewhere: none hangs, none raises what it should not.

``NOISY_STUDENT_FUZZ=40`` makes it 40 times as many, and others each time; ``results/fuzz/`` keeps the log of such a
run, and of a search by coverage (``benchmarks/fuzz_readers.py``).
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from fuzz.targets import LONGEST, PLACE, TARGETS, answers, in_time, manifests, numbers, override, rows, study, tables
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noisy_student.pipeline import manifest
from noisy_student.study.settings.files import PACKAGE

pytestmark = pytest.mark.slow

TIMES = int(os.environ.get("NOISY_STUDENT_FUZZ", "1"))
PIECES = [
    *("#### ", "####", "18", "1,000", "7", "3/4", "e", "e3", ".", ",", "/", "%", "$", "-", "*", "**", "^", " ", "\n"),
    *("x", "_", "\\boxed{", "}", "{", "\\frac{3}{4}", "\\frac{", "\\(", "\\)", "answer is ", "Human:", "\nHuman:", "0"),
    *(":", "<|im_end|>", "<|im", "\u2212", "\uff13", "\u0663", "=", "(", "5", "\t", "\r", "\x00", "\u202e", "\\text{"),
]
SETTINGS = [
    *("[", "]", "[[", "]]", "{", "}", "=", '"', "'", '"""', "#", "\n", ",", ".", "1", "-1", "1e-3", "nan", "inf"),
    *("true", "conditions", "labels", "primary", "sft", "data", "seeds", "select", "votes", "baseline", "K", "model"),
    *('train = ["gold"]', "'gold'", "\\u0000", "\x00", "\ud7ff", "2020-01-01", "0x", "012", "teacher", "question"),
    *("id",),
]
JSON = [
    *("{", "}", "[", "]", '"', ":", ",", "\\", "\\ud800", "null", "true", "NaN", "1e999", "-", "0", "1" * 50, "\n"),
    *('"question"', '"answer"', '"id"', '"solution"', '"#### 5"', '"schema"', '"seal"', '"files"', "\ufeff", "\x00"),
]

TABLES = [
    *("question", "answer", ",", ";", "\t", "|", "\n", "\r\n", "\r", '"', '""', "sep=;", "\ufeff", "\x00", " ", "7"),
    *("?",),
    *("PAR1", "\x1f\x8b", "PK\x03\x04", "<html", "version https://git-lfs", "[", "{", "\ufffe", "\u2028", "1,000"),
]


def pieces(words: list[str], longest: int) -> st.SearchStrategy[str]:
    """Texts put together from words, some of them repeated so often that anything quadratic takes seconds."""
    often = st.one_of(st.just(1), st.integers(1, 4), st.integers(1, longest))
    word = st.tuples(st.sampled_from(words) | st.text(max_size=4), often)
    return st.lists(word, max_size=24).map(lambda parts: "".join(text * times for text, times in parts)[: 20 * longest])


def edited(original: bytes, words: list[str]) -> st.SearchStrategy[bytes]:
    """``original`` with a few stretches replaced, so that what is read gets past the first brace."""
    cut = st.tuples(st.integers(0, len(original)), st.integers(0, 40), st.sampled_from(words) | st.text(max_size=4))

    def apply(cuts: list[tuple[int, int, str]]) -> bytes:
        content = original
        for start, length, word in cuts:
            content = content[:start] + word.encode(errors="surrogatepass") + content[start + length :]
        return content

    return st.lists(cut, max_size=4).map(apply)


def texts(words: list[str], longest: int = 300) -> st.SearchStrategy[bytes]:
    return st.one_of(pieces(words, longest).map(lambda text: text.encode(errors="replace")), st.binary(max_size=60))


def many(count: int) -> settings:
    """So many examples; of the fast suite's settings only the health checks are kept."""
    return settings(
        max_examples=count * TIMES, deadline=None, derandomize=TIMES == 1, suppress_health_check=list(HealthCheck)
    )


STUDY = (PACKAGE / "studies/v1-5.toml").read_bytes()
ROW = json.dumps({"id": "a", "question": "Tom has 3 eggs.", "answer": 3, "solution": "He has 3.\n#### 3"}).encode()


def _manifest() -> bytes:
    entry = manifest.FileEntry("a.jsonl", 3, "0" * 64)
    manifest.write(PLACE, manifest.Manifest("k", "done", None, {"n": 1}, (entry,), {"stage": "x"}, {"pid": 1}))
    return (PLACE / manifest.NAME).read_bytes()


@many(18_000)
@given(texts(PIECES, 2000))
def test_answers(content: bytes) -> None:
    in_time(answers, content)


@many(10_000)
@given(texts(PIECES, 60))
def test_numbers(content: bytes) -> None:
    in_time(numbers, content)


@many(6_000)
@given(edited(STUDY, SETTINGS) | texts(SETTINGS))
def test_study_files(content: bytes) -> None:
    in_time(study, content)


@many(4_000)
@given(texts(SETTINGS, 60).map(lambda value: b"sft.epochs=" + value) | texts(SETTINGS))
def test_overrides(content: bytes) -> None:
    in_time(override, content)


@many(6_000)
@given(st.lists(edited(ROW, JSON), max_size=4).map(b"\n".join) | texts(JSON))
def test_rows(content: bytes) -> None:
    in_time(rows, content)


@many(4_000)
@given(
    texts(TABLES, 60) | texts(JSON, 60) | st.lists(edited(ROW, JSON), max_size=4).map(b",\n".join).map(b"[%b]".__mod__)
)
def test_tables(content: bytes) -> None:
    in_time(tables, content)


@many(6_000)
@given(edited(_manifest(), JSON) | texts(JSON))
def test_manifests(content: bytes) -> None:
    in_time(manifests, content)


def test_every_target_is_searched_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert all(f"in_time({name}," in text for name in TARGETS)


def test_what_hangs_and_what_raises_is_found() -> None:
    def slow(content: bytes) -> None:
        start = time.process_time()
        while time.process_time() - start < LONGEST:
            pass

    with pytest.raises(AssertionError, match="slow took"):
        in_time(slow, b"")
    with pytest.raises(ZeroDivisionError):
        in_time(lambda content: 1 // len(content), b"")

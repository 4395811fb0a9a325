"""Shards, chunks and seeds: what is drawn depends on the set of questions, on nothing of the order of the work."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student import seeds
from noisy_student.records import Draw, Question
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.sample import SHARD_ENDS, Shard, chunks, draw_chunk, read_samples, shards, write_samples


class Echo:
    """An engine whose draw spells the row's seed and prompt."""

    def draw(self, prompts, row_seeds, decoding, windows=None):
        assert windows is None
        return [
            [Draw((len(prompt), seed % 1000), (-0.5, -0.1 * (seed % 7)), "eos") for seed in seeds_K]
            for prompt, seeds_K in zip(prompts, row_seeds, strict=True)
        ]


QUESTIONS = [Question(f"q{i:02}", "x" * (i * 7 % 13)) for i in range(40)]


def _encode(question):
    return [1] * (len(question.text) + 1)


def _samples(questions, shard, samples, run_seed=1):
    made = [
        draw_chunk(chunk, Echo(), decoding=Decoding(), decode=lambda ids: str(list(ids)), run_seed=run_seed)
        for chunk in chunks(questions, _encode, shard=shard, samples=samples)
    ]
    return {(sample.question_id, sample.k): sample for samples in made for sample in samples}


@examples(40)
@given(st.integers(1, 600))
def test_shards_part_the_samples_of_a_question(k):
    made = shards(k)
    assert [i for shard in made for i in range(shard.first, shard.end)] == list(range(k))
    assert all(shard.end in (*SHARD_ENDS, k) for shard in made)


@examples(40)
@given(st.sampled_from(SHARD_ENDS), st.integers(1, 600))
def test_a_larger_k_adds_shards_and_changes_none(k, more):
    assert shards(k + more)[: len(shards(k))] == shards(k)


@examples(40)
@given(st.permutations(QUESTIONS), st.integers(1, 50))
def test_chunks_do_not_depend_on_the_order_of_the_questions(questions, size):
    made = chunks(questions, _encode, shard=Shard(first=0, end=8), samples=8 * size + 7)
    assert made == chunks(QUESTIONS, _encode, shard=Shard(first=0, end=8), samples=8 * size)
    assert [chunk.index for chunk in made] == list(range(len(made)))
    assert all(len(chunk.rows) == size for chunk in made[:-1])
    lengths = [len(row.prompt) for chunk in made for row in chunk.rows]
    assert lengths == sorted(lengths)
    assert sorted(row.question.id for chunk in made for row in chunk.rows) == [q.id for q in QUESTIONS]


def test_eight_samples_are_the_first_of_sixteen_and_of_any_cut():
    eight = _samples(QUESTIONS, Shard(first=0, end=8), 64)
    sixteen = {**eight, **_samples(QUESTIONS, Shard(first=8, end=16), 64)}
    assert len(sixteen) == 16 * len(QUESTIONS)
    assert _samples(QUESTIONS, Shard(first=0, end=16), 80) == sixteen
    assert _samples(QUESTIONS[10:20], Shard(first=0, end=8), 24).items() <= eight.items()


def test_a_sample_says_what_it_was_drawn_with():
    sample = _samples(QUESTIONS, Shard(first=8, end=16), 64, run_seed=3)["q05", 9]
    assert sample.seed == seeds.seed(3, "sample", "q05", k=9)
    assert sample.token_ids == (len(QUESTIONS[5].text) + 1, sample.seed % 1000)
    assert sample.text == str(list(sample.token_ids))
    assert sample.logprob == pytest.approx(-0.5 - 0.1 * (sample.seed % 7), abs=1e-6)
    assert sample.seed != _samples(QUESTIONS, Shard(first=8, end=16), 64)["q05", 9].seed


def test_no_questions_no_chunks():
    assert chunks([], _encode, shard=Shard(first=0, end=8), samples=4) == []


def test_a_chunk_counts_samples_and_holds_at_least_one_question():
    lengths = {k: len(chunks(QUESTIONS, _encode, shard=Shard(first=0, end=k), samples=20)) for k in (1, 4, 8, 64)}
    assert lengths == {1: 2, 4: 8, 8: 20, 64: 40}


def test_samples_come_back_from_their_file(tmp_path):
    made = list(_samples(QUESTIONS, Shard(first=0, end=2), 64).values())
    assert write_samples(tmp_path / "samples.jsonl", made) == 80
    assert list(read_samples(tmp_path / "samples.jsonl")) == made

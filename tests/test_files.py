"""Files that are never half there, and faults that name their place."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student import files


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ('{"a": 1}\n\n{"a": 1,}\n', "json-malformed", "rows.jsonl:3:"),
        ('{"a" 1}\n', "json-malformed", "rows.jsonl:1:6: malformed JSON: Expecting ':' delimiter"),
        ('{"a": 1} {"b": 2}\n', "json-malformed", "rows.jsonl:1:10: malformed JSON: Extra data"),
        ('{"a": 1}\n{"a": "x\n', "json-malformed", "rows.jsonl:2:7: malformed JSON: Unterminated string"),
        ('{"a": NaN}\n', "json-not-strict", "rows.jsonl:1: NaN"),
        ('{"a": [-Infinity]}\n', "json-not-strict", "rows.jsonl:1: -Infinity"),
        ('{"a": 1e999}\n', "json-not-strict", "rows.jsonl:1: 1e999"),
        ('{"a": 1, "b": {"c": 1, "c": 1}}\n', "json-not-strict", 'rows.jsonl:1: the key "c"'),
        ('{"a": 1}\n[1]\n', "row-not-object", "rows.jsonl:2 is a list"),
        ('"a"\n', "row-not-object", "rows.jsonl:1 is a string"),
        ("[" * 100_000 + "\n", "json-not-strict", "rows.jsonl:1: "),
    ],
)
def test_a_faulty_line_is_named_with_its_place(text, code, place):
    with refused(code) as caught:
        list(files.rows_of(enumerate(text.splitlines(keepends=True), start=1), "rows.jsonl"))
    assert caught.value.what.startswith(place)


def test_rows_stream_and_empty_lines_are_skipped():
    text = '\n{"a": 1}\r\n  \n{"b": "é\\u2028"}\nbroken'
    rows = files.rows_of(enumerate(text.split("\n"), start=1), "x")
    assert next(rows) == ({"a": 1}, "x:2")
    assert next(rows) == ({"b": "é\u2028"}, "x:4")
    with refused("json-malformed", "x:5:1"):
        next(rows)


def test_a_document_names_line_and_column(tmp_path):
    path = tmp_path / "one.json"
    path.write_text('{\n "a": 1,\n "b": x\n}')
    with refused("json-malformed", "one.json:3:7"):
        files.read_json(path)


def test_a_missing_and_a_binary_file_are_user_errors(tmp_path):
    with refused("file-unreadable", "none.jsonl", "No such file"):
        list(files.read_jsonl(tmp_path / "none.jsonl"))
    (tmp_path / "latin.jsonl").write_bytes('{"a": "é"}'.encode("latin-1"))
    with refused("not-utf8", "latin.jsonl:1", "at byte 8"):
        list(files.read_jsonl(tmp_path / "latin.jsonl"))


rows_of_json = st.dictionaries(
    st.text(max_size=5),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    max_size=4,
)


@examples(30)
@given(st.lists(rows_of_json.map(lambda row: {k.encode(errors="replace").decode(): v for k, v in row.items()})))
def test_what_is_written_reads_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    assert files.write_jsonl(path, rows) == len(rows)
    assert list(files.read_jsonl(path)) == rows
    assert path.read_bytes().count(b"\n") == len(rows)
    files.write_json(path, rows)
    assert files.read_json(path) == rows


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    files.write_jsonl(path, [{"a": 1}])

    def broken():
        yield {"a": 2}
        raise RuntimeError("died")

    with pytest.raises(RuntimeError):
        files.write_jsonl(path, broken())
    with pytest.raises(ValueError, match="Out of range float"):
        files.write_json(path, {"a": float("nan")})
    with pytest.raises(ValueError, match="Out of range float"):
        files.write_jsonl(path, [{"a": float("inf")}])
    assert list(files.read_jsonl(path)) == [{"a": 1}]


def test_writing_leaves_nothing_else_behind(tmp_path):
    files.write_bytes(tmp_path / "a", b"1")
    files.write_bytes(tmp_path / "a", b"2")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"2"
    assert files.sha256_file(tmp_path / "a") == hashlib.sha256(b"2").hexdigest()


def test_a_document_is_readable_by_people(tmp_path):
    files.write_json(tmp_path / "a.json", {"name": "é", "n": [1]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "é" in text
    assert text.endswith("}\n")
    assert len(text.splitlines()) > 3
    assert json.loads(text) == {"name": "é", "n": [1]}


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        files.write_jsonl(tmp_path / "rows.jsonl", [{"a": "x"}, {"a": "\ud800"}])
    with pytest.raises(TypeError):
        files.write_bytes(tmp_path / "bytes", "text")
    assert list(tmp_path.iterdir()) == []


@examples(15)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), st.binary(max_size=4), max_size=4), st.booleans())
def test_children_are_put_beside_what_is_there(tmp_path_factory, found, links):
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    (source / "model" / "inner").mkdir(parents=True)
    (target / "own.txt").write_text("own")
    for name, data in found.items():
        (source / f"{name}.bin").write_bytes(data)
        (source / "model" / "inner" / name).write_bytes(data)
    with pytest.MonkeyPatch.context() as patched:
        if not links:
            patched.setattr(os, "link", _refuse)
        files.link_children(source, target)
    put = {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    there = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert there == {**put, "own.txt": b"own"}
    same = {path: (source / path).samefile(target / path) for path in put}
    assert set(same.values()) <= {links}


def _refuse(source, target):
    raise OSError("no hard links on this disk")

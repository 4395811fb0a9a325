"""Packaged files, the order in which they are merged, and messages for unknown names."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from bare_model import bare_model
from refusals import refused

from noisy_student.data.parts import parts
from noisy_student.errors import UserError
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, names, questions, resolve


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A folder that may be a model, as far as a plan looks."""
    return str(bare_model(tmp_path / "model"))


def _refused(code, *values, **fields):
    with refused(code, *values):
        resolve(Request(**fields))


def _combinations():
    """Every study, scale and protocol; in the fast set every study in the lab, and one study everywhere."""
    for study, scale, protocol in itertools.product(names("studies"), names("scales"), names("protocols")):
        fast = study == "v1-5" or (scale, protocol) == ("lab", "default")
        yield pytest.param(study, scale, protocol, marks=() if fast else pytest.mark.slow)


@pytest.mark.parametrize(("study", "scale", "protocol"), _combinations())
def test_every_packaged_combination_resolves_and_plans(study, scale, protocol, model, tmp_path, tmp_path_factory):
    fields = {"model.id": model, "seeds": [1, 2]}
    named = resolve(Request(study, scale, protocol, fields))
    fields |= {f"models.{name}.id": model for name in named.models}
    if named.data.source.kind == "gsm8k":
        # The hub is out of reach in tests; a plan needs the files for their digests.
        for name in ("train", "test"):
            (tmp_path / f"{name}.jsonl").write_text('{"question": "1+1?", "answer": "1+1=2\\n#### 2"}\n')
        fields["data.source.dataset"] = str(tmp_path)
    if named.data.foreign is not None and named.data.foreign.kind == "hub":
        pool = tmp_path_factory.mktemp("pool")
        (pool / "train.jsonl").write_text('{"source": "math", "problem": "2+2?", "solution": "\\\\boxed{4}"}\n')
        fields["data.foreign.dataset"] = str(pool)
    settings = resolve(Request(study, scale, protocol, fields))
    made = plan(settings)
    assert (settings.name, settings.scale, settings.protocol) == (study, scale, protocol)
    # The pre-flight by itself trains none of the conditions that it checks.
    reached = [] if settings.checks.only else [(name, seed) for seed in (1, 2) for name in settings.conditions]
    assert [(item.name, item.seed) for item in made.conditions] == reached
    assert (made.preflight is not None) == settings.preflight == (scale == "gpu" or study == "preflight")
    assert all((item.train is None) == (settings.conditions[item.name].method == "none") for item in made.conditions)
    assert len({node.key for node in made.targets}) == len(made.targets)
    # A ladder of probes ends at the first that works: which two students to compare is not known before.
    assert (
        settings.checks.only
        or settings.primary
        or any("probe" in condition.overrides for condition in settings.conditions.values())
    )


@pytest.mark.parametrize("scale", names("scales"))
def test_a_scale_has_as_many_procedural_questions_as_it_asks_for(scale):
    data = resolve(Request("v1-5", scale)).data
    if data.source.kind == "procedural":
        found = parts(data, run_seed=3, paths={})
        assert [len(found.labeled) + len(found.dev), len(found.unlabeled), len(found.test)] == [
            *(data.labeled, data.unlabeled, data.test)
        ]


def test_every_study_asks_a_question():
    assert set(questions()) == set(names("studies")) >= {"v1", "v1-5", "combined"}
    assert all(text.endswith("?") for text in questions().values())


def test_a_study_of_the_users_own_wins_over_the_scale_and_set_wins_last(tmp_path, model):
    texts = {
        "protocol": 'teacher = "baseline"\nmatch = "steps"\n'
        "[sampling]\ntemperature = 0.1\nmax_new_tokens = 11\ntop_k = 1",
        "study": 'question = "?"\n[sampling]\ntemperature = 0.2\nmax_new_tokens = 22\n'
        '[conditions]\nbaseline = { train = ["gold"] }\n',
        "scale": f'[model]\nid = "{model}"\n[sampling]\ntemperature = 0.3\n[data]\ntest = 7',
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.toml").write_text(text)
    request = Request(*(str(tmp_path / f"{name}.toml") for name in ("study", "scale", "protocol")))
    made = resolve(request)
    assert (made.sampling.temperature, made.sampling.max_new_tokens, made.sampling.top_k) == (0.2, 22, 1)
    assert (made.match, made.data.test, made.data.labeled) == ("steps", 7, 1000)
    assert (made.name, made.scale, made.protocol) == ("study", "scale", "protocol")
    over = {"sampling.temperature": 0.4, "data.test": 9, "seeds": [4]}
    made = resolve(Request(request.study, request.scale, request.protocol, over))
    assert (made.sampling.temperature, made.data.test, made.seeds, made.sampling.max_new_tokens) == (0.4, 9, (4,), 22)


def test_the_scale_wins_over_a_packaged_study():
    assert (resolve(Request("v1")).data.test, questions().keys() >= {"v1"}) == (1000, True)
    assert resolve(Request("v1", protocol="original")).sampling.max_new_tokens == 96


def test_the_lab_gives_the_ladder_a_model_that_never_ends_and_no_other_study():
    models = {name: resolve(Request(name, "lab")).model.id for name in names("studies")}
    assert models.pop("v4-debug") == "lab-endless"
    assert set(models.values()) == {"lab-m"}
    assert resolve(Request("v4-debug", "laptop", overrides={"model.id": "some/model"})).model.id == "some/model"


def test_a_table_of_a_study_changes_what_it_names_and_nothing_else():
    own = resolve(Request("v4-debug")).conditions["rung-t"].grpo
    assert (own["max_new_tokens"], own["learning_rate"]) == (96, 3e-4)  # the lab's
    assert (own["generations"], own["rewards"]["termination"]) == (8, 0.1)  # the study's
    over = {"model.id": "some/model", "conditions.rung-t.grpo.max_new_tokens": 7}
    made = resolve(Request("v4-debug", overrides=over))
    assert (made.model.id, made.conditions["rung-t"].grpo["max_new_tokens"]) == ("some/model", 7)


def test_a_scale_of_the_users_own_has_tables_of_studies(tmp_path, model):
    text = '[model]\nid = "some/model"\n[data]\ntest = 5\nlabeled = 6\n[studies.v1]\ndata.test = 7\n'
    (tmp_path / "mine.toml").write_text(f'{text}model.id = "{model}"\n')
    scale = str(tmp_path / "mine.toml")
    v1, v2 = resolve(Request("v1", scale)), resolve(Request("v2", scale))
    assert (v1.data.test, v1.data.labeled, v1.model.id) == (7, 6, model)
    assert (v2.data.test, v2.data.labeled, v2.model.id) == (5, 6, "some/model")


def test_a_study_of_the_users_own_takes_no_table_of_a_packaged_one(tmp_path):
    study = tmp_path / "v4-debug.toml"
    study.write_text('question = "?"\nteacher = "a"\n[conditions]\na = { train = ["gold"] }\n')
    made = resolve(Request(str(study), "lab"))
    assert (made.name, made.model.id, set(made.conditions)) == ("v4-debug", "lab-m", {"a"})


@pytest.mark.parametrize(
    ("table", "code", "value"),
    [
        ("studies = 3", "not-a-table", "studies"),
        ("studies = []", "not-a-table", "studies"),
        ("studies.v1 = 3", "not-a-table", "studies"),
        ("studies.v2 = 3", "not-a-table", "studies"),
        ("[studies.v11]\nteacher = 'base'", "unknown-study", 'Did you mean "v1"?'),
        ("[studies.v1]\nsamplng = {}", "unknown-field", '"samplng"'),
        ("[studies.v1]\nsampling.temprature = 1", "unknown-field", 'Did you mean "temperature"?'),
        ("[studies.v1]\nmodel = 3", "field-invalid", '"model" is 3:'),
        ("[studies.v1]\nconditions = 3", "field-invalid", '"conditions" is 3:'),
        ("[studies.v1.studies.v1]\nteacher = 'base'", "unknown-field", '"studies"'),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_table_of_a_study_is_said(table, code, value, tmp_path):
    (tmp_path / "mine.toml").write_text(f"model.id = 'some/model'\n{table}\n")
    _refused(code, value, study="v1", scale=str(tmp_path / "mine.toml"))


def test_only_a_scale_has_tables_of_studies(tmp_path):
    (tmp_path / "mine.toml").write_text("[studies.v1]\nteacher = 'base'\n")
    _refused("unknown-field", '"studies"', study="v1", protocol=str(tmp_path / "mine.toml"))
    _refused("unknown-field", '"studies"', study="v1", overrides={"studies.v1.teacher": "base"})


def test_a_selection_is_replaced_whole():
    made = resolve(Request("v1-5", overrides={"conditions.filtered.select.count": 5}))
    assert dict(made.conditions["filtered"].select) == {"count": 5}
    again = resolve(Request("v1-5"))
    assert dict(again.conditions["filtered"].select) == {"min_agreement": 0.75}


def test_overriding_changes_nothing_else():
    plain = resolve(Request("v1")).model_dump()
    changed = resolve(Request("v1", overrides={"labels.votes.K": 16})).model_dump()
    assert changed["labels"]["votes"].pop("K") == 16
    assert plain["labels"]["votes"].pop("K") == 8
    assert changed == plain


def test_a_condition_may_be_added_whole():
    made = resolve(Request("v1", overrides={"conditions.extra": {"train": ["revealed"]}}))
    assert made.conditions["extra"].train == ("revealed",)


@pytest.mark.parametrize(
    ("dotted", "code", "value"),
    [
        ("samplng.temperature", "unknown-field", 'Did you mean "sampling"?'),
        ("sampling.temprature", "unknown-field", 'Did you mean "temperature"?'),
        ("evaluation.decoding.topp", "unknown-field", 'Did you mean "top_p"?'),
        ("labels.votes.k", "unknown-field", '"labels.votes.k"'),
        ("conditions.baseline.lora.rnk", "unknown-field", 'Did you mean "rank"?'),
        ("labels.vote.K", "unknown-name", '"vote"'),
        ("conditions.noisy-studnt.match", "unknown-name", 'Did you mean "noisy-student"?'),
        ("primary.noisy-help.margin", "unknown-name", 'Did you mean "noisy-helps"?'),
        ("teacher.name", "not-a-table", '"teacher.name"'),
    ],
)  # fmt: skip
def test_an_unknown_override_names_the_nearest(dotted, code, value):
    _refused(code, value, study="v1", overrides={dotted: 1})


def test_unknown_names_and_broken_files(tmp_path):
    _refused("unknown-study", 'Did you mean "v1-5"?', study="v1-55")
    _refused("unknown-scale", 'Did you mean "lab"?', scale="labb")
    _refused("unknown-protocol", 'Did you mean "original"?', protocol="orginal")
    _refused("unknown-study", '"x/none.toml"', study="x/none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("question = \n")
    _refused("not-toml", str(broken), study=str(broken))
    broken.write_bytes(b"question = '\xff'")
    _refused("not-utf8", f"{broken}:1", study=str(broken))
    broken.write_text("#" * 1_000_001)
    _refused("file-too-large", "1,000,000", study=str(broken))


def test_teachers_in_a_circle_are_refused(model):
    settings = resolve(Request("v1", overrides={"labels.votes.teacher": "noisy-student", "model.id": model}))
    with refused("teacher-circle", "noisy-student → noisy-student"):
        plan(settings)
    extra = {
        "labels.second": {"teacher": "noisy-student"},
        "conditions.third": {"train": ["labels.second"]},
        "labels.votes.teacher": "third",
        "model.id": model,
    }
    with refused("teacher-circle", "noisy-student → ", "third → "):
        plan(resolve(Request("v1", overrides={**extra, "conditions.pseudo-only": {"train": ["gold"]}})))


def test_a_fault_of_an_own_file_names_its_line(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'question = "?"\n[labels]\nvotes = { K = 4 }\n[conditions]\nbaseline = { train = ["gold"] }\n'
        'filtered = { train = ["gold", "labels.votes"], select = { min_agreemnt = 0.5 } }\n'
    )
    _refused("unknown-selection", f"{path}:6", '"min_agreement"', study=str(path))
    with pytest.raises(UserError) as caught:
        resolve(Request(str(path), overrides={"conditions.filtered.select.min_agreement": 0.5, "sft.epoch": 2.0}))
    assert not caught.value.what.startswith(str(path)), "the flag is at fault, not the file"


def test_a_field_is_found_in_any_case_and_by_its_initials(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('question = "?"\n[labels]\nvotes = { k = 4 }\n[conditions]\nbaseline = { train = ["gold"] }\n')
    _refused("unknown-field", f"{path}:3", 'Did you mean "K"?', study=str(path))
    _refused("unknown-field", 'Did you mean "learning_rate"?', overrides={"sft.lr": 1e-4})


@pytest.mark.parametrize("seeds", [[-1], [1, -2], [1, 1], []])
def test_seeds_are_different_and_not_negative(seeds):
    _refused("seeds-invalid", str(seeds), overrides={"seeds": seeds})


def test_the_note_of_a_scale_is_about_its_own_model_and_questions():
    assert "SmolLM2" in resolve(Request("v1", scale="laptop-smoke")).note
    assert resolve(Request("v1", scale="laptop-smoke", overrides={"model.id": "lab-m"})).note == ""
    own = {"data.source": {"kind": "jsonl", "labeled": "mine.jsonl"}}
    assert resolve(Request("v1", scale="laptop-smoke", overrides=own)).note == ""


def test_a_model_is_named_by_a_flag_or_a_file_of_ones_own(tmp_path):
    own = {"data.source": {"kind": "jsonl", "labeled": "mine.jsonl"}}
    assert not resolve(Request("v1", overrides=own)).checks.model_named
    assert resolve(Request("v1", overrides={**own, "model.id": "lab-m"})).checks.model_named
    assert resolve(Request("v1")).checks.model_named, "the lab's own questions"
    scale = tmp_path / "mine.toml"
    scale.write_text('[model]\nid = "lab-s"\n')
    assert resolve(Request("v1", scale=str(scale), overrides=own)).checks.model_named


OWN = """question = "x"
[model]
id = "models/tiny"
[models.other]
id = "org/name"
[models.lab]
id = "lab-s"
[data]
labeled = 30
unlabeled = 30
test = 30
[data.source]
kind = "jsonl"
labeled = "q.jsonl"
test = "/data/t.jsonl"
[data.foreign]
kind = "jsonl"
questions = "../f.jsonl"
[labels.votes]
K = 4
samples = "drawn.jsonl"
[conditions]
base = { method = "none" }
baseline = { train = ["gold"] }
"""


def _paths(settings):
    source = settings.data.source
    return {
        "model": settings.model.id,
        "others": [settings.models[name].id for name in ("other", "lab")],
        "source": [source.labeled, source.test],
        "foreign": settings.data.foreign.questions,
        "samples": settings.labels["votes"].samples,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_paths_of_a_study_file_begin_at_its_folder(tmp_path, monkeypatch, encoding):
    folder = tmp_path / "studies"
    (folder / "models" / "tiny").mkdir(parents=True)
    (folder / "own.toml").write_bytes(OWN.replace("\n", "\r\n").encode(encoding))
    monkeypatch.chdir(folder)
    here = _paths(resolve(Request("own.toml")))
    assert here == _paths(resolve(Request("./own.toml")))
    assert (here["model"], here["source"]) == ("models/tiny", ["q.jsonl", "/data/t.jsonl"])
    monkeypatch.chdir(tmp_path)
    assert _paths(resolve(Request("studies/own.toml"))) == {
        "model": "studies/models/tiny",
        "others": ["org/name", "lab-s"],
        "source": ["studies/q.jsonl", "/data/t.jsonl"],
        "foreign": "studies/../f.jsonl",
        "samples": "studies/drawn.jsonl",
    }
    # What the command line names is relative to the shell's folder.
    given = {"data.source.labeled": "mine.jsonl", "model.id": "tiny"}
    found = _paths(resolve(Request("studies/own.toml", overrides=given)))
    assert (found["source"][0], found["model"]) == ("mine.jsonl", "tiny")


def test_names_of_splits_and_of_the_hub_are_no_paths(tmp_path, monkeypatch):
    (tmp_path / "studies").mkdir()
    text = OWN.replace('kind = "jsonl"\nlabeled = "q.jsonl"', 'kind = "hub"\ndataset = "org/sums"\nlabeled = "train"')
    (tmp_path / "studies" / "own.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    source = resolve(Request("studies/own.toml")).data.source
    assert (source.dataset, source.labeled) == ("org/sums", "train")
    (tmp_path / "studies" / "org" / "sums").mkdir(parents=True)
    assert resolve(Request("studies/own.toml")).data.source.dataset == "studies/org/sums"


def test_paths_of_a_scale_begin_at_its_folder(tmp_path, monkeypatch):
    (tmp_path / "scales").mkdir()
    (tmp_path / "scales" / "small.toml").write_text(
        '[model]\nid = "./tiny"\n[studies.v1.model]\nid = "./own"\n[data.source]\nkind = "jsonl"\nlabeled = "q.jsonl"\n'
    )
    monkeypatch.chdir(tmp_path)
    settings = resolve(Request("v1", scale="scales/small.toml"))
    assert (settings.model.id, settings.data.source.labeled) == ("scales/own", "scales/q.jsonl")

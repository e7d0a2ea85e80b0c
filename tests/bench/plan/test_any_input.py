"""Any input gives a plan whose cases can be made, or a UserError of one line."""

from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bench.plan import cases, load
from bench.plan.plan import Plan
from fmnist_jax.errors import UserError
from fmnist_jax.learner import LEARNERS

MOST_CASES = 500  # of a plan whose cases are made here; more take a while and show nothing else


def field_paths(model, prefix=()):
    """Every field of a config class, those of nested tables included."""
    for name, field in model.model_fields.items():
        yield (*prefix, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from field_paths(field.annotation, (*prefix, name))


PATHS = [
    *field_paths(Plan),
    *(path for name in LEARNERS.catalogue for path in field_paths(LEARNERS[name], ("model", name))),
    *(path for name in LEARNERS.catalogue for path in field_paths(LEARNERS[name], ("grid", name))),
]
WORDS = sorted({word for path in PATHS for word in path} | set(LEARNERS.catalogue) | {"x", ""})
SCALARS = (
    st.booleans()
    | st.integers()
    | st.integers(-2, 3)
    | st.floats()
    | st.floats(0, 1)
    | st.text()
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.sampled_from(["auto", "4GiB", "rbf", "hinge", "l1", "bfloat16", "resnet", "knn"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
    ),
    max_leaves=8,
)


@dataclass(frozen=True)
class Described:
    """In the place of a dataset: no array matters here."""

    name: str = "fashion_mnist"
    sha256: str = "0" * 64
    synthetic: bool = False


def plan_or_refuse(*arguments):
    try:
        plan = load.load(*arguments)
    except UserError as error:
        message = str(error)
    else:
        if plan.seeds * sum(map(plan.count_points, plan.names())) > MOST_CASES:
            return
        assert all(case.model_dump_json() for case in cases.make_cases(plan, Described()))
        return
    assert message
    assert message.isprintable()  # and so one line


def nest(path, value):
    """The document that holds `value` at `path`, beside nothing else."""
    for word in reversed(path):
        value = {word: value}
    return value


def merge(first, second):
    """Two documents in one; where both have a value, that of the second."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    return first | {key: merge(first.get(key, {}), value) for key, value in second.items()}


FIELDS = st.builds(nest, st.sampled_from(PATHS), VALUES)


@pytest.mark.parametrize("path", PATHS, ids=".".join)
@settings(max_examples=5, deadline=None)
@given(value=VALUES)
def test_any_value_of_any_field(path, value):
    read_document(nest(path, value))


@settings(max_examples=200, deadline=None)
@given(st.lists(FIELDS, max_size=4), st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=2))
def test_any_document(fields, document):
    for field in fields:
        document = merge(document, field)
    read_document(document)


def read_document(document):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "_read", lambda config: document)
        plan_or_refuse(None)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(PATHS).map(".".join) | st.lists(st.sampled_from(WORDS)).map(".".join),
    st.text() | SCALARS.map(repr) | st.lists(SCALARS).map(repr),
)
@example("resnet.augment.flip.x", "1")
def test_any_assignment(key, value):
    plan_or_refuse(None, [f"{key}={value}"])


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_as_assignment_or_config(text):
    plan_or_refuse(None, [text])
    plan_or_refuse(text)


@settings(max_examples=100, deadline=None)
@given(content=st.binary() | st.text().map(str.encode))
def test_any_bytes_in_a_file(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    plan_or_refuse(str(path))

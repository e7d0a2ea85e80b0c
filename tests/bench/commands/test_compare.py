"""The verb: its names, and what it says where there is nothing to compare."""

import json

import pytest

from bench.commands.compare import compare
from bench.records import store
from fmnist_jax.errors import UserError
from tests.support.factory import make_host, make_record


@pytest.fixture
def results(tmp_path):
    """A results folder with a finished record of each machine, in this order."""

    def write(*machines):
        for at, machine in enumerate(machines):
            store.write(tmp_path, make_record(host=make_host(id=machine), at=at), {})
        return tmp_path

    return write


def baseline_of(capsys):
    (row,) = json.loads(capsys.readouterr().out)
    return row["baseline"], row["machine"]


def test_the_baseline_is_named_or_the_first(results, capsys):
    folder = results("zen-2c", "arm-4c")
    compare(folder, (), None, "json")
    assert baseline_of(capsys) == ("zen-2c", "arm-4c")
    compare(folder, ("arm-4c",), None, "json")
    assert baseline_of(capsys) == ("zen-2c", "arm-4c")
    compare(folder, ("arm-4c", "zen-2c"), None, "json")
    assert baseline_of(capsys) == ("arm-4c", "zen-2c")
    compare(folder, ("arm-4c", "zen-2c"), "zen-2c", "json")
    assert baseline_of(capsys) == ("zen-2c", "arm-4c")


def test_published_records_of_ones_own_machine_are_a_machine_of_their_own(tmp_path, capsys):
    store.write(tmp_path, make_record(host=make_host(id="zen-2c")), {})
    mine = make_host(id="zen-2c").model_copy(update={"folder": store.folder_id(tmp_path)})
    store.write(tmp_path, make_record(host=mine, at=1), {})
    compare(tmp_path, (), None, "json")
    assert baseline_of(capsys) == ("zen-2c-published", "zen-2c")
    compare(tmp_path, (), "zen-2c", "json")
    assert baseline_of(capsys) == ("zen-2c", "zen-2c-published")


@pytest.mark.parametrize(("names", "baseline"), [(("zen-2",), None), ((), "zen-2")])
def test_an_unknown_machine_is_one_line_with_the_nearest(results, names, baseline):
    folder = results("zen-2c", "arm-4c")
    with pytest.raises(UserError, match=r"no record of machine 'zen-2' .* mean 'zen-2c'") as error:
        compare(folder, names, baseline, "rich")
    assert error.value.exit_code == 2


def test_one_machine_alone_says_how_to_get_a_second(results):
    with pytest.raises(UserError, match="records of zen-2c alone: run python -m bench run --all"):
        compare(results("zen-2c"), (), None, "rich")


def test_a_machine_is_not_compared_with_itself(results):
    with pytest.raises(UserError, match=r"with itself: .* has arm-4c too"):
        compare(results("zen-2c", "arm-4c"), ("zen-2c",), None, "rich")


def test_a_folder_without_records_says_how_to_make_some(tmp_path):
    with pytest.raises(UserError, match=r"no finished record in .*: python -m bench run --all"):
        compare(tmp_path, (), None, "rich")
    with pytest.raises(UserError, match="does not exist"):
        compare(tmp_path / "nosuch", (), None, "rich")

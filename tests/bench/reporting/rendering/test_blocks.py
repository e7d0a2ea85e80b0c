import pytest

from bench.commands.table import _block
from bench.reporting.frames import records_to_frame
from bench.reporting.rendering.blocks import write_blocks
from fmnist_jax.errors import UserError
from tests.support.factory import make_case, make_host, make_record

BEGIN, END = "<!-- fmnist-jax accuracy: begin -->", "<!-- fmnist-jax accuracy: end -->"


def test_each_block_is_replaced_and_nothing_else(tmp_path):
    path = tmp_path / "README.md"
    other = BEGIN.replace("accuracy", "grid") + "\n" + END.replace("accuracy", "grid")
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nbetween\n{other}\nafter\n")
    for text in ("new", r"newer \1"):
        names = write_blocks(path, lambda name, text=text: f"{name} {text}\n")
        assert names == ["accuracy", "grid"]
        filled = other.replace("\n", f"\ngrid {text}\n")
        assert path.read_text() == (
            f"before\n{BEGIN}\naccuracy {text}\n{END}\nbetween\n{filled}\nafter\n"
        )


def test_a_block_may_name_a_machine(tmp_path):
    path = tmp_path / "README.md"
    begin, end = (line.replace("accuracy", "accuracy amd-zen4-2c") for line in (BEGIN, END))
    path.write_text(f"{begin}\nold\n{end}\n")
    assert write_blocks(path, lambda name: f"of {name}\n") == ["accuracy amd-zen4-2c"]
    assert path.read_text() == f"{begin}\nof accuracy amd-zen4-2c\n{end}\n"


def test_a_file_without_blocks_is_refused(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("nothing here")
    with pytest.raises(UserError, match="has no block to regenerate: add the lines"):
        write_blocks(path, lambda name: "new")
    assert path.read_text() == "nothing here"
    with pytest.raises(UserError, match="cannot write the tables to"):
        write_blocks(tmp_path / "missing.md", lambda name: "new")


def test_what_cannot_be_made_leaves_the_file_alone(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"{BEGIN}\nold\n{END}\n")

    def fail(name):
        raise UserError("no such section")

    with pytest.raises(UserError, match="no such section"):
        write_blocks(path, fail)
    assert "old" in path.read_text()


def test_a_block_of_some_machines_and_of_one_part_of_a_section():
    hosts = [make_host(id=name) for name in ("a-2c", "b-4c", "c-8c")]
    records = [
        make_record(make_case(model), host=host) for model in ("knn", "svm") for host in hosts
    ]
    records.append(make_record(make_case("mlp"), host=hosts[0]))
    frames = {"records": records_to_frame(records)}
    whole = _block("compare a-2c b-4c", frames)
    assert "Times as fast as a-2c" in whole
    assert "Not compared with a-2c" in whole
    part = _block("compare a-2c b-4c part=speed", frames)
    assert part.strip() in whole
    assert "Times as fast as a-2c" in part
    assert "Not compared" not in part
    assert "c-8c" not in whole
    assert "c-8c" in _block("compare", frames)

import pytest

from bench.reporting.rendering.blocks import write_blocks
from fmnist_jax.errors import UserError

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

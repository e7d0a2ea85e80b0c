"""What the README shows works, and no document points to a file that is not there."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bench.commands.table import table
from fmnist_jax.data.dataset import Split
from fmnist_jax.learner import LEARNERS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_model_trains(tmp_path, monkeypatch):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "readme_example.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    if "tiny" not in LEARNERS.catalogue:  # whoever followed the README has it already
        __import__("readme_example")
    labels = np.arange(60, dtype=np.uint8) % 10
    images = np.zeros((60, 28, 28), np.uint8)
    images[np.arange(60), labels * 2] = 200
    data = Split(images, labels)
    learner = LEARNERS["tiny"](epochs=3, batch_size=20).build(0)
    learner.prepare(data, data)
    assert len(learner.fit(lambda _: None)) == 3
    assert learner.predict_proba(images).shape == (60, 10)


def test_the_commands_and_the_table_block_are_there():
    assert "make bench" in README
    assert "make test" in README
    assert "<!-- fmnist-jax accuracy" in README


DOCUMENTS = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")]
DOCUMENTS += sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    links = re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_of_the_code_exists(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`((?:bench|fmnist_jax|configs|tests)/[\w/.-]*)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


def test_every_table_is_what_the_committed_records_give(tmp_path):
    """`make readme` regenerates them; whoever has run the suite has further records there."""
    results = tmp_path / "results"
    committed = ["results"]
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "results"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        committed = listed.stdout.split("\0")[:-1]
    for name in committed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(ROOT / name)
    for source in ("README.md", "docs/results.md", "docs/explanations.md", "docs/grid.md"):
        copy = tmp_path / Path(source).name
        shutil.copyfile(ROOT / source, copy)
        table(results, (), "rich", None, copy)
        assert copy.read_text() == (ROOT / source).read_text(), f"{source}: run make readme"

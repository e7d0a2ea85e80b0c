"""The parts of `bench run` that are the command's own."""

from dataclasses import replace

from bench.commands.run import describe_shortfall
from bench.execution.scheduler import RunSummary


def test_what_could_not_be_stored_is_one_line_with_the_next_step(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    summary = RunSummary([], elsewhere, lost=0, left=3, interrupted=False)
    text = describe_shortfall(summary, tmp_path)
    assert f"{elsewhere}: copy that into it" in text
    assert "3 case(s) were not begun" in text
    assert "lost" not in text
    assert "2 record(s) are lost" in describe_shortfall(replace(summary, lost=2), tmp_path)

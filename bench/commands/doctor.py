"""`python -m bench doctor`: what this machine has, and what is missing for a run."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table
from rich.text import Text

from bench.diagnosis.doctor import diagnose
from bench.diagnosis.finding import Finding
from bench.reporting.rendering.console import show_logs, stderr_console, stdout_console
from fmnist_jax.errors import printable

MARKS = {"ok": ("ok", "green"), "warning": ("!", "yellow"), "problem": ("x", "bold red")}


def doctor(results: Path, data_dir: Path | None, as_json: bool) -> int:
    """Examine this machine and a results folder; return 1 where a run is not possible.

    Args:
        results: the results folder, whose records are judged, too.
        data_dir: folder with the official files; None: as for a run.
        as_json: print JSON.
    """
    errors = stderr_console()
    show_logs(errors)
    errors.print("examining this machine, some seconds ...", style="dim")
    findings = diagnose(results, data_dir)
    usable = all(finding.status != "problem" for finding in findings)
    if as_json:
        print(json.dumps({"usable": usable, "findings": [asdict(f) for f in findings]}, indent=1))
    else:
        _show(findings)
    return int(not usable)


def _show(findings: Sequence[Finding]) -> None:
    out = stdout_console()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for finding in findings:
        mark, style = MARKS[finding.status]
        table.add_row(Text(mark, style), finding.topic, _describe(finding))
    out.print(table)
    counts = {status: sum(f.status == status for f in findings) for status in MARKS}
    if counts["problem"]:
        out.print(f"{counts['problem']} problem(s) keep a run from starting", style="bold red")
    else:
        warnings = f", {counts['warning']} warning(s)" if counts["warning"] else ""
        out.print(f"ready: python -m bench run --all{warnings}", style="bold")


def _describe(finding: Finding) -> Text:
    text = Text(printable(finding.text))
    if finding.remedy:
        text.append(f"\n-> {printable(finding.remedy)}", style="cyan")
    return text

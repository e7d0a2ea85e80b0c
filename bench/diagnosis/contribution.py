"""Examine whether a folder's records are fit to be contributed, machine by machine.

The newest finished record of each case counts, as in the tables; grids are left out,
since their cases run side by side by design, and what recipes changed is not compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.diagnosis.finding import Finding, Situation
from bench.records import store
from bench.records.identity import digest_case
from bench.records.schema import Record
from bench.reporting.format import rate
from bench.reporting.metrics.roofline import train_flops
from fmnist_jax.learner import default_models

TOPIC = "contribution"
APART = 1.5  # probes of one machine that differ by more were not taken at rest


def examine(situation: Situation) -> list[Finding]:
    """Examine the folder's own records; without any, those that came with it.

    The latter are for their owner to mend: what speaks against them is no warning here.
    """
    folder = store.read_folder_id(situation.results)
    own = [r for r in situation.records if folder and r.run.folder == folder]
    findings = []
    if not own:
        text = f"no record of your own in {situation.results}"
        text += "; these came with it:" if situation.records else ""
        findings = [Finding(TOPIC, "ok", text, "python -m bench run --all --jobs 1")]
    counted = newest(own or situation.records)
    machines = sorted({record.machine.id for record in counted})
    here = situation.host.machine.id if situation.host else None
    for machine in machines:
        of_machine = [r for r in counted if r.machine.id == machine]
        judged = judge(machine, of_machine, is_here=machine == here)
        findings += judged if own else [replace(found, status="ok", remedy="") for found in judged]
    return findings


def newest(records: Sequence[Record]) -> list[Record]:
    """Return the newest finished record of each case and machine, outside grids and recipes."""
    found: dict[tuple[str, str], Record] = {}
    for record in sorted(records, key=lambda record: record.run.started):
        if record.run.status == "ok" and not record.case.is_variant:
            found[record.machine.id, digest_case(record.case)] = record
    return list(found.values())


def judge(machine: str, records: Sequence[Record], is_here: bool = True) -> list[Finding]:
    """Return what speaks against these records of one machine, or that nothing does."""
    where = "" if is_here else f"on {machine}: "
    found = list(_objections(records))
    facts = {"machine": machine, "fit": not found, "records": len(records)}
    if not found:
        text = f"{machine}: {len(records)} record(s) are fit"
        return [Finding(TOPIC, "ok", text, f"git add results/{machine}", facts)]
    return [
        Finding(TOPIC, "warning", f"{machine}: {text}", where + remedy, facts)
        for text, remedy in found
    ]


def _objections(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, with the models that it concerns, and the command that mends it."""
    again = "python -m bench run {} --fresh --jobs 1"
    own_commit = "commit or undo the changes of the code, then " + again
    peak = max((r.machine.probe.matmul_flops or 0.0 for r in records), default=0.0)
    cases = [
        ("made of synthetic data",
         "export FMNIST_DATA_DIR=FOLDER, with the real data, then " + again,
         [r for r in records if r.case.synthetic]),
        ("timed beside other work, or side by side", "end other programs, then " + again,
         [r for r in records if r.run.contended]),
        ("made by code that no commit has", own_commit,
         [r for r in records if r.code.commit is None or r.code.dirty]),
        ("without a probe of the machine", again,
         [r for r in records if not r.machine.probe.matmul_flops
          or not r.machine.probe.bandwidth_bytes]),
        (f"probed at less than two thirds of the {rate(peak)}FLOP/s of another run, so other work "
         "ran then", "end other programs, then " + again,
         [r for r in records if 0 < (r.machine.probe.matmul_flops or 0) < peak / APART]),
        ("faster in training than the machine's probe", again,
         [r for r in records if (train_flops(r) or 0) > (r.machine.probe.matmul_flops or 1e99)]),
    ]  # fmt: skip
    for text, remedy, concerned in cases:
        if concerned:
            models = sorted({record.case.model for record in concerned})
            yield f"{', '.join(models)} {text}", remedy.format(" ".join(models))
    if lacking := sorted(set(default_models()) - {record.case.model for record in records}):
        yield f"no finished record of {', '.join(lacking)}", again.format(" ".join(lacking))

"""Define the part of a record that is the same for every case of a run."""

from pydantic import BaseModel, ConfigDict

from bench.records.schema import Code, Machine, Software


class Provenance(BaseModel):
    """Where and how a command runs its cases.

    Attributes:
        machine: the hardware.
        software: versions and settings.
        code: the suite itself.
        command: the command line.
        folder: the identity of the results folder; null while no folder is involved.
    """

    model_config = ConfigDict(frozen=True)

    machine: Machine
    software: Software
    code: Code
    command: str
    folder: str | None = None

    @property
    def accelerated(self) -> bool:
        """Whether networks run on an accelerator rather than on the CPU."""
        return self.machine.accelerator is not None

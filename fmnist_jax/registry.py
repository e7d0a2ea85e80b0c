"""Names resolve here.

An entry is one decorated definition in one file of a registry's packages:

    @LEARNERS.register("resnet")
    class ResNet(FlaxConfig):
        '''The summary that `python -m bench list` shows.'''

The files are discovered, never listed by hand, and discovery reads the source
instead of importing it: showing the catalogue loads no jax, and resolving one
name imports that entry's module alone.
"""

import ast
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar

from fmnist_jax.errors import UserError, nearest

T = TypeVar("T")


@dataclass(frozen=True)
class Listing:
    """What is known of an entry before it is imported."""

    name: str
    module: str
    summary: str


class Registry(Generic[T]):
    """A catalogue of named definitions spread over the files of some packages.

    Args:
        kind: what an entry is, for messages ("model", "dataset").
        variable: the name under which entries refer to this registry, which is
            how their decorators are recognised in the source.
        packages: dotted names of the packages whose modules hold the entries.
    """

    def __init__(self, kind: str, variable: str, *packages: str) -> None:
        self.kind = kind
        self._variable = variable
        self._packages = packages
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorate the definition of entry `name`.

        Raises:
            ValueError: the name is taken.
        """

        def decorate(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return decorate

    @cached_property
    def catalogue(self) -> dict[str, Listing]:
        """Every entry by name, in order of package and file, without importing any.

        Raises:
            ValueError: two files register the same name.
        """
        listings: dict[str, Listing] = {}
        for package in self._packages:
            for path in _module_files(package):
                for found in self._read(f"{package}.{path.stem}", path):
                    if found.name in listings:
                        other = listings[found.name].module
                        raise ValueError(
                            f"{self.kind} {found.name!r} is registered twice: "
                            f"{other} and {found.module}"
                        )
                    listings[found.name] = found
        return listings

    def _read(self, module: str, path: Path) -> Iterator[Listing]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                match decorator:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id=variable), attr="register"),
                        args=[ast.Constant(value=str(name))],
                    ) if variable == self._variable:
                        summary = (ast.get_docstring(node) or "").partition("\n")[0]
                        yield Listing(name, module, summary)

    def check(self, name: str) -> Listing:
        """The listing of `name`.

        Raises:
            UserError: no such entry; the message names the nearest one.
        """
        if name not in self.catalogue:
            raise UserError(f"unknown {self.kind} {name!r}: {nearest(name, self.catalogue)}")
        return self.catalogue[name]

    def __getitem__(self, name: str) -> T:
        """The entry, importing its module on first use.

        Raises:
            UserError: no such entry; the message names the nearest one.
        """
        if name not in self._entries:
            importlib.import_module(self.check(name).module)
        return self._entries[name]


def _module_files(package: str) -> list[Path]:
    spec: ModuleSpec | None = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ValueError(f"{package} is not a package")
    locations = list(spec.submodule_search_locations)
    names = sorted(m.name for m in pkgutil.iter_modules(locations) if not m.ispkg)
    return [p for n in names for d in locations if (p := Path(d) / f"{n}.py").is_file()]

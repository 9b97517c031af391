"""The imports of modules, read from their source without running it.

A text that is the dotted name of a module in the folder counts: the tables of activities and routes hold modules that
are imported at the first call.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_DOTTED = re.compile(r"\w+(\.\w+)+")


class Imported:
    """The names that modules of a folder import: `a.b`, and for `from a.b import c` also `a.b.c`, module or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: set[str] = set()

    def by(self, file: Path) -> set[str]:
        """The names in one module, which is a path in the folder."""
        found = _Names()
        found.visit(ast.parse((self.folder / file).read_bytes()))
        found.names |= {text for text in found.texts if any(self.files_of(text))}
        self.names |= found.names
        return found.names

    def files_of(self, name: str) -> Iterator[Path]:
        """The files that an import of this name runs: the module and the packages above it."""
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            path = Path(*parts[:depth])
            for file in (path / "__init__.py", path.with_suffix(".py")):
                if (self.folder / file).is_file():
                    yield file


def reach(imported: Imported, start: Path) -> set[Path]:
    """The files that run if `start` is imported and all functions are called."""
    reached, waiting = set[Path](), [start]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += (found for name in imported.by(file) for found in imported.files_of(name))
    return reached


class _Names(ast.NodeVisitor):
    def __init__(self) -> None:
        self.names: set[str] = set()
        self.texts: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.names |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and not node.level:
            self.names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _DOTTED.fullmatch(node.value):
            self.texts.add(node.value)

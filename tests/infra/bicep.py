"""Bicep files as tree-sitter reads them: what each declares, and how to find one's way in it.

No Bicep compiler comes from a package registry. This knows the part of the language that infra/ keeps to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

LANGUAGE = Language(tree_sitter_bicep.language())


@dataclass(frozen=True)
class Symbol:
    """A declaration. `type` is a parameter's or output's type, a resource's `Type@version`, a module's path."""

    kind: str
    name: str
    node: Node
    type: str = ""
    value: Node | None = None
    existing: bool = False
    decorators: dict[str, Node] = field(default_factory=dict)

    @property
    def body(self) -> Node:
        """The object of a resource or module, out of its condition and its loop."""
        node = self.value
        while node is not None and node.type in {"if_statement", "for_statement"}:
            node = inner(node)
        assert node is not None
        return node

    @property
    def is_loop(self) -> bool:
        return self.value is not None and self.value.type == "for_statement"

    @property
    def line(self) -> int:
        return self.node.start_point.row + 1


class File:
    """One Bicep file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.read_bytes()
        self.root = Parser(LANGUAGE).parse(self.source).root_node

    @cached_property
    def scope(self) -> str:
        for node in self.root.named_children:
            if node.type == "target_scope_assignment":
                return string_of(node.named_children[-1])
        return "resourceGroup"

    @cached_property
    def symbols(self) -> list[Symbol]:
        found: list[Symbol] = []
        decorators: dict[str, Node] = {}
        for node in self.root.named_children:
            if node.type == "decorators":
                calls = [child for each in node.named_children for child in each.named_children]
                decorators = {text(part(call, "function")): call for call in calls}
            elif symbol := _symbol(node, decorators):
                found.append(symbol)
                decorators = {}
        return found

    def of_kind(self, *kinds: str) -> dict[str, Symbol]:
        return {symbol.name: symbol for symbol in self.symbols if symbol.kind in kinds}


def text(node: Node) -> str:
    return (node.text or b"").decode()


def part(node: Node, name: str) -> Node:
    found = node.child_by_field_name(name)
    assert found is not None, f"{node.type} has no {name}"
    return found


def inner(node: Node) -> Node:
    """What a condition or a loop holds."""
    return node.named_children[-1]


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def string_of(node: Node) -> str:
    """A string without interpolation."""
    return "".join(text(child).replace("\\'", "'").replace("\\\\", "\\") for child in node.named_children)


def properties(node: Node) -> Iterator[tuple[str | None, Node, Node]]:
    """Of an object: each name (None where it is interpolated), the node of the name, and its value."""
    for child in node.named_children:
        if child.type == "object_property":
            key, value = [each for each in child.named_children if each.type != "comment"]
            interpolated = any(each.type == "interpolation" for each in key.named_children)
            name = string_of(key) if key.type == "string" else text(key)
            yield None if interpolated else name, key, value


def member_of(node: Node, name: str) -> Node | None:
    return next((value for key, _, value in properties(node) if key == name), None)


def chain_of(node: Node) -> tuple[str, list[str]] | None:
    """Of `a.b[0].c` the name `a` and its members `b`, `[]`, `c`; None if it does not begin with a name."""
    members: list[str] = []
    while node.type in {"member_expression", "subscript_expression"}:
        subscript = node.type == "subscript_expression"
        members.insert(0, "[]" if subscript else text(part(node, "property")))
        node = part(node, "object")
        # The grammar takes what follows `:` or an operator for a member of the whole expression.
        while node.type in {"ternary_expression", "binary_expression"}:
            node = node.named_children[-1]
    return (text(node), members) if node.type == "identifier" else None


def _symbol(node: Node, decorators: dict[str, Node]) -> Symbol | None:
    kind = node.type.removesuffix("_declaration")
    if kind not in {"parameter", "variable", "resource", "module", "output"}:
        return None
    rest = [child for child in node.named_children if child.type != "comment"]
    name = text(rest[0])
    if kind in {"parameter", "output"}:
        value = rest[2] if len(rest) > 2 else None
        return Symbol(kind, name, node, text(rest[1]), value, decorators=decorators)
    if kind == "variable":
        return Symbol(kind, name, node, value=rest[1], decorators=decorators)
    existing = any(child.type == "existing" for child in node.children)
    return Symbol(kind, name, node, string_of(rest[1]), rest[2], existing, decorators)

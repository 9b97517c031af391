"""Bicep files as tree-sitter reads them: what each declares, and what its expressions come to as far as that is known.

No Bicep compiler comes from a package registry. This knows the part of the language that infra/ keeps to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

LANGUAGE = Language(tree_sitter_bicep.language())


@dataclass(frozen=True)
class Unknown:
    """A value that deployment will tell, of a type that is known: `string`, `int`, `bool`, `array`, `object`, `any`."""

    type: str = "any"


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    options: tuple[Any, ...]


@dataclass(frozen=True)
class Repeated:
    """An array of as many of these as a loop has turns."""

    item: Any


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

    def declared(self, symbol: Symbol) -> Any:
        """The object of a resource or module, in a loop that of each turn."""
        assert symbol.value is not None
        value = self.value(symbol.value)
        return value.item if isinstance(value, Repeated) else value

    def value(self, node: Node, loops: dict[str, Any] | None = None) -> Any:
        """What an expression comes to: JSON values, with Unknown, Choice and Repeated where only deployment tells."""
        return _Evaluation(self, loops or {}).of(node)


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


class _Evaluation:
    def __init__(self, file: File, loops: dict[str, Any]) -> None:
        self._file = file
        self._loops = loops

    def of(self, node: Node) -> Any:
        if node.type in {"member_expression", "subscript_expression"}:
            return self._member(node)
        evaluate = getattr(self, f"_{node.type}", None)
        return evaluate(node) if evaluate else Unknown()

    def _string(self, node: Node) -> Any:
        return Unknown("string") if any(c.type == "interpolation" for c in node.named_children) else string_of(node)

    def _number(self, node: Node) -> int:
        return int(text(node))

    def _boolean(self, node: Node) -> bool:
        return text(node) == "true"

    def _null(self, node: Node) -> None:  # noqa: ARG002
        return None

    def _array(self, node: Node) -> list[Any]:
        return [self.of(child) for child in node.named_children if child.type != "comment"]

    def _object(self, node: Node) -> dict[str, Any]:
        return {name or text(key): self.of(value) for name, key, value in properties(node)}

    def _parenthesized_expression(self, node: Node) -> Any:
        return self.of(node.named_children[0])

    def _ternary_expression(self, node: Node) -> Choice:
        return Choice((self.of(part(node, "consequence")), self.of(part(node, "alternative"))))

    def _unary_expression(self, node: Node) -> Unknown:
        return Unknown("bool" if text(node).startswith("!") else "int")

    def _binary_expression(self, node: Node) -> Any:
        left, operator, right = node.children
        if operator.type == "??":
            return Choice((self.of(left), self.of(right)))
        return Unknown("int" if operator.type in {"+", "-", "*", "/", "%"} else "bool")

    def _for_statement(self, node: Node) -> Repeated:
        *names, iterated, body = node.named_children
        declared = [c for each in names for c in (each.named_children or [each])]
        turns = self.of(iterated)
        item = Choice(tuple(turns)) if isinstance(turns, list) and turns else Unknown()
        bound = dict(zip(map(text, declared), (item, Unknown("int")), strict=False))
        return Repeated(_Evaluation(self._file, {**self._loops, **bound}).of(body))

    def _if_statement(self, node: Node) -> Any:
        return self.of(inner(node))

    def _identifier(self, node: Node) -> Any:
        name = text(node)
        if name in self._loops:
            return self._loops[name]
        symbol = self._file.of_kind("parameter", "variable").get(name)
        if symbol is None:
            return Unknown()
        if symbol.kind == "variable" and symbol.value is not None:
            return self.of(symbol.value)
        allowed = symbol.decorators.get("allowed")
        if allowed is not None:
            return Choice(tuple(self.of(part(allowed, "arguments").named_children[0])))
        return Unknown(symbol.type)

    def _call_expression(self, node: Node) -> Any:
        name = text(part(node, "function"))
        arguments = [self.of(each) for each in part(node, "arguments").named_children]
        if name == "union" and all(isinstance(each, dict) for each in arguments):
            return {key: value for each in arguments for key, value in each.items()}
        if name == "concat" and all(isinstance(each, list) for each in arguments):
            return [item for each in arguments for item in each]
        return Unknown(RETURNS.get(name, "any"))

    def _member(self, node: Node) -> Any:
        target = part(node, "object")
        if target.type == "ternary_expression":
            # The grammar takes `c ? a : b.d` for a member of the whole; it is one of `b`.
            *_, alternative = target.named_children
            return Choice((self.of(part(target, "consequence")), self._within(self.of(alternative), node)))
        return self._within(self.of(target), node)

    def _within(self, value: Any, node: Node) -> Any:
        if isinstance(value, Choice):
            return Choice(tuple(self._within(option, node) for option in value.options))
        key = text(part(node, "property")) if node.type == "member_expression" else self.of(part(node, "index"))
        if isinstance(value, dict):
            if isinstance(key, str):
                return value.get(key, Unknown())
            keys = key.options if isinstance(key, Choice) else value
            return Choice(tuple(value[each] for each in keys))
        if isinstance(value, list):
            return value[key] if isinstance(key, int) else Choice(tuple(value))
        return Unknown()


# What the functions that infra/ uses return, and how many arguments each takes at least and at most.
RETURNS = {
    "concat": "array", "contains": "bool", "empty": "bool", "environment": "object", "guid": "string",
    "items": "array", "join": "string", "last": "any", "length": "int", "loadJsonContent": "object",
    "loadTextContent": "string", "replace": "string", "resourceGroup": "object", "split": "array", "string": "string",
    "subscription": "object", "subscriptionResourceId": "string", "tenant": "object", "toLower": "string",
    "trim": "string", "union": "object", "uniqueString": "string",
}  # fmt: skip
ARGUMENTS = {
    "concat": (2, 99), "contains": (2, 2), "empty": (1, 1), "environment": (0, 0), "guid": (1, 99), "items": (1, 1),
    "join": (2, 2), "last": (1, 1), "length": (1, 1), "loadJsonContent": (1, 3), "loadTextContent": (1, 2),
    "replace": (3, 3), "resourceGroup": (0, 2), "split": (2, 2), "string": (1, 1), "subscription": (0, 1),
    "subscriptionResourceId": (2, 99), "tenant": (0, 0), "toLower": (1, 1), "trim": (1, 1), "union": (2, 99),
    "uniqueString": (1, 99), "allowed": (1, 1), "description": (1, 1), "maxLength": (1, 1), "maxValue": (1, 1),
    "metadata": (1, 1), "minLength": (1, 1), "minValue": (1, 1), "secure": (0, 0),
}  # fmt: skip

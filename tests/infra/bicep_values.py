"""What expressions of a Bicep file come to, as far as that is known before a deployment."""

from dataclasses import dataclass
from typing import Any

from tree_sitter import Node

from tests.infra.bicep import File, Symbol, inner, part, properties, string_of, text


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


def value_of(file: File, node: Node) -> Any:
    """JSON values, with Unknown, Choice and Repeated where only deployment tells."""
    return _Evaluation(file, {}).of(node)


def declared(file: File, symbol: Symbol) -> Any:
    """The object of a resource or module; in a loop that of each turn."""
    assert symbol.value is not None
    value = value_of(file, symbol.value)
    return value.item if isinstance(value, Repeated) else value


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


# What the functions that infra/ uses return.
RETURNS = {
    "concat": "array", "contains": "bool", "empty": "bool", "environment": "object", "guid": "string",
    "items": "array", "join": "string", "last": "any", "length": "int", "loadJsonContent": "object",
    "loadTextContent": "string", "replace": "string", "resourceGroup": "object", "split": "array", "string": "string",
    "subscription": "object", "subscriptionResourceId": "string", "tenant": "object", "toLower": "string",
    "trim": "string", "union": "object", "uniqueString": "string",
}  # fmt: skip

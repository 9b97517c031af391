"""What a Bicep compiler says of names, within a file and between files. Each check returns what is wrong, in words."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.infra.bicep import (
    File,
    Symbol,
    chain_of,
    member_of,
    part,
    properties,
    string_of,
    text,
    walk,
)
from tests.infra.bicep_values import Choice, Repeated, Unknown, value_of

# Members of the functions and of every resource, as far as infra/ uses them.
_OF_RESOURCE = {"id", "name", "type", "location", "properties", "identity"}
_OF_MODULE = {"name", "scope", "params", "dependsOn"}
_TYPES = {str: "string", bool: "bool", int: "int", list: "array", dict: "object"}


def files(infra: Path) -> list[File]:
    return [File(path) for path in sorted(infra.rglob("*.bicep"))]


def check_parse(infra: Path) -> list[str]:
    """Every file parses."""
    return [
        f"{file.path.name}:{node.start_point.row + 1}: cannot be parsed"
        for file in files(infra)
        for node in walk(file.root)
        if node.type == "ERROR" or node.is_missing
    ]


def check_names(infra: Path) -> list[str]:
    """Every name is declared, once; every function and decorator is known, with so many arguments."""
    return [found for file in files(infra) for found in (*_undeclared(file), *_repeated(file), *_functions(file))]


def check_unused(infra: Path) -> list[str]:
    """Every parameter and variable is used."""
    return [
        f"{file.path.name}:{symbol.line}: {symbol.kind} {symbol.name} is not used"
        for file in files(infra)
        for symbol in file.of_kind("parameter", "variable").values()
        if symbol.name not in {name for name, _ in _used(file)}
    ]


def check_modules(infra: Path) -> list[str]:
    """Every module is there, in its scope, given what it needs and nothing else; what is read of it, it puts out."""
    known = {file.path.resolve(): file for file in files(infra)}
    found: list[str] = []
    for file in known.values():
        for module in file.of_kind("module").values():
            at = f"{file.path.name}:{module.line}: module {module.name}"
            target = known.get((file.path.parent / module.type).resolve())
            if target is None:
                found.append(f"{at}: there is no {module.type}")
                continue
            found += [f"{at}: {problem}" for problem in (*_scope(module, file, target), *_given(module, file, target))]
        found += _members(file, known)
    return found


def check_loaded_files(infra: Path) -> list[str]:
    """Every file that is loaded is there; what is read of a loaded object is in it."""
    return [found for file in files(infra) for found in _loaded(file)]


def check_parameters(infra: Path) -> list[str]:
    """main.parameters.json gives what main.bicep takes, in its type, and leaves out nothing that is required."""
    declared = File(infra / "main.bicep").of_kind("parameter")
    given = json.loads((infra / "main.parameters.json").read_text())["parameters"]
    found = [f"main.parameters.json: main.bicep takes no {name}" for name in given if name not in declared]
    found += [
        f"main.parameters.json: {name} is missing"
        for name, symbol in declared.items()
        if symbol.value is None and name not in given
    ]
    return found + [
        f"main.parameters.json: {name} is {_type_of(value['value'])}, not {declared[name].type}"
        for name, value in given.items()
        if name in declared and _type_of(value["value"]) != declared[name].type
    ]


def _used(file: File) -> Iterator[tuple[str, Node]]:
    """Every identifier that stands for a value, and where."""
    for node in walk(file.root):
        if node.type != "identifier" or node.parent is None:
            continue
        parent = node.parent
        names = parent.named_children
        declares = parent.type.endswith("_declaration") and names[0] == node
        is_key = parent.type == "object_property" and next(n for n in names if n.type != "comment") == node
        calls = parent.type == "call_expression" and part(parent, "function") == node
        loops = parent.type == "for_statement" and names[0] == node
        if not (declares or is_key or calls or loops):
            yield text(node), node


def _loop_names(node: Node) -> set[str]:
    """The variables of the loops that a node stands in."""
    found: set[str] = set()
    at: Node | None = node
    while at is not None:
        if at.type == "for_statement":
            first = at.named_children[0]
            found |= {text(each) for each in (first.named_children or [first])}
        at = at.parent
    return found


def _undeclared(file: File) -> Iterator[str]:
    declared = set(file.of_kind("parameter", "variable", "resource", "module"))
    for name, node in _used(file):
        if name not in declared | _loop_names(node):
            yield f"{file.path.name}:{node.start_point.row + 1}: {name} is not declared"


def _repeated(file: File) -> Iterator[str]:
    counts = Counter(symbol.name for symbol in file.symbols if symbol.kind != "output")
    counts.update(Counter(f"output {symbol.name}" for symbol in file.symbols if symbol.kind == "output"))
    for name, count in counts.items():
        if count > 1:
            yield f"{file.path.name}: {name} is declared {count} times"


def _functions(file: File) -> Iterator[str]:
    for node in walk(file.root):
        if node.type == "call_expression":
            name, given = text(part(node, "function")), len(part(node, "arguments").named_children)
            at = f"{file.path.name}:{node.start_point.row + 1}: {name}"
            if name not in ARGUMENTS:
                yield f"{at} is no function that is known here"
            elif not ARGUMENTS[name][0] <= given <= ARGUMENTS[name][1]:
                yield f"{at} takes {ARGUMENTS[name][0]} to {ARGUMENTS[name][1]} arguments, not {given}"


def _scope(module: Symbol, file: File, target: File) -> Iterator[str]:
    """A module of another scope than its file says where it goes; resourceGroup(...) or a group, subscription(...)."""
    scope = member_of(module.body, "scope")
    if scope is None:
        if target.scope != file.scope:
            yield f"{module.type} is for a {target.scope}, its caller for a {file.scope}: it needs a scope"
        return
    if scope.type == "call_expression":
        goes_to = text(part(scope, "function"))
    else:
        base = chain_of(scope)
        resource = file.of_kind("resource").get(base[0] if base else "")
        is_group = resource is not None and resource.type.startswith("Microsoft.Resources/resourceGroups@")
        goes_to = "resourceGroup" if is_group else "nothing known"
    if goes_to != target.scope:
        yield f"{module.type} is for a {target.scope}, its scope is {goes_to}"


def _given(module: Symbol, file: File, target: File) -> Iterator[str]:
    yield from (f"{key} is no property of a module" for key, _, _ in properties(module.body) if key not in _OF_MODULE)
    takes = target.of_kind("parameter")
    params = member_of(module.body, "params")
    given = {key or "": value for key, _, value in properties(params)} if params else {}
    yield from (f"{module.type} takes no parameter {name}" for name in given if name not in takes)
    yield from (
        f"{module.type} needs the parameter {name}"
        for name, symbol in takes.items()
        if symbol.value is None and name not in given
    )
    for name, node in given.items():
        if name in takes:
            wrong = {_type_of(each) for each in _options(value_of(file, node))} - {takes[name].type, "any", "null"}
            yield from (f"the parameter {name} is {kind}, not {takes[name].type}" for kind in sorted(wrong))


def _options(value: Any) -> Iterator[Any]:
    if isinstance(value, Choice):
        for option in value.options:
            yield from _options(option)
    else:
        yield value


def _type_of(value: Any) -> str:
    if isinstance(value, Unknown):
        return value.type
    return "null" if value is None else "array" if isinstance(value, Repeated) else _TYPES[type(value)]


def _members(file: File, known: dict[Path, File]) -> Iterator[str]:
    """What is read of a module is among its outputs, what is read of a resource among what resources have."""
    modules, resources = file.of_kind("module"), file.of_kind("resource")
    for node in walk(file.root):
        inside_another = node.parent is not None and node.parent.type in {"member_expression", "subscript_expression"}
        chain = chain_of(node) if node.type == "member_expression" and not inside_another else None
        if chain is None:
            continue
        name, members = chain[0], [member for member in chain[1] if member != "[]"]
        at = f"{file.path.name}:{node.start_point.row + 1}: {name}.{'.'.join(members)}"
        if name in modules and members:
            target = known.get((file.path.parent / modules[name].type).resolve())
            if members[0] != "outputs" or (target and members[1] not in target.of_kind("output")):
                yield f"{at}: {modules[name].type} puts out no such thing"
        elif name in resources and members and members[0] not in _OF_RESOURCE:
            yield f"{at}: no resource has it"


def _loaded(file: File) -> Iterator[str]:
    objects: dict[str, Any] = {}
    for symbol in file.symbols:
        for node in walk(symbol.node):
            if node.type == "call_expression" and text(part(node, "function")).startswith("load"):
                path = file.path.parent / string_of(part(node, "arguments").named_children[0])
                if not path.is_file():
                    yield f"{file.path.name}:{node.start_point.row + 1}: there is no {path.name}"
                elif symbol.kind == "variable" and node == symbol.value:
                    objects[symbol.name] = json.loads(path.read_text())
    for node in walk(file.root):
        chain = chain_of(node) if node.type == "member_expression" else None
        if chain and chain[0] in objects and chain[1][0] not in objects[chain[0]]:
            yield f"{file.path.name}:{node.start_point.row + 1}: the file loaded has no {chain[1][0]}"


# How many arguments the functions and decorators that infra/ uses take, at least and at most.
ARGUMENTS = {
    "concat": (2, 99), "contains": (2, 2), "empty": (1, 1), "environment": (0, 0), "guid": (1, 99), "items": (1, 1),
    "join": (2, 2), "last": (1, 1), "length": (1, 1), "loadJsonContent": (1, 3), "loadTextContent": (1, 2),
    "replace": (3, 3), "resourceGroup": (0, 2), "split": (2, 2), "string": (1, 1), "subscription": (0, 1),
    "subscriptionResourceId": (2, 99), "tenant": (0, 0), "toLower": (1, 1), "trim": (1, 1), "union": (2, 99),
    "uniqueString": (1, 99), "allowed": (1, 1), "description": (1, 1), "maxLength": (1, 1), "maxValue": (1, 1),
    "metadata": (1, 1), "minLength": (1, 1), "minValue": (1, 1), "secure": (0, 0),
}  # fmt: skip

"""Resources held to the published schemas: api-version, names of properties, their types, what is required."""

from pathlib import Path

from tests.infra.azure_mcp import definitions_of
from tests.infra.bicep import File, Symbol, chain_of, member_of
from tests.infra.bicep_values import declared
from tests.infra.schema_model import NoSchemaError
from tests.infra.schemas import check, schema_of
from tests.infra.symbols import files


def check_api_versions(infra: Path) -> list[str]:
    """Each resource is in the version whose schema is published: the newest stable one that is known offline."""
    return [
        f"{file.path.name}:{symbol.line}: {symbol.type} is not {_type(symbol)}@{schema_of(_type(symbol)).version}"
        for file, symbol in _resources(infra)
        if symbol.type != f"{_type(symbol)}@{schema_of(_type(symbol)).version}"
    ]


def check_resource_types(infra: Path) -> list[str]:
    """Each resource is of a type that a public package tells of."""
    found = []
    for file, symbol in _resources(infra):
        try:
            schema_of(_type(symbol))
        except NoSchemaError:
            found.append(f"{file.path.name}:{symbol.line}: no public schema of {_type(symbol)}")
    return found


def check_properties(infra: Path) -> list[str]:
    """Each resource sends what its schema takes, in its types, and all that is required."""
    found = []
    for file, symbol in _resources(infra):
        at = f"{file.path.name}:{symbol.line}: {symbol.name}"
        value = declared(file, symbol)
        if symbol.existing:
            found += [
                f"{at}.{name}: an existing resource has only a name" for name in value.keys() - {"name", "parent"}
            ]
        else:
            found += check(value, schema_of(_type(symbol)).body, at)
    return found


def check_parents(infra: Path) -> list[str]:
    """The parent of a resource is of the type that its own type begins with."""
    found = []
    for file, symbol in _resources(infra):
        parent = member_of(symbol.body, "parent")
        named = chain_of(parent) if parent else None
        above = file.of_kind("resource").get(named[0]) if named else None
        if above is not None and _type(symbol).rpartition("/")[0] != _type(above):
            found.append(f"{file.path.name}:{symbol.line}: a {_type(symbol)} is no child of a {_type(above)}")
        elif _type(symbol).count("/") > 1 and above is None:
            found.append(f"{file.path.name}:{symbol.line}: a {_type(symbol)} needs a parent")
    return found


def _resources(infra: Path) -> list[tuple[File, Symbol]]:
    found = [(file, symbol) for file in files(infra) for symbol in file.of_kind("resource").values()]
    definitions_of({_type(symbol) for _, symbol in found})
    return found


def _type(symbol: Symbol) -> str:
    return symbol.type.partition("@")[0]

"""Schemas out of Bicep's own type definitions, as the Azure MCP server tells them."""

from typing import Any

from tests.infra.schema_model import Array, Literals, Object, Property, Schema


def schema_in(definitions: list[dict[str, Any]], resource_type: str) -> Schema:
    return _Published(definitions).schema(resource_type)


class _Published:
    """The server's answer: resources and the types that they name."""

    def __init__(self, answer: list[dict[str, Any]]) -> None:
        self._resources = [each for each in answer if each["$type"] == "Resource"]
        self._types = {each["name"]: each for each in answer if each["$type"].endswith("Object")}
        self._made: dict[str, Object] = {}

    def schema(self, resource_type: str) -> Schema:
        [found] = [each for each in self._resources if each["name"].lower().startswith(f"{resource_type.lower()}@")]
        body = self._object(found["bodyType"])
        # What Bicep says by the declaration itself, or as relations of resources.
        for each in (body, *body.kinds.values()):
            each.properties.update({name: Property("any") for name in ("parent", "scope", "dependsOn")})
        return Schema(found["name"].partition("@")[2], body)

    def _object(self, told: dict[str, Any]) -> Object:
        made = Object(told.get("name") or "resource")
        self._made[made.name] = made
        listed = told.get("properties") or told.get("baseProperties") or ()
        made.properties = {each["name"]: self._property(each) for each in listed}
        if told.get("additionalPropertiesType"):
            made.others = self._type(told["additionalPropertiesType"])
        if told["$type"] == "DiscriminatedObject":
            made.discriminator = told["discriminator"]
            for element in told["elements"]:
                [literal] = [each["type"] for each in element["properties"] if each["name"] == made.discriminator]
                made.kinds[literal] = self._object(element)
                # The literal may be the name of a type as well.
                made.kinds[literal].properties[made.discriminator] = Property("any", required=True)
        return made

    def _property(self, told: dict[str, Any]) -> Property:
        flags = told.get("flags") or ""
        return Property(self._type(told["type"]), "Required" in flags, "ReadOnly" in flags)

    def _type(self, told: str) -> Any:
        if told.endswith("[]"):
            return Array(self._type(told[:-2]))
        if told in {"string", "int", "bool", "any", "object"}:
            return told
        if told in self._made or told in self._types:
            return self._made.get(told) or self._object(self._types[told])
        # An enumeration. One that is open says so by `string`: a value that it does not list is a doubt all the same.
        return Literals(frozenset(told.split(" | ")) - {"string"})

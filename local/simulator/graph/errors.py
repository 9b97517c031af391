"""Errors of Resource Graph: one error code for all, with the reason in its details."""

import uuid

from local.simulator.errors import ArmError
from local.simulator.wire import Json

_INVALID = {
    "code": "InvalidQuery",
    "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the "
    "error before retrying.",
}


class QueryError(Exception):
    """`details` are the details of the error body."""

    def __init__(self, *details: Json) -> None:
        super().__init__(details[-1]["message"])
        self.details = list(details)


def unparsable(**where: object) -> QueryError:
    """The text is not a query (seen in Azure/aztfexport#485)."""
    return QueryError(_INVALID, {"code": "ParserFailure", "message": "ParserFailure", **where})


def unsupported(word: str) -> QueryError:
    """An operator that Resource Graph does not have (seen in Azure/azure-powershell#13762)."""
    more = {"line": -1, "characterPositionInLine": -1, "token": word}
    return QueryError(_INVALID, {"code": "InvalidQueryLanguage", "message": "InvalidQueryLanguage", **more})


def no_table(name: str) -> QueryError:
    """Seen in Azure/azqr#847."""
    message = f"Table {name} is invalid, unsupported or disallowed."
    return QueryError({"code": "DisallowedLogicalTableName", "message": message})


def meaningless(message: str) -> QueryError:
    """A query that can be parsed but is invalid, such as an unknown column. Kusto's message; the code is invented."""
    return QueryError(_INVALID, {"code": "SemanticError", "message": message})


def refusal(stamp: str, status: int, code: str, details: list[Json], headers: dict[str, str] | None = None) -> ArmError:
    """The message is the same for every reason."""
    message = f"Please provide below info when asking for support: timestamp = {stamp}, correlationId = {uuid.uuid4()}."
    return ArmError(status, code, message, details=details, headers=headers)

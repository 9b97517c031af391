"""How Resource Graph refuses a query: one error of the gateway, with what is wrong in its details."""

import uuid

from local.simulator.errors import ArmError
from local.simulator.wire import Json

_INVALID = {
    "code": "InvalidQuery",
    "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the "
    "error before retrying.",
}


class QueryError(Exception):
    """`details` are those of the answer."""

    def __init__(self, *details: Json) -> None:
        super().__init__(details[-1]["message"])
        self.details = list(details)


def unparsable(**where: object) -> QueryError:
    """What is no query (seen in Azure/aztfexport#485)."""
    return QueryError(_INVALID, {"code": "ParserFailure", "message": "ParserFailure", **where})


def unsupported(word: str) -> QueryError:
    """An operator that Kusto may have and Resource Graph has not (seen in Azure/azure-powershell#13762)."""
    more = {"line": -1, "characterPositionInLine": -1, "token": word}
    return QueryError(_INVALID, {"code": "InvalidQueryLanguage", "message": "InvalidQueryLanguage", **more})


def no_table(name: str) -> QueryError:
    """Seen in Azure/azqr#847."""
    message = f"Table {name} is invalid, unsupported or disallowed."
    return QueryError({"code": "DisallowedLogicalTableName", "message": message})


def meaningless(message: str) -> QueryError:
    """What can be parsed and means nothing: a column that is not there. The words are Kusto's, the code is invented."""
    return QueryError(_INVALID, {"code": "SemanticError", "message": message})


def refusal(stamp: str, status: int, code: str, details: list[Json], headers: dict[str, str] | None = None) -> ArmError:
    """Whatever is wrong, the message says nothing of it."""
    message = f"Please provide below info when asking for support: timestamp = {stamp}, correlationId = {uuid.uuid4()}."
    return ArmError(status, code, message, details=details, headers=headers)

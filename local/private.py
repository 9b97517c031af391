"""What the processes of this package keep to themselves."""

import logging
import os


def keep_private() -> None:
    """From now on only the owner may read the files that this process makes, for there are keys in them, and what is in
    Azure; and a request that the web server cannot parse is logged without its text, for there are keys in that."""
    os.umask(0o077)
    logging.getLogger("aiohttp.server").addFilter(_without_the_request)


def _without_the_request(record: logging.LogRecord) -> bool:
    from aiohttp.http_exceptions import HttpProcessingError

    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args, record.exc_info = "Malformed request: %s", (type(error).__name__,), None
    return True

"""Paths of requests as the platform's web server reads them."""

import re
from urllib.parse import quote, unquote_to_bytes

_ENCODED = re.compile("(?:%[0-9A-Fa-f]{2})+")
_SLASH = re.compile("(%2[Ff])")
_NO_UTF_8 = re.compile("[\udc80-\udcff]")
# Characters that stay unescaped in a path, and escapes that are left after decoding.
_PLAIN = "/!$&'()*+,;=:@"


def decode_path(raw: str) -> str:
    """Decodes a path once, except `%2F` and invalid UTF-8, and resolves `.` and `..`. Raises ValueError for `%00`."""
    path = _ENCODED.sub(lambda found: "".join(map(_decode, _SLASH.split(found[0]))), raw)
    if "\0" in path:
        raise ValueError("a path with a zero byte")
    return _resolve(path)


def encode_path(path: str) -> str:
    """Encodes a decoded path for a URL; escapes in it stay as they are."""
    return "".join(
        part if _ENCODED.fullmatch(part) else quote(part, _PLAIN) for part in re.split(f"({_ENCODED.pattern})", path)
    )


def _decode(escapes: str) -> str:
    if _SLASH.fullmatch(escapes):
        return escapes
    text = unquote_to_bytes(escapes).decode(errors="surrogateescape")
    return _NO_UTF_8.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", text)


def _resolve(path: str) -> str:
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == ".." and len(segments) > 1:
            segments.pop()
        elif segment not in (".", ".."):
            segments.append(segment)
    if path.endswith(("/.", "/..")):
        segments.append("")
    return "/".join(segments)

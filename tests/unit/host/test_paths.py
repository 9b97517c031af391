import pytest

from local.host.paths import decode_path, encode_path


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/api/a%20b", "/api/a b"),
        ("/api/a%2Fb", "/api/a%2Fb"),
        ("/api/%C3%A4%2f%C3%A4", "/api/\u00e4%2f\u00e4"),
        ("/api/%252F", "/api/%2F"),
        ("/api/%FF", "/api/%FF"),
        ("/api/%zz", "/api/%zz"),
        ("/api/a%0Ab", "/api/a\nb"),
        ("/api/x/../a", "/api/a"),
        ("/api/x/%2e%2e/./a/", "/api/a/"),
        ("/api/x/..", "/api/"),
        ("/../a", "/a"),
        ("/api//a", "/api//a"),
    ],
)
def test_a_path_is_decoded_once_and_resolved(raw: str, path: str) -> None:
    assert decode_path(raw) == path


def test_a_path_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        decode_path("/api/%00")


@pytest.mark.parametrize(
    ("path", "url"), [("/a b", "/a%20b"), ("/a%2Fb", "/a%2Fb"), ("/50%", "/50%25"), ("/\u00e4?", "/%C3%A4%3F")]
)
def test_escapes_in_a_decoded_path_stay_as_they_are(path: str, url: str) -> None:
    assert encode_path(path) == url

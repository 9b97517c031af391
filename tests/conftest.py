"""What all tests need: quick properties, and the choice of who runs the orchestrations."""

import gc
from collections.abc import Iterator, Mapping

import hypothesis
import pytest

from local import original
from tests import fork_server, properties  # noqa: F401 - registers its profiles

hypothesis.settings.load_profile("quick")
# Collected tests and imported SDKs stay: that Python goes through them as often as it does takes a fifth of the time.
gc.set_threshold(50_000, 50)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--durable",
        choices=("embedded", "external"),
        default="embedded",
        help="who runs the orchestrations of tests/e2e: the embedded engine, or Microsoft's extension (DURABLE_HOST)",
    )
    parser.addoption("--vms", type=int, help="VMs in tests/e2e/test_orders.py and test_chaos.py")
    parser.addoption("--seed", type=int, help="repeats the choices of tests/e2e/test_chaos.py, which prints its seed")


@pytest.fixture(scope="session", autouse=True)
def _durable(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every host of the session runs on what --durable says, unless a test says otherwise; none is left at its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DURABLE_HOST", raising=False)
        if request.config.getoption("--durable") == "external":
            for name, value in request.getfixturevalue("durable_extension").items():
                patch.setenv(name, value)
        yield
    fork_server.stop()


@pytest.fixture(scope="session")
def durable_extension() -> Iterator[Mapping[str, str]]:
    """The environment in which a host runs on Microsoft's Durable extension, over a storage emulator in memory."""
    if reason := original.missing():
        pytest.skip(f"Microsoft's Durable extension: {reason}")
    with original.extension() as environment:
        yield environment

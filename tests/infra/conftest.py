"""The tools of these tests, started once in each test process. Without a tool its tests are skipped, with a reason."""

from collections.abc import Iterator

import pytest

from tests.infra.compiler import Compiler, find
from tests.infra.deployments import INFRA, Infra
from tests.infra.kusto import Parser, missing


@pytest.fixture(scope="session")
def compiler() -> Iterator[Compiler]:
    path = find()
    if path is None:
        pytest.skip("no Bicep compiler: `az bicep install`, or set BICEP to the path of one")
    with Compiler(path) as running:
        yield running


@pytest.fixture(scope="session")
def infra(compiler: Compiler) -> Infra:
    return Infra(INFRA, compiler)


@pytest.fixture(scope="session")
def parser() -> Iterator[Parser]:
    if why := missing():
        pytest.skip(why)
    with Parser() as running:
        yield running

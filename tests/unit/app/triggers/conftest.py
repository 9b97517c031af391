import pytest

from tests.unit.app.fake_azure import Cloud
from tests.unit.app.fake_durable import FakeDurableClient


@pytest.fixture
def cloud() -> Cloud:
    """An estate of one VM, which nothing protects."""
    cloud = Cloud()
    cloud.add_vm()
    return cloud


@pytest.fixture
def client() -> FakeDurableClient:
    return FakeDurableClient()

"""The SDK clients of a script."""

import time
from collections.abc import MutableMapping
from typing import Any

from azure.core.credentials import AccessToken
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.compute import models as compute_models
from azure.mgmt.recoveryservicessiterecovery import SiteRecoveryManagementClient
from azure.mgmt.recoveryservicessiterecovery import models as recovery_models
from azure.mgmt.resource.resources import ResourceManagementClient

from local.bench.rivals.task import Task

POLL = 30.0
"""Seconds between two polls: the default of the SDKs."""


class Azure:
    def __init__(self, task: Task) -> None:
        _prepare_models()
        self.task = task
        options: dict[str, Any] = {
            "base_url": task.url,
            "credential_scopes": [f"{task.url}/.default"],
            "connection_verify": task.ca_file,
            "polling_interval": POLL / task.speed,
        }
        credential: Any = _Credential(task.token)
        self.recovery: Any = SiteRecoveryManagementClient(credential, task.subscription, **options)
        self.compute: Any = ComputeManagementClient(credential, task.subscription, **options)
        self.resources: Any = ResourceManagementClient(credential, task.subscription, **options)
        self.vault = (task.vault.split("/")[4], task.vault.split("/")[-1])

    def wait(self, seconds: float = POLL) -> None:
        """Sleeps for seconds of Azure."""
        time.sleep(seconds / self.task.speed)


def _prepare_models() -> None:
    """The SDKs prepare a model when it is first used, and models are dictionaries where two threads do that at once."""
    for module in (compute_models, recovery_models):
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, MutableMapping):
                model.__new__(model)


class _Credential:
    """A token that was issued beforehand: requests for tokens are none of Azure Resource Manager."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 86_400)

"""The live check, from the checks before it to the removal of everything."""

import asyncio
import base64
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, TCPConnector

from local.livecheck import sandbox as made
from local.livecheck.app import App, serving
from local.livecheck.arm import Arm
from local.livecheck.recorder import Recorder
from local.livecheck.sandbox import Sandbox, Say
from local.livecheck.scrub import Scrubber

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

DEADLINE = 3 * 3600.0
"""Seconds: the longest that recorded traffic took from the tag to Protected is under one hour."""

_RENEWED_BEFORE = 300.0

# Claims of a token that identify its owner.
_CLAIMS = ("tid", "oid", "appid", "puid", "upn", "unique_name", "email", "preferred_username")


@dataclass(frozen=True)
class Options:
    """`record` is a file that does not exist yet, `folder` one for history and logs."""

    endpoint: str
    record: Path
    folder: Path
    poll_seconds: float


@dataclass
class Result:
    """`failure` is None if the VM went all the way, `left` is what could not be removed."""

    failure: BaseException | None = None
    left: Iterable[str] = ()
    exchanges: int = 0


async def check(sandbox: Sandbox, options: Options, say: Say) -> Result:
    """Always tries to remove what it created, also when it is cancelled; cancelled again, it prints what may be
    left. Raises ArmError, ClientAuthenticationError or OSError if nothing was made."""
    async with _credential() as credential, _recorder(sandbox, options, credential) as recorder:
        connector = TCPConnector(ssl=ssl.create_default_context(cafile=recorder.ca_file))
        headers = {"Authorization": recorder.authorization}
        async with ClientSession(connector=connector, headers=headers) as session:
            arm = Arm(session, recorder.url, options.poll_seconds)
            await made.check_place(arm, sandbox)
            result = Result()
            try:
                async with asyncio.timeout(DEADLINE):
                    await made.make(arm, sandbox, say)
                    settings = _settings(sandbox, recorder, options)
                    async with serving(options.folder, settings, sandbox.vm) as app:
                        await _there_and_back(app, say, options.poll_seconds)
            except (Exception, asyncio.CancelledError) as error:
                result.failure = error
                say(f"Stopped: {described(error)}. What was made is removed; Ctrl-C once more leaves it")
            try:
                result.left = await made.remove(arm, sandbox, say, options.poll_seconds)
            except asyncio.CancelledError:
                result.left = ["Its removal was interrupted: any of these may be there", *sandbox.groups]
        result.exchanges = recorder.written
    return result


def described(failure: BaseException) -> str:
    """The text of an error; a cancellation and a time-out have none of their own."""
    silent = {TimeoutError: f"not done within {DEADLINE / 3600:g} hours", asyncio.CancelledError: "interrupted"}
    return str(failure) or silent.get(type(failure)) or repr(failure)


async def _there_and_back(app: App, say: Say, poll_seconds: float) -> None:
    """Raises RunError."""
    plan = await app.ask("POST", "/plan")
    say(f"The plan names {len(plan['settings'])} settings and {len(plan['resources'])} resources")
    await app.ask("PUT")
    say("Tagged dr=true")
    await app.follow("Protected", say, poll_seconds)
    say("Protected")
    await app.ask("DELETE", "?confirm=true")
    say("Tagged dr=false")
    await app.follow("Disabled", say, poll_seconds)
    say("Disabled")


def _settings(sandbox: Sandbox, recorder: Recorder, options: Options) -> dict[str, str]:
    return {
        "DR_VAULT_IDS": sandbox.vault,
        "DR_SOURCE_SCOPE": sandbox.group,
        "DR_TARGET_SCOPE": ",".join(sandbox.prepared),
        "DR_DEPLOYMENT": "live-check",
        "DR_ORIGIN_STORE": str(options.folder.resolve() / "origins"),
        "DR_ARM_ENDPOINT": recorder.url,
        "DR_POLL_SECONDS": str(options.poll_seconds),
        "IDENTITY_ENDPOINT": recorder.identity_endpoint,
        "IDENTITY_HEADER": recorder.identity_header,
        "SSL_CERT_FILE": str(recorder.ca_file),
    }


@asynccontextmanager
async def _recorder(sandbox: Sandbox, options: Options, credential: "AsyncTokenCredential") -> AsyncIterator[Recorder]:
    held: AccessToken | None = None

    async def token() -> str:
        """A cached token: the az CLI starts a process for each."""
        nonlocal held
        if held is None or held.expires_on < time.time() + _RENEWED_BEFORE:
            held = await credential.get_token(f"{options.endpoint}/.default")
        return held.token

    claims = _claims(await token())
    known = [sandbox.subscription, *(str(claims[name]) for name in _CLAIMS if claims.get(name))]
    groups = (group.rsplit("/", 1)[-1] for group in sandbox.groups)
    scrubber = Scrubber(known, groups)
    async with Recorder(options.endpoint, token, options.record, scrubber, options.folder) as recorder:
        yield recorder


def _credential() -> "AsyncTokenCredential":
    """A service principal's where its environment variables are set, a managed identity's where there is one, else the
    az CLI's login."""
    from azure.identity.aio import AzureCliCredential, EnvironmentCredential, ManagedIdentityCredential

    if "AZURE_TENANT_ID" in os.environ and "AZURE_CLIENT_ID" in os.environ:
        return EnvironmentCredential()
    return ManagedIdentityCredential() if "IDENTITY_ENDPOINT" in os.environ else AzureCliCredential()


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token; none if it cannot be parsed."""
    try:
        part = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims

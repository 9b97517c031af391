"""The records of origin and the archive as blobs: against Azurite, Microsoft's storage emulator, with a token as in
Azure."""

import asyncio
import base64
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp.connector
import pytest
import trustme
from azure.core.credentials import AccessToken

from local.archive import main as verify
from local.original import AZURITE
from shared.arm.archive import LATEST, Archive, ArchiveError
from shared.arm.archive_days import protected_since, read, seal
from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.arm.origin_store import AUDIENCE, CONTAINER, Blobs, OriginStoreError
from shared.arm.origins import Origins
from shared.model.failover import Failover
from shared.model.resource_id import ResourceId
from shared.model.step_result import Pending, StepResult
from shared.reporting.archive import Stream
from tests.unit.app.examples import SUBSCRIPTION, VM_ID, settings

GROUP = ResourceId.of(SUBSCRIPTION, "web-asr")
_LISTENS = re.compile(rb"successfully listen\w+ \w+ (\S+)")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the blob service of an account in memory, over HTTPS, which asks for a token."""
    program = AZURITE.with_name("azurite-blob")
    if not shutil.which("node") or not program.exists():
        pytest.skip("Azurite is not installed (make azurite)")
    folder = tmp_path_factory.mktemp("azurite")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    served = authority.issue_cert("127.0.0.1")
    served.private_key_pem.write_to_path(folder / "key.pem")
    served.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    # aiohttp has read SSL_CERT_FILE when it was imported: what it trusts by default learns of one more.
    aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(cafile=folder / "ca.pem")
    tls = ["--oauth", "basic", "--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem")]
    quiet = ["--silent", "--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck", "--blobPort", "0"]
    with subprocess.Popen([str(program), *quiet, *tls], stdout=subprocess.PIPE, cwd=folder) as azurite:  # noqa: S603
        assert azurite.stdout
        try:
            found = next(match for line in azurite.stdout if (match := _LISTENS.search(line)))
            # What it says later is thrown away, or it would stop at a full pipe.
            rest = threading.Thread(target=azurite.stdout.read)
            rest.start()
            yield f"{found[1].decode()}/devstoreaccount1"
        finally:
            azurite.terminate()
        rest.join()


class Identity:
    """What the emulator checks of a token: its claims, not its signature."""

    def __init__(self, audience: str = "https://storage.azure.com") -> None:
        now = int(time.time())
        claims = {"iss": "https://sts.windows.net/t/", "aud": audience, "iat": now, "nbf": now - 5, "exp": now + 3600}
        parts = ({"alg": "none", "typ": "JWT"}, claims)
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
        self.token = ".".join([*encoded, "signature"])

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == (AUDIENCE,)
        return AccessToken(self.token, int(time.time()) + 3600)

    async def close(self) -> None:
        pass


class Gateway(Azure):
    identity = Identity()

    def _credential(self) -> Any:
        return self.identity


@pytest.fixture
async def azure(account: str) -> AsyncIterator[Gateway]:
    found = Gateway(settings(origin_store=account))
    yield found
    await found.close()


async def create_container(azure: Gateway, name: str = CONTAINER) -> None:
    from azure.core.rest import HttpRequest

    url = f"{azure.settings.origin_store}/{name}?restype=container"
    answer = await azure._blob_client().send_request(HttpRequest("PUT", url, headers={"x-ms-version": "2025-01-05"}))
    assert answer.status_code in {201, 409}


async def failing(origins: Origins) -> StepResult:
    raise AssertionError(await origins.intend(GROUP))


async def test_without_its_container_nothing_is_intended_and_nothing_proven(azure: Gateway) -> None:
    """The first test: the account is empty."""
    with pytest.raises(OriginStoreError, match="404 ContainerNotFound"):
        await azure.origins.intend(GROUP)
    assert "404 ContainerNotFound" in (await azure.origins.proof(GROUP))[1]

    outcome = await to_step_result(failing(azure.origins), 30)
    assert isinstance(outcome, Pending)
    assert outcome.error
    assert outcome.error.code == "OriginStoreUnavailable"


async def test_an_intent_and_its_proof_are_one_blob_that_other_processes_read(azure: Gateway, account: str) -> None:
    await create_container(azure)
    other = Gateway(settings(origin_store=account))
    try:
        assert "no record" in (await other.origins.proof(GROUP))[1]
        origin = await azure.origins.intend(GROUP, content="abc")
        assert await other.origins.intend(GROUP) == origin
        await azure.origins.prove(origin, "guid-1")
        assert "made it again" in (await other.origins.proof(GROUP))[1]
        found, gap = await other.origins.proof(GROUP, "guid-1")
    finally:
        await other.close()

    assert (gap, found and found.content) == ("", "abc")


async def test_an_item_s_intent_replaces_the_one_before(azure: Gateway) -> None:
    await create_container(azure)
    item = ResourceId(f"{VM_ID}-item")
    await azure.origins.prove(await azure.origins.intend(item, vm=VM_ID, tag_name="dr"), "m-1")
    await azure.origins.intend(item, vm=VM_ID, tag_name="backup")

    found = await azure.origins.of(item)
    assert found
    assert (found.proven_at, found.tag_name, found.vm) == (None, "backup", VM_ID)


async def test_the_vms_with_a_record_are_found_by_one_list(azure: Gateway) -> None:
    await create_container(azure)
    await azure.origins.intend(GROUP)
    names = ["web", "a.b-c", "\u212a"]
    vms = [ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, name) for name in names]
    assert await azure.failovers.recorded(vms) == []

    for vm in vms[1:]:
        await azure.failovers.confirm(Failover(vm=vm, others=(), seen_at=datetime.now(UTC)))

    assert await azure.failovers.recorded(vms) == vms[1:]


async def test_a_long_list_is_read_to_its_end(azure: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's pages have 5,000 names: here they have two."""
    await create_container(azure)
    store = Blobs(f"{azure.settings.origin_store}/{CONTAINER}", azure._blob_client)
    written = {f"page-{number}" for number in range(5)}
    for name in written:
        await store.write(name, b"{}", new=True)
    monkeypatch.setattr("shared.arm.origin_store.urlencode", lambda query: urlencode(query | {"maxresults": 2}))

    assert await store.names("page-") == written


async def test_an_identity_without_rights_is_an_error(account: str) -> None:
    azure = Gateway(settings(origin_store=account))
    azure.identity = Identity(audience="https://management.azure.com")
    try:
        with pytest.raises(OriginStoreError, match="403"):
            await azure.origins.intend(GROUP)
    finally:
        await azure.close()


async def test_an_account_that_does_not_answer_is_an_error() -> None:
    azure = Gateway(settings(origin_store="https://127.0.0.1:9/devstoreaccount1"))
    try:
        with pytest.raises(OriginStoreError, match=CONTAINER):
            await azure.origins.intend(GROUP)
    finally:
        await azure.close()


# The archive


@pytest.fixture
async def archiving(account: str) -> AsyncIterator[list[Gateway]]:
    """Two hosts with one archive, whose containers are there."""
    container = f"archive-{time.time_ns()}"
    hosts = [Gateway(settings(origin_store=account, archive=f"{account}/{container}")) for _ in range(2)]
    for name in (container, f"{container}{LATEST}"):
        await create_container(hosts[0], name)
    yield hosts
    for host in hosts:
        await host.close()


async def downloaded(archive: Archive, folder: Path) -> Path:
    """The files of the archive, as `az storage blob download-batch` writes them."""
    assert archive._store
    for name in await archive._store.names(""):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(await archive._store.read(name) or b"")
    return folder


async def test_hosts_that_write_at_once_make_one_whole_archive(archiving: list[Gateway], tmp_path: Path) -> None:
    start = datetime(2026, 10, 31, tzinfo=UTC)
    run = {"result": {"vmId": str(VM_ID), "outcome": "Protected"}, "at": start.isoformat()}
    for hour in range(0, 60, 6):
        at = start + timedelta(hours=hour)
        await asyncio.gather(
            *(
                host.archive.append(Stream.RUNS, run | {"by": number}, day=at.date())
                for number, host in enumerate([*archiving, *archiving])
            )
        )
        sweep = {"readAt": at.isoformat()}, lambda: [[str(VM_ID), "Protected", 1, 1, 60]]
        await archiving[hour % 2].archive.append(Stream.SWEEPS, *sweep, day=at.date())
        await seal(archiving[hour % 2].archive, at + timedelta(hours=1), 7 * 3600)

    assert verify(["verify", str(await downloaded(archiving[0].archive, tmp_path))]) == 0
    found = await read(archiving[1].archive, start.date(), (start + timedelta(days=2)).date(), 7 * 3600)
    assert (found.periods.vms[VM_ID.key].compliant, found.days_without_data) == (54 * 3600, [])
    assert list(await protected_since(archiving[1].archive, 7200)) == [VM_ID]


async def test_the_page_of_what_to_do_by_hand_is_overwritten_beside_it(archiving: list[Gateway]) -> None:
    archive = archiving[0].archive
    for text in ("<p>old", "<p>new"):
        await archive.overwrite("index.html", [text])

    assert archive._latest
    assert await archive._latest.read("index.html") == b"<p>new"
    assert await archive.names("") == []


def long_page(letter: str) -> Iterator[str]:
    """Of three blocks, and a bit."""
    return (letter * 2**18 for _ in range(13))


async def test_a_page_that_breaks_off_leaves_the_old_one(archiving: list[Gateway]) -> None:
    def broken() -> Iterator[str]:
        yield from long_page("b")
        raise RuntimeError("the process ends")

    archive = archiving[0].archive
    assert archive._latest
    await archive.overwrite("index.html", long_page("a"))
    with pytest.raises(RuntimeError):
        await archive.overwrite("index.html", broken())

    assert await archive._latest.read("index.html") == "".join(long_page("a")).encode()


async def test_of_two_hosts_that_overwrite_a_page_at_once_it_is_one_s(archiving: list[Gateway]) -> None:
    """The blocks of the other are thrown away, and so may be its request to make a page of them."""
    archives = [host.archive for host in archiving]
    pages = (archive.overwrite("index.html", long_page(letter)) for archive, letter in zip(archives, "ab", strict=True))
    outcomes = await asyncio.gather(*pages, return_exceptions=True)

    assert None in outcomes
    assert all(each is None or isinstance(each, ArchiveError) for each in outcomes)
    assert archives[0]._latest
    found = await archives[0]._latest.read("index.html")
    assert found in ["".join(long_page(letter)).encode() for letter in "ab"]


async def test_an_archive_without_its_container_is_said_and_waits(
    account: str, caplog: pytest.LogCaptureFixture
) -> None:
    azure = Gateway(settings(origin_store=account, archive=f"{account}/nowhere"))
    try:
        outcome = await azure.archive.keep(Stream.RUNS, {}, retry_after=30)
    finally:
        await azure.close()

    assert isinstance(outcome, Pending)
    assert "ArchiveNotWritable" in caplog.text
    assert "404 ContainerNotFound" in caplog.text

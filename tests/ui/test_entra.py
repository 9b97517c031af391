"""The page where Entra is on: MSAL.js signs in at an authority on loopback, and the API is asked with its tokens."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from local.stack import Stack
from tests import estates
from tests.ui.conftest import Ui, expect, opened, violations
from tests.ui.entra import CLIENT, EasyAuth, Entra
from tests.waiting import eventually

ROLES = {"reader@example.com": ["dr.read"], "nobody@example.com": []}
READER, NOBODY = ROLES


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def front(tmp_path_factory: Any) -> AsyncIterator[tuple[EasyAuth, Stack]]:
    """The app behind the platform's check of tokens, as infra/ configures both."""
    entra = Entra(ROLES)
    await entra.start()
    platform = EasyAuth(entra)
    await platform.start()
    entra.redirect_uri = f"{platform.url}/api/ui/"
    settings = {"WEBSITE_AUTH_ENABLED": "True", "DR_ENTRA_AUTH": "true"}
    settings |= {"DR_AUTH_CLIENT_ID": CLIENT, "DR_AUTH_AUTHORITY": entra.authority}
    estate = estates.estate([estates.vm("web-1")])
    async with Stack(tmp_path_factory.mktemp("entra"), estate, speed=600, settings=settings) as stack:
        platform.target = stack.host_url
        yield platform, stack
    await platform.stop()
    await entra.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def ui(browser: Any, front: tuple[EasyAuth, Stack]) -> AsyncIterator[Ui]:
    """A page of a browser, in which no user has signed in. It meets the app and the authority, and no other host."""
    platform, stack = front
    entra = platform.entra
    platform.refuses = entra.outage = entra.revoked = False
    entra.lifetime = 3600
    entra.asked.clear()
    async with opened(browser, stack, ignore_https_errors=True) as shown:
        yield shown
        assert [url for url in shown.urls if not url.startswith((platform.url, entra.url))] == []
        assert await shown.page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


@pytest.fixture
def platform(front: tuple[EasyAuth, Stack]) -> EasyAuth:
    return front[0]


@pytest.fixture
def entra(platform: EasyAuth) -> Entra:
    return platform.entra


async def sign_in(ui: Ui, entra: Entra, user: str = READER, where: str = "") -> None:
    await ui.page.goto(entra.redirect_uri + where)
    await choose(ui, user)


async def choose(ui: Ui, user: str) -> None:
    """What somebody does who is asked to sign in."""
    await ui.click("button", "Sign in with Microsoft Entra")
    await ui.click("link", user)


async def test_a_user_signs_in_and_comes_back_to_what_the_address_named(ui: Ui, entra: Entra) -> None:
    await ui.page.goto(f"{entra.redirect_uri}#/vms?q=web")
    await ui.shows("Sign in to see the VMs")
    assert "\n".join(await violations(ui.page)) == ""
    assert [url for url in ui.urls if "/api/ui/" not in url] == []

    await choose(ui, READER)

    await ui.shows("web-1", READER, "1 VM")
    assert ui.page.url == f"{entra.redirect_uri}#/vms?q=web"
    assert entra.asked == ["authorize", "authorization_code"]
    await ui.page.reload()
    await ui.shows("web-1", READER)
    await ui.page.set_viewport_size({"width": 360, "height": 740})
    assert await ui.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert "\n".join(await violations(ui.page)) == ""
    await ui.click("link", "Overview")
    await ui.shows("Needs you")
    await ui.page.go_back()
    await expect(ui.page.get_by_label("Search")).to_have_value("web")
    assert entra.asked == ["authorize", "authorization_code"]


async def test_without_an_application_the_page_says_which_settings_it_needs(ui: Ui, entra: Entra) -> None:
    async def without(route: Any) -> None:
        shell = await route.fetch()
        await route.fulfill(response=shell, body=(await shell.text()).replace(entra.authority, ""))

    await ui.page.route(entra.redirect_uri, without)
    await ui.page.goto(entra.redirect_uri)

    await ui.shows("DR_AUTH_CLIENT_ID and DR_AUTH_AUTHORITY are needed")
    await expect(ui.page.get_by_role("button")).to_have_count(0)
    assert [url for url in ui.urls if "msal" in url] == []


async def test_who_goes_back_instead_may_sign_in_later(ui: Ui, entra: Entra) -> None:
    await ui.page.goto(entra.redirect_uri)
    await ui.click("button", "Sign in with Microsoft Entra")
    await expect(ui.page.get_by_role("link", name=READER)).to_be_visible()
    await ui.page.go_back()

    await choose(ui, READER)

    await ui.shows("Needs you", READER)


async def test_a_sign_in_that_is_refused_says_why(ui: Ui, entra: Entra) -> None:
    await sign_in(ui, entra, "Cancel")

    await ui.shows("AADSTS65004: User declined to consent.")
    assert ui.page.url == entra.redirect_uri


async def test_a_user_without_a_role_sees_which_is_missing_and_no_data(ui: Ui, entra: Entra) -> None:
    await sign_in(ui, entra, NOBODY)

    await ui.shows("RoleMissing", "The app role dr.read is required; the caller's roles in this app: none.", "Ask who")
    await expect(ui.page.get_by_text("web-1")).to_have_count(0)


async def test_an_action_beyond_the_user_s_roles_is_refused_by_the_api(ui: Ui, entra: Entra) -> None:
    await sign_in(ui, entra)
    await ui.click("button", "Sweep now …")
    dialog = ui.page.get_by_role("dialog")
    await ui.click("button", "Sweep now", dialog)

    await ui.shows("RoleMissing", "The app role dr.sweep is required; the caller's roles in this app: dr.read.")


async def test_a_token_that_expires_is_renewed_without_the_user(ui: Ui, entra: Entra) -> None:
    entra.lifetime = 1
    await sign_in(ui, entra)
    await ui.shows("Needs you", READER)
    before = len(entra.asked)

    await ui.click("link", "VMs")
    await ui.click("link", "web-1")
    await ui.shows("web-1 is Unprotected.")

    assert {*entra.asked[before:]} == {"refresh_token"}
    assert entra.asked.count("authorize") == 1


async def test_a_sign_in_that_has_ended_is_asked_for_again(ui: Ui, entra: Entra) -> None:
    entra.lifetime = 1
    await sign_in(ui, entra)
    await ui.shows("Needs you")

    entra.revoked = True
    await ui.click("link", "Jobs")

    await ui.shows("The sign-in has ended.", "AADSTS700084")
    entra.revoked, entra.lifetime = False, 3600
    await choose(ui, READER)
    await ui.shows("No job.", READER)


async def test_entra_s_outage_is_waited_for_and_ends_no_session(ui: Ui, entra: Entra) -> None:
    entra.lifetime = 1
    await ui.page.clock.install()
    await sign_in(ui, entra)
    await ui.shows("Needs you")

    entra.outage = True
    await ui.click("link", "Jobs")

    await ui.shows("No token", "It is tried again in", READER)
    entra.outage, entra.lifetime = False, 3600

    async def is_back() -> int:
        await ui.page.clock.fast_forward(61_000)  # MSAL.js asks Entra again after a minute
        return int(await ui.page.get_by_text("No job.").count())

    await eventually(is_back, within=20, every=1)
    await expect(ui.page.get_by_role("alert")).to_have_count(0)


async def test_a_token_that_the_platform_refuses_starts_no_loop(ui: Ui, platform: EasyAuth) -> None:
    platform.refuses = True
    await sign_in(ui, platform.entra)

    await ui.shows("The function app answered 401: it does not take the token.")
    platform.refuses = False
    await choose(ui, READER)
    await ui.shows("Needs you")
    assert platform.entra.asked == ["authorize", "authorization_code"] * 2


async def test_who_signs_out_leaves_nothing_behind(ui: Ui, entra: Entra) -> None:
    await sign_in(ui, entra)
    await ui.shows("Needs you")

    await ui.click("button", "Sign out")

    await eventually(lambda: entra.asked[-1] == "logout", within=20)
    await ui.shows("Sign in to see the VMs")
    kept = await ui.page.evaluate("Object.values(sessionStorage).join()")
    assert [each for each in ("eyJ", READER) if each in kept] == []
    await ui.page.reload()
    await ui.shows("Sign in to see the VMs")

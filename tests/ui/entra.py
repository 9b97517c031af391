"""Microsoft Entra and App Service authentication, as far as a page that signs in meets them, on loopback.

`Entra` plays an authority for one application: OpenID discovery, sign-in with PKCE, refresh tokens that are used once,
sign-out. `EasyAuth` stands before the app's host as the platform does with `authsettingsV2` of infra/: it takes tokens
of that authority for that application, passes their claims on, and lets in without one what is excluded, by exact path.
"""

import base64
import hashlib
import json
import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlencode

import jwt
import trustme
from aiohttp import ClientSession, web

from local.stack import APP

CLIENT = "66666666-6666-4666-8666-666666666666"
TENANT = "22222222-2222-4222-8222-222222222222"
SCOPE = f"{CLIENT}/user_impersonation"
_OF_CONNECTION = {"connection", "host", "transfer-encoding", "content-length"}


async def _listen(app: web.Application, context: ssl.SSLContext | None = None) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    return runner, f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"


@dataclass
class Entra:
    """`roles` are those of each user, by name. `lifetime` is that of access tokens, in seconds. In an `outage` no token
    is issued; while `revoked`, no refresh token is taken."""

    roles: Mapping[str, list[str]]
    lifetime: int = 3600
    outage: bool = False
    revoked: bool = False
    redirect_uri: str = ""
    asked: list[str] = field(default_factory=list)
    """What was asked for, in order: the grant of each token, `authorize`, `logout`."""
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _refresh: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
        app = web.Application()
        app.router.add_get(f"/{TENANT}/v2.0/.well-known/openid-configuration", self._configuration)
        app.router.add_get(f"/{TENANT}/oauth2/v2.0/authorize", self._authorize)
        app.router.add_post(f"/{TENANT}/oauth2/v2.0/token", self._token)
        app.router.add_get(f"/{TENANT}/oauth2/v2.0/logout", self._logout)
        self._runner, self.url = await _listen(app, context)
        self.authority = f"{self.url}/{TENANT}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    @property
    def _cors(self) -> dict[str, str]:
        """Only to the origins of the application's redirect URIs of the kind of a single-page application."""
        return {"Access-Control-Allow-Origin": self.redirect_uri.removesuffix("/api/ui/")}

    async def _configuration(self, _: web.Request) -> web.Response:
        ways = ("authorize", "token", "logout")
        authorize, token, logout = (f"{self.authority}/oauth2/v2.0/{way}" for way in ways)
        body = {"issuer": f"{self.authority}/v2.0", "jwks_uri": f"{self.authority}/discovery/v2.0/keys"}
        body |= {"authorization_endpoint": authorize, "token_endpoint": token, "end_session_endpoint": logout}
        return web.json_response(body, headers=self._cors)

    async def _authorize(self, request: web.Request) -> web.Response:
        """A page with each user to choose; the choice leads back with a code."""
        query = dict(request.query)
        assert query["client_id"] == CLIENT
        assert query["redirect_uri"] == self.redirect_uri
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        assert query["response_mode"] == "fragment"
        assert {SCOPE, "openid", "offline_access"} <= {*query["scope"].split()}
        self.asked.append("authorize")
        links = {"Cancel": {"error": "access_denied", "error_description": "AADSTS65004: User declined to consent."}}
        for user in self.roles:
            code = secrets.token_urlsafe(16)
            self._codes[code] = {**query, "user": user}
            links[user] = {"code": code, "client_info": _client_info(user), "session_state": "x"}
        lines = (
            f'<p><a href="{escape(self.redirect_uri)}#{escape(urlencode({**answer, "state": query["state"]}))}">'
            f"{escape(name)}</a></p>"
            for name, answer in links.items()
        )
        return web.Response(text="<title>Entra</title>" + "".join(lines), content_type="text/html")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form["grant_type"])
        assert form["client_id"] == CLIENT
        assert "client_secret" not in form
        assert SCOPE in form["scope"].split()
        if self.outage:
            return web.json_response({"error": "temporarily_unavailable"}, status=503, headers=self._cors)
        nonce = ""
        if form["grant_type"] == "authorization_code":
            begun = self._codes.pop(form["code"], {})
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if challenge != begun.get("code_challenge") or form["redirect_uri"] != begun["redirect_uri"]:
                return self._refused("AADSTS50148: the code verifier does not match.")
            user, nonce = begun["user"], begun["nonce"]
        else:
            user = self._refresh.pop(form["refresh_token"], "")
            if not user or self.revoked:
                return self._refused("AADSTS700084: The refresh token has expired.")
        refresh = secrets.token_urlsafe(16)
        self._refresh[refresh] = user
        now = int(time.time())
        of_user = {"oid": _object_id(user), "sub": _object_id(user), "tid": TENANT, "preferred_username": user}
        of_user |= {"name": user, "iss": f"{self.authority}/v2.0", "ver": "2.0", "aud": CLIENT}
        times = {"iat": now, "nbf": now, "exp": now + self.lifetime}
        access = {**of_user, **times, "scp": "user_impersonation", "roles": self.roles[user]}
        body = {
            "token_type": "Bearer",
            "scope": SCOPE,
            "expires_in": self.lifetime,
            "access_token": jwt.encode(access, self.key),
            "id_token": jwt.encode({**of_user, **times, "nonce": nonce}, self.key),
            "refresh_token": refresh,
            "client_info": _client_info(user),
        }
        return web.json_response(body, headers=self._cors)

    def _refused(self, why: str) -> web.Response:
        body = {"error": "invalid_grant", "error_description": why, "error_codes": [0]}
        return web.json_response(body, status=400, headers=self._cors)

    async def _logout(self, request: web.Request) -> web.Response:
        self.asked.append("logout")
        assert request.query["post_logout_redirect_uri"] == self.redirect_uri
        raise web.HTTPFound(self.redirect_uri)


def _object_id(user: str) -> str:
    digest = hashlib.md5(user.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"


def _client_info(user: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"uid": _object_id(user), "utid": TENANT}).encode()).decode().rstrip("=")


_CLOCK_SKEW = 300  # seconds, the default of Microsoft's libraries: a token is taken for so long after it has expired


@dataclass
class EasyAuth:
    """`refuses` plays a platform that takes no token."""

    entra: Entra
    target: str = ""
    refuses: bool = False

    async def start(self) -> None:
        files = json.loads((APP / "infra" / "page.json").read_text())
        self._excluded = {"/api/ui", "/api/ui/", *(f"/api/ui/{file}" for file in files)}
        self._session = ClientSession(auto_decompress=False)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner, self.url = await _listen(app)

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _handle(self, request: web.Request) -> web.Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in _OF_CONNECTION and not name.lower().startswith("x-ms-client-principal")
        }
        if request.path not in self._excluded:
            claims = self._claims(request.headers.get("Authorization", ""))
            if claims is None:
                return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
            principal = {"auth_typ": "aad", "claims": claims}
            headers["X-MS-CLIENT-PRINCIPAL"] = base64.b64encode(json.dumps(principal).encode()).decode()
        url = f"{self.target}{request.raw_path}"
        async with self._session.request(request.method, url, headers=headers, data=await request.read()) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _OF_CONNECTION]
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    def _claims(self, authorization: str) -> list[dict[str, Any]] | None:
        """The claims of a token that the platform takes; None for any other."""
        scheme, _, token = authorization.partition(" ")
        issuer = f"{self.entra.authority}/v2.0"
        try:
            claims = jwt.decode(
                token, self.entra.key, algorithms=["HS256"], audience=CLIENT, issuer=issuer, leeway=_CLOCK_SKEW
            )
        except jwt.InvalidTokenError:
            return None
        if scheme != "Bearer" or self.refuses:
            return None
        values = (
            (name, each) for name, given in claims.items() for each in (given if isinstance(given, list) else [given])
        )
        return [{"typ": name, "val": str(value)} for name, value in values]

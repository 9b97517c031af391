"""Tokens: the managed identity endpoint, and what the az CLI needs of Microsoft Entra to log in.

A token is an unsigned JWT whose claims can be read; nothing checks a signature.
"""

import base64
import binascii
import json
import time
from typing import Any

from aiohttp import web

from local.simulator.errors import ArmError
from local.simulator.ids import stable_guid
from local.simulator.wire import Json

LIFETIME = 86_400


def object_id(client: str) -> str:
    """The object ID of the service principal of an app registration or identity."""
    return stable_guid("object", client)


def issue(tenant: str, client: str, audience: str, issuer: str) -> str:
    """A token for an app registration or identity."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": issuer,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "appid": client,
        "idtyp": "app",
        "oid": object_id(client),
        "sub": object_id(client),
        "tid": tenant,
        "ver": "1.0",
    }
    return ".".join([_encode({"alg": "none", "typ": "JWT"}), _encode(claims), _encode({})])


def read(authorization: str) -> Json:
    """The claims of a bearer token. Raises ArmError 401."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        expires = float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        raise _unauthorized("InvalidAuthenticationToken", "The access token is invalid.") from None
    if expires < time.time():
        raise _unauthorized("ExpiredAuthenticationToken", "The access token expiry UTC time has passed.")
    found: Json = claims
    return found


def _encode(part: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _unauthorized(code: str, message: str) -> ArmError:
    challenge = f'Bearer authorization_uri="https://localhost/", error="invalid_token", error_description="{message}"'
    return ArmError(401, code, message, headers={"WWW-Authenticate": challenge})


class Identity:
    """The routes that need no token. `tenant` is read at each call, because an estate sets it."""

    def __init__(self, secret: str, client_id: str) -> None:
        self.secret = secret
        self.client_id = client_id
        self.principal_id = object_id(client_id)
        self.tenant = ""

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/msi/token", self.managed_identity)
        app.router.add_get("/metadata/endpoints", self.endpoints)
        for prefix in ("/{tenant}/v2.0", "/{tenant}"):
            app.router.add_get(prefix + "/.well-known/openid-configuration", self.openid_configuration)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self.token)

    async def managed_identity(self, request: web.Request) -> web.Response:
        """The managed identity endpoint of App Service, protocol 2019-08-01."""
        if request.headers.get("X-IDENTITY-HEADER") != self.secret:
            return web.json_response(
                {"statusCode": 401, "message": "X-IDENTITY-HEADER is missing or wrong"}, status=401
            )
        resource = request.query.get("resource")
        if request.query.get("api-version") != "2019-08-01" or not resource:
            message = "api-version must be 2019-08-01 and resource is required"
            return web.json_response({"statusCode": 400, "message": message}, status=400)
        client = request.query.get("client_id", self.client_id)
        token = issue(self.tenant, client, resource, f"https://sts.windows.net/{self.tenant}/")
        body: dict[str, Any] = {
            "access_token": token,
            "client_id": client,
            "expires_on": str(int(time.time()) + LIFETIME),
            "resource": resource,
            "token_type": "Bearer",
        }
        return web.json_response(body)

    async def endpoints(self, request: web.Request) -> web.Response:
        base = f"https://{request.host}"
        return web.json_response(
            {
                "name": "Local",
                "portal": base,
                "authentication": {
                    "loginEndpoint": base,
                    "audiences": [base, f"{base}/"],
                    "tenant": "common",
                    "identityProvider": "AAD",
                },
                "resourceManager": base,
                "graphAudience": base,
                "graph": base,
                "media": base,
                "batch": base,
                "sqlManagement": base,
                "vmImageAliasDoc": base,
                "activeDirectoryDataLake": base,
                "suffixes": {
                    "storage": "core.windows.net",
                    "keyVaultDns": "vault.azure.net",
                    "sqlServerHostname": "database.windows.net",
                    "acrLoginServer": "azurecr.io",
                    "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
                    "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
                },
            }
        )

    async def openid_configuration(self, request: web.Request) -> web.Response:
        base = f"https://{request.host}/{request.match_info['tenant']}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "tenant_region_scope": "NA",
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        """Client credentials flow; any secret is accepted."""
        form = await request.post()
        client = form.get("client_id")
        if form.get("grant_type") != "client_credentials" or not isinstance(client, str):
            body = {"error": "unsupported_grant_type", "error_description": "only client_credentials is served here"}
            return web.json_response(body, status=400)
        audience = str(form.get("scope", "")).removesuffix("/.default")
        token = issue(self.tenant, client, audience, f"https://{request.host}/{self.tenant}/v2.0")
        return web.json_response({"token_type": "Bearer", "expires_in": LIFETIME, "access_token": token})

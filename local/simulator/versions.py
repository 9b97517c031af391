"""The api-versions that each resource provider accepts, and the error for any other.

Accepted are those that the installed SDKs, the recordings and the az CLI send, and stable ones of the official
descriptions. To support another version that Azure has, add it here.
"""

from local.simulator.errors import ArmError

_SITE_RECOVERY = """
2016-08-10 2018-01-10 2018-07-10 2021-02-10 2021-03-01 2021-04-01 2021-06-01 2021-07-01 2021-08-01 2021-10-01 2021-11-01
2021-12-01 2022-01-01 2022-02-01 2022-03-01 2022-04-01 2022-05-01 2022-08-01 2022-09-10 2022-10-01 2023-01-01 2023-02-01
2023-04-01 2023-06-01 2023-08-01 2024-01-01 2024-02-01 2024-04-01 2024-10-01 2025-01-01 2025-02-01 2025-08-01 2026-01-01
2026-02-01 2026-05-01 2026-07-01
"""

_KNOWN = {
    "site-recovery": _SITE_RECOVERY,
    "vaults": _SITE_RECOVERY + "2016-06-01 2020-02-02 2020-10-01 2022-09-30-preview 2024-04-30-preview 2026-11-01",
    "virtual-machines": """
        2018-06-01 2018-10-01 2019-03-01 2019-07-01 2019-12-01 2020-06-01 2020-12-01 2021-03-01 2021-04-01 2021-07-01
        2021-11-01 2022-03-01 2022-08-01 2022-11-01 2023-03-01 2023-07-01 2023-09-01 2024-03-01 2024-07-01 2024-11-01
        2025-04-01 2025-11-01 2026-04-01
    """,
    "skus": "2017-09-01 2019-04-01 2021-07-01",
    "disks": """
        2018-06-01 2018-09-30 2019-07-01 2020-05-01 2020-06-30 2020-09-30 2020-12-01 2021-04-01 2021-08-01 2021-12-01
        2022-03-02 2022-07-02 2023-01-02 2023-04-02 2023-10-02 2024-03-02 2025-01-02 2026-03-02 2026-03-03
    """,
    "network": """
        2019-11-01 2020-03-01 2020-04-01 2020-05-01 2020-06-01 2020-07-01 2020-08-01 2020-11-01 2021-02-01 2021-03-01
        2021-05-01 2021-08-01 2022-01-01 2022-05-01 2022-07-01 2022-09-01 2022-11-01 2023-02-01 2023-04-01 2023-05-01
        2023-06-01 2023-09-01 2023-11-01 2024-01-01 2024-03-01 2024-05-01 2024-07-01 2024-10-01 2025-01-01 2025-03-01
        2025-05-01 2025-07-01 2025-09-01 2026-01-01 2026-03-01
    """,
    "storage": """
        2019-06-01 2021-01-01 2021-02-01 2021-04-01 2021-06-01 2021-08-01 2021-09-01 2022-05-01 2022-09-01 2023-01-01
        2023-04-01 2023-05-01 2024-01-01 2025-01-01 2025-06-01 2025-08-01 2026-04-01 2026-09-01
    """,
    "resources": """
        2014-04-01 2016-09-01 2018-05-01 2019-05-10 2019-10-01 2020-01-01 2020-06-01 2020-10-01 2021-01-01 2021-04-01
        2022-01-01 2022-09-01 2022-12-01 2023-07-01 2024-03-01 2024-07-01 2024-11-01 2025-03-01 2025-04-01
    """,
    "locks": "2015-01-01 2016-09-01 2017-04-01 2020-05-01",
    "resource-graph": "2021-03-01 2022-10-01 2024-04-01",
    "links": "2015-01-01 2016-09-01",
}
VERSIONS = {api: frozenset(versions.split()) for api, versions in _KNOWN.items()}


def check(api: str, version: str, kind: str) -> None:
    """Raises ArmError 400. `kind` is the resource type for the message. API `any` accepts every version."""
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if api == "any" or version in VERSIONS[api]:
        return
    supported = ", ".join(sorted(VERSIONS[api]))
    raise ArmError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for API version '{version}' and type '{kind}'. "
        f"The supported api-versions are '{supported}'.",
    )

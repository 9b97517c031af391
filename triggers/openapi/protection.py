"""The operations on the protection of one VM."""

from http import HTTPStatus

from shared.config.settings import Settings
from triggers import names
from triggers.body import request_model
from triggers.openapi.parts import ON_READ, Json, accepted, answer, body, flag, in_path, reference, refusals, with_body
from triggers.routes import CONFIRM, PLAN, PROTECTION, TARGETS_ONLY
from triggers.views import Accepted, PlanView, ProtectionView

_ON_PUT = {
    **with_body(),
    HTTPStatus.CONFLICT: "WritesDisabled: report mode, or paused; NothingToConfirm; or another setting forbids the "
    "write",
    HTTPStatus.UNPROCESSABLE_ENTITY: "InvalidBody, BodyNeedsTags (see `errors`); NotEligible: `findings` say why. "
    "Nothing was written",
    HTTPStatus.SERVICE_UNAVAILABLE: "Azure asks to come back later; or RunNotStarted: tags are written, and no run has "
    "taken up the request",
}
_ON_DELETE = {
    **ON_READ,
    HTTPStatus.CONFLICT: f"ConfirmationNeeded: what would be lost without {CONFIRM}=true; DisableRefused: `findings` "
    "say why; WritesDisabled: report mode, or paused. Nothing was written",
    HTTPStatus.SERVICE_UNAVAILABLE: "Azure asks to come back later; or RunNotStarted: the tag is written, and no run "
    "has taken up the request",
}
_EXAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "nothing": ("As the settings, the profile and the VM's tags say", {}),
    "profile": ("By a profile of the settings", {"profile": "default"}),
    "place": (
        "Somewhere else, as far as the profile allows it",
        {
            "target-resource-group": "web-dr",
            "target-vnet": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/net-dr/providers/"
            "Microsoft.Network/virtualNetworks/vnet-dr",
            "target-subnet": "web",
            "target-zone": "2",
        },
    ),
    "interfaces": (
        "By the names of interfaces and disks",
        {"target-ip": "web-1-nic=10.1.1.4", "target-disk-type": "web-1-os=Premium_LRS, web-1-data=StandardSSD_LRS"},
    ),
}


def paths(settings: Settings) -> Json:
    vm = {
        "parameters": [
            in_path("subscription", "The VM's subscription", names.GUID, "11111111-1111-4111-8111-111111111111"),
            in_path("group", "Its resource group", names.GROUP, "web"),
            in_path("name", "Its name", names.VM, "web-1"),
        ]
    }
    return {
        f"/{PROTECTION}": {**vm, "get": _get(), "put": _put(settings), "delete": _delete()},
        f"/{PLAN}": {**vm, "post": _plan(settings)},
    }


def _get() -> Json:
    return {
        "operationId": "get_protection",
        "summary": "What protects the VM now, drilled down, and where its run stands or how it ended",
        "parameters": [flag(TARGETS_ONLY, "Shows the run that makes the target resources alone.")],
        "responses": {"200": answer("The VM's protection", ProtectionView), **refusals(ON_READ)},
    }


def _put(settings: Settings) -> Json:
    return {
        "operationId": "put_protection",
        "summary": "Enable: plans, writes the VM's tags, and starts its run",
        "parameters": [
            flag(TARGETS_ONLY, "Makes the target resources and nothing else. Writes no tag, and takes no body."),
            flag(CONFIRM, "Edits the policy that the VM is under, for all VMs under it, as the plan shows it."),
        ],
        "requestBody": _body(settings),
        "responses": {"202": accepted(Accepted), **refusals(_ON_PUT)},
    }


def _delete() -> Json:
    about = "Recovery points may be lost. Without it the response lists them, and nothing is done."
    return {
        "operationId": "delete_protection",
        "summary": "Disable: writes the tag that says no, and has the VM's run disable what protects it",
        "parameters": [flag(CONFIRM, about)],
        "responses": {"202": accepted(Accepted), **refusals(_ON_DELETE)},
    }


def _plan(settings: Settings) -> Json:
    return {
        "operationId": "post_plan",
        "summary": "What PUT would do, and nothing of it",
        "requestBody": _body(settings),
        "responses": {"200": answer("The plan", PlanView), **refusals(with_body())},
    }


def _body(settings: Settings) -> Json:
    examples = {
        name: (summary, {f"{settings.tag_name}-{tag}": value for tag, value in values.items()})
        for name, (summary, values) in _EXAMPLES.items()
    }
    return body(reference(request_model(settings)), examples, required=False)

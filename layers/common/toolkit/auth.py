"""Who acts, for which tenant, and what they may do: one table of roles, checked in the use
cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from kernel.errors import ForbiddenError, UnauthorizedError

PrincipalKind = Literal["api_key", "session", "token", "system", "anonymous"]

_VIEWER: Final = frozenset(
    {
        "workspace:job:read",
        "workspace:timeline:read",
        "workspace:today:read",
        "workspace:tenant:read",
        "pensions:provider:read",
        "pensions:contract:read",
        "pensions:employee:read",
        "pensions:contribution:read",
        "pensions:remittance:read",
        "payment_codes:code:read",
        "payment_codes:organisation:read",
        "payment_codes:statement:read",
        "card_contracts:contract:read",
        "card_contracts:lookup:read",
        "card_contracts:match:read",
        "card_contracts:receivable:read",
        "card_contracts:sale:read",
        "card_contracts:settings:read",
        "workflow:rule:read",
        "workflow:parameter:read",
        "workflow:decision:read",
        "workflow:process:read",
        "workflow:proposal:read",
        "workflow:subject:read",
        "workflow:approval:read",
        "workflow:task:read",
        "workflow:delegation:read",
        "workflow:report:read",
        "reconciliation:counterparty:read",
        "reconciliation:figure:read",
        "reconciliation:invoice:read",
        "reconciliation:ledger:read",
        "reconciliation:reply:read",
        "reconciliation:user:read",
        "reconciliation:letter:read",
    }
)

# Roles are sets of permissions `context:resource:action`; `*` stands for a whole segment. Duties
# stay apart: who prepares does not approve, and operator tools see ids and states, not personal
# data.
ROLE_PERMISSIONS: Final[Mapping[str, frozenset[str]]] = {
    "owner": frozenset(
        {
            "workspace:*:*",
            "pensions:*:*",
            "payment_codes:*:*",
            "card_contracts:*:*",
            "workflow:*:*",
            "reconciliation:*:*",
        }
    ),
    "accountant": frozenset(
        {
            "workspace:job:read",
            "workspace:timeline:read",
            "workspace:today:read",
            "workspace:message:read",
            "workspace:incident:read",
            "workspace:job:cancel",
            "workspace:event:read",
            "workspace:audit:verify",
            "workspace:cost:read",
            "workspace:upload:write",
            "workspace:tenant:read",
            "workspace:user:read",
            "pensions:*:*",
            "payment_codes:*:*",
            "card_contracts:*:*",
            "workflow:rule:read",
            "workflow:rule:write",
            "workflow:parameter:*",
            "workflow:decision:*",
            "workflow:process:*",
            "workflow:process_definition:write",
            "workflow:proposal:*",
            "workflow:subject:*",
            "workflow:approval:*",
            "workflow:task:read",
            "workflow:task:decide",
            "workflow:delegation:*",
            "workflow:report:read",
            "reconciliation:*:*",
        }
    ),
    "payroll": frozenset(
        {
            "workspace:job:read",
            "workspace:timeline:read",
            "workspace:today:read",
            "workspace:incident:read",
            "workspace:job:cancel",
            "workspace:upload:write",
            "workspace:tenant:read",
            "pensions:provider:read",
            "pensions:contract:read",
            "pensions:employee:*",
            "pensions:contribution:*",
            "pensions:submission:*",
            "pensions:remittance:read",
            "pensions:remittance:ask",
            "workflow:approval:read",
            "workflow:task:read",
            "workflow:task:decide",
            "workflow:delegation:*",
        }
    ),
    "finance": frozenset(
        {
            "workspace:job:read",
            "workspace:timeline:read",
            "workspace:today:read",
            "workspace:tenant:read",
            "pensions:provider:read",
            "pensions:contract:read",
            "pensions:contribution:read",
            "pensions:remittance:read",
            "payment_codes:*:*",
            "card_contracts:*:*",
            "workflow:rule:read",
            "workflow:decision:*",
            "workflow:process:read",
            "workflow:process:write",
            "workflow:proposal:*",
            "workflow:subject:read",
            "workflow:approval:*",
            "workflow:task:read",
            "workflow:task:decide",
            "workflow:delegation:*",
            "workflow:report:read",
            "reconciliation:*:*",
        }
    ),
    "viewer": _VIEWER,
    # An operator under a support grant: a viewer who is on a visit, and nothing beside. `support:`
    # is a segment of its own, which no wildcard covers.
    "support": _VIEWER | {"support:visit:read"},
    # `operator:` is a segment of its own: no company's role or key covers it with a wildcard.
    "operator": frozenset(
        {
            "operator:*:*",
            "workspace:tenant:read",
            "workspace:incident:*",
            "workspace:job:read",
            "workspace:timeline:read",
        }
    ),
}


SUPPORT: Final = "support"
"""The role of an operator who looks into a company under a grant: it reads and does nothing."""
SECOND_FACTOR_REQUIRED: Final = "second_factor_required"
FRESH: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request: a person in a session or with an access token of the identity provider,
    a program with a key, or the system itself.

    The last fields are for drawing pages only (names of the person and of the companies one may
    switch to); nothing is decided by them, and they never appear in a log.
    """

    kind: PrincipalKind
    id: str
    tenant_id: str = ""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    session_hash: str = field(default="", repr=False)
    language: str = ""
    theme: str = ""
    zone: str = ""
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    tenant_name: str = field(default="", repr=False)
    tenants: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    # Why a session has no company although it names one, and when its person last proved who they
    # are (RFC 3339); both empty for keys.
    barred: str = ""
    proved_at: str = ""

    @property
    def is_person(self) -> bool:
        """Somebody, not a program."""
        return self.kind in ("session", "token")

    @property
    def is_anonymous(self) -> bool:
        """Nobody has been identified."""
        return self.kind == "anonymous"

    def permissions(self) -> frozenset[str]:
        """Permission patterns from roles and key scopes together."""
        granted: set[str] = set(self.scopes)
        for role in self.roles:
            granted |= ROLE_PERMISSIONS.get(role, frozenset())
        return frozenset(granted)

    def may(self, permission: str) -> bool:
        """Whether a granted pattern covers ``permission``, segment by segment."""
        wanted = permission.split(":")
        return any(_covers(pattern.split(":"), wanted) for pattern in self.permissions())


def _covers(pattern: list[str], wanted: list[str]) -> bool:
    return len(pattern) == len(wanted) and all(
        part in ("*", segment) for part, segment in zip(pattern, wanted, strict=True)
    )


ANONYMOUS: Final = Principal(kind="anonymous", id="")


@dataclass(frozen=True, slots=True)
class TenantContext:
    """For whom the code runs: required by every repository, so that no key exists without a tenant.

    ``actor`` is ``user:<id>``, ``key:<id>`` or ``system:<what>`` and goes into history and audit.
    """

    tenant_id: str
    actor: str
    correlation_id: str = ""


def require(principal: Principal, permission: str) -> None:
    """Let the principal pass or refuse.

    Raises: UnauthorizedError for nobody, ForbiddenError for somebody without the permission.
    """
    if principal.is_anonymous:
        raise UnauthorizedError("unauthorized", "Sign in or send a valid API key.")
    if not principal.may(permission):
        _refuse_barred(principal)
        raise ForbiddenError("forbidden", f"The permission {permission} is needed for this.")


def _refuse_barred(principal: Principal) -> None:
    if principal.barred == SECOND_FACTOR_REQUIRED:
        raise ForbiddenError(
            SECOND_FACTOR_REQUIRED, "This company asks for a second factor. Set one up first."
        )


class ProofRequiredError(ForbiddenError):
    """Somebody must prove again who they are; ``return_to`` is the page they come from."""

    def __init__(self, return_to: str = "") -> None:
        super().__init__("proof_required", "Enter your password again to do this.")
        self.return_to = return_to


def has_proved(principal: Principal, now: datetime) -> bool:
    """Whether this is a person who proved lately, by sign-in or again, who they are.

    Units: lately is a quarter of an hour.
    """
    proved = principal.proved_at
    return bool(principal.is_person and proved and now - datetime.fromisoformat(proved) <= FRESH)


def require_fresh(principal: Principal, now: datetime, return_to: str = "") -> None:
    """Let a person pass who proved lately who they are: for roles, keys, credentials, bank
    accounts, privacy.

    Programs pass: their key is their proof. A page leads to the proof and from there to
    ``return_to``, a path of ours. Raises: ProofRequiredError.
    """
    if principal.is_person and not has_proved(principal, now):
        raise ProofRequiredError(return_to)


def tenant_context(principal: Principal, correlation_id: str) -> TenantContext:
    """Tenant context of a request; raises ForbiddenError when the principal belongs to no
    tenant.
    """
    if not principal.tenant_id:
        _refuse_barred(principal)
        raise ForbiddenError("tenant_required", "Choose a company first.")
    prefix = {"api_key": "key", "session": "user", "token": "user"}.get(principal.kind, "system")
    return TenantContext(
        tenant_id=principal.tenant_id,
        actor=f"{prefix}:{principal.id}",
        correlation_id=correlation_id,
    )

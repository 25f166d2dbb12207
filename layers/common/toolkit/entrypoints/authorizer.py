"""Authorizer entry point: reads what a request offers as proof and answers with who that is.

It identifies, the functions decide: the answer always lets the request through, with a context of
strings. What is malformed is nobody; a failure of ours is an error, which the gateway answers with
500, so that an outage never looks like a revoked key.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from toolkit.auth import ANONYMOUS, Principal
from toolkit.http.origin import Origin
from toolkit.observability import logger

_MAX_HEADER: Final = 4_096
# The gateway takes 8 KB of answer; names are cut long before that.
_MAX_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request offers: a bearer text, or cookies; the company it names, if any; and what it
    is for, as method and path, which decides nothing here.

    ``bearer`` is None without an ``Authorization`` header and empty for one we cannot read: a
    request that shows a bad key must not be taken for the owner of its cookie.
    """

    bearer: str | None
    cookies: Mapping[str, str]
    tenant: str | None
    act: str = field(default="", compare=False)


Identify = Callable[[Proof], Principal | None]


def proof_of(event: Mapping[str, Any]) -> Proof:
    """Read the proof of a request of payload format 2.0; never raises for what a client sent."""
    headers = {str(key).lower(): str(value) for key, value in (event.get("headers") or {}).items()}
    header = headers.get("authorization")
    bearer = None
    if header is not None:
        scheme, _, value = header[:_MAX_HEADER].strip(" ").partition(" ")
        bearer = value.strip(" ") if scheme.lower() == "bearer" and value.isascii() else ""
    cookies: dict[str, str] = {}
    for cookie in event.get("cookies") or []:
        name, separator, value = str(cookie)[:_MAX_HEADER].partition("=")
        if separator:
            cookies.setdefault(name.strip(" "), value)
    http = (event.get("requestContext") or {}).get("http") or {}
    act = f"{http.get('method', '')} {event.get('rawPath', '')}"
    return Proof(bearer, cookies, headers.get("kopru-tenant"), act)


def context_of(principal: Principal) -> dict[str, str]:
    """The principal as the strings that ``toolkit.entrypoints.http.principal_of`` reads."""
    return {
        "kind": principal.kind,
        "tenant_id": principal.tenant_id,
        "principal_id": principal.id,
        "roles": ",".join(principal.roles),
        "scopes": ",".join(principal.scopes),
        "session_id_hash": principal.session_hash,
        "language": principal.language,
        "theme": principal.theme,
        "zone": principal.zone,
        "name": principal.name[:_MAX_NAME],
        "email": principal.email,
        "barred": principal.barred,
        "proved_at": principal.proved_at,
        "tenant_name": principal.tenant_name[:_MAX_NAME],
        "tenants": json.dumps(
            [[identity, name[:_MAX_NAME]] for identity, name in principal.tenants],
            ensure_ascii=False,
            separators=(",", ":"),
        ),
    }


def authorizer_handler(
    service: str, origin: Callable[[], Origin]
) -> Callable[[Identify], Callable[[dict[str, Any], Any], dict[str, Any]]]:
    """Turn a function from proof to principal into a Lambda authorizer with simple answers.

    Whoever did not come through the front door is nobody, and nothing is looked up for them: the
    function behind answers with the problem, which an authorizer cannot.
    """

    def decorate(identify: Identify) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
        def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
            log = logger(service)
            log.clear_state()
            try:
                known = identify(proof_of(event)) if origin().vouches_for(event) else None
            except Exception as error:
                log.exception("identification failed", extra={"error_class": type(error).__name__})
                raise
            return {"isAuthorized": True, "context": context_of(known or ANONYMOUS)}

        handler.__doc__ = identify.__doc__
        handler.__name__ = "handler"
        return handler

    return decorate

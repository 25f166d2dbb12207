"""Whose bearer text it is: an API key of ours, or an access token of the identity provider."""

from dataclasses import dataclass

from kernel.sensitive import Secret
from toolkit.auth import Principal
from workspace.application.identify_key import IdentifyKey
from workspace.application.identify_token import IdentifyToken
from workspace.domain.api_key import looks_like_key


@dataclass(frozen=True, slots=True)
class IdentifyBearer:
    """Tells them apart by their shape; neither is tried as the other."""

    keys: IdentifyKey
    tokens: IdentifyToken

    def __call__(self, bearer: Secret, tenant_wish: str | None, act: str = "") -> Principal | None:
        """The principal, or None for nobody; ``act`` says what the request is for."""
        if looks_like_key(bearer.reveal("tell a key from a token")):
            return self.keys(bearer, tenant_wish)
        return self.tokens(bearer, tenant_wish, act)

"""``IdentityProvider`` where nobody but ourselves signs people in: passwords and authenticators."""

from kernel.sensitive import Secret
from workspace.domain.hosted_sign_in import ProvedIdentity, Trip, hosted_refused


class OwnSignIn:
    """Issues no tokens and sends nobody elsewhere; the way in is the form of our own."""

    is_hosted = False

    def bearer(self, _token: Secret) -> ProvedIdentity | None:
        return None

    def departure(self, _trip: Trip, *, again: bool) -> str:  # noqa: ARG002  (of the port)
        return "/sign-in"

    def arrival(self, _trip: Trip, _code: Secret) -> ProvedIdentity:
        raise hosted_refused()

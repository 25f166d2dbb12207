"""Authorizer: an API key, an access token, a session, or nobody. It identifies; the functions
decide.
"""

from kernel.sensitive import Secret
from toolkit.auth import Principal
from toolkit.entrypoints.authorizer import Proof, authorizer_handler
from workspace.bootstrap import SESSION_COOKIE, application
from workspace.domain.api_key import looks_like_key


@authorizer_handler("workspace", lambda: application().settings.common.origin)
def handler(proof: Proof) -> Principal | None:
    """Who makes this request, read now: keys, sessions and memberships are never cached."""
    app = application()
    if proof.bearer is not None:
        identify = app.identify_key() if looks_like_key(proof.bearer) else app.identify_token()
        return identify(Secret(proof.bearer), proof.tenant)
    token = proof.cookies.get(app.cookie(SESSION_COOKIE))
    if not token:
        return None
    return app.identify_session()(Secret(token), proof.tenant)

"""Authorizer: an API key, an access token, a session, or nobody. It identifies; the functions
decide.
"""

from kernel.sensitive import Secret
from toolkit.auth import Principal
from toolkit.entrypoints.authorizer import Proof, authorizer_handler
from workspace.bootstrap import SESSION_COOKIE, application


@authorizer_handler("workspace", lambda: application().settings.common.origin)
def handler(proof: Proof) -> Principal | None:
    """Who makes this request, read now: keys, sessions and memberships are never cached."""
    app = application()
    if proof.bearer is not None:
        return app.identify_bearer()(Secret(proof.bearer), proof.tenant, proof.act)
    token = proof.cookies.get(app.cookie(SESSION_COOKIE))
    if not token:
        return None
    return app.identify_session()(Secret(token), proof.tenant, proof.act)

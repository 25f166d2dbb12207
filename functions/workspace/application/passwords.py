"""The rule of passwords as a problem of the field they were typed into."""

from kernel.passwords import check_password
from kernel.sensitive import Secret
from workspace.domain.problems import parsed_at
from workspace.domain.user import Person


def checked_password(password: Secret, person: Person, company: str) -> Secret:
    """The password, if this person may have it.

    Raises: ValidationError("invalid_input") with a problem at ``/password``.
    """
    words = (person.name, person.email.reveal("password rule"), company)
    clear = password.reveal("password rule")
    parsed_at("/password", lambda: check_password(clear, words=words))
    return password

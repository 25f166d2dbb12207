"""The rule of passwords as a problem of the field they were typed into."""

from kernel.errors import ParseError, Problem, ValidationError
from kernel.sensitive import Secret
from workspace.domain.password import check_password
from workspace.domain.user import Person


def checked_password(password: Secret, person: Person, company: str) -> Secret:
    """The password, if this person may have it.

    Raises: ValidationError("invalid_input") with a problem at ``/password``.
    """
    words = (person.name, person.email.reveal("password rule"), company)
    try:
        check_password(password.reveal("password rule"), words=words)
    except ParseError as error:
        problem = Problem("/password", error.code.lower(), error.message)
        raise ValidationError(
            "invalid_input", "Some fields are wrong.", problems=[problem]
        ) from None
    return password

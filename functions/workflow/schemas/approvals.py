"""Approvals: what is asked, decided, signed and handed on."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from kernel.approval import canonical
from kernel.errors import ParseError
from kernel.money import Money
from kernel.text import clean_free_text
from toolkit.http.fields import EdgeModel, parsed
from workflow.schemas.fields import ApiDate, ApiInstant, LongText, Name, ShortText, Text

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
SubjectName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}:[0-9A-Za-z_.\-]{1,80}$")]
Level = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
PersonName = Annotated[str, Field(pattern=r"^user:[0-9A-Za-z-]{1,40}$")]
Candidate = Annotated[str, Field(pattern=r"^(user:[0-9A-Za-z-]{1,40}|role:[a-z_]{1,40})$")]


def _content(value: object) -> Any:
    if not isinstance(value, dict) or not value:
        raise ParseError("TYPE", "the content is an object with at least one member")
    if len(canonical(value)) > 20_000:
        raise ParseError("LENGTH", "the content has at most 20 000 characters")
    if value.get("amount") is not None:
        Money.from_api(value["amount"])
    _plain(value)
    return value


def _plain(value: object) -> None:
    """No fractions as numbers, no invisible characters, no depth without end."""
    if isinstance(value, dict):
        for name, member in value.items():
            clean_free_text(name, 80)
            _plain(member)
    elif isinstance(value, list):
        for member in value:
            _plain(member)
    elif isinstance(value, str):
        clean_free_text(value, 2000)
    elif isinstance(value, float | Decimal):
        raise ParseError("TYPE", "amounts are texts")


Content = Annotated[Any, parsed(_content)]


class ApprovalIn(EdgeModel):
    """Body of asking for an approval; ``request_id`` names the matter for asking again."""

    kind: Kind
    subject: SubjectName
    facts: dict[str, Any]
    content: Content
    rule: Annotated[str, Field(max_length=80)] | None = None
    stages: Annotated[list[Level], Field(min_length=1, max_length=8)] | None = None
    request_id: Name | None = None
    duties: dict[str, PersonName] = Field(default_factory=dict)


class ReasonIn(EdgeModel):
    """A reason, where one is not always needed."""

    reason: LongText = ""


_Encoded = Annotated[str, Field(min_length=1, max_length=240_000)]


class DecisionIn(EdgeModel):
    """Body of deciding: a rejection needs a reason.

    ``signature`` is a detached CMS signature over the statement, as base64 or PEM.
    """

    outcome: Literal["approve", "reject"]
    reason: LongText = ""
    signature: Annotated[str, Field(max_length=90_000)] = ""


class AnchorIn(EdgeModel):
    """Body of trusting an authority: its certificate as PEM or base64."""

    certificate: _Encoded
    valid_from: ApiDate | None = None
    valid_to: ApiDate | None = None
    note: ShortText = ""


class RevocationsIn(EdgeModel):
    """Body of a revocation list, as PEM or base64."""

    list: _Encoded


class SignerIn(EdgeModel):
    """Body of saying whose certificate carries an identity."""

    person: ShortText
    identity_kind: Literal["serial_number", "email"]
    identity: ShortText
    valid_from: ApiDate | None = None
    valid_to: ApiDate | None = None
    note: ShortText = ""


class ReturnIn(EdgeModel):
    """Body of sending back: the stage from 1, or 0 for the requester."""

    stage: Annotated[int, Field(ge=0, le=8)]
    reason: LongText


class QuestionIn(EdgeModel):
    """Body of asking the requester."""

    question: LongText


class TaskAnswerIn(EdgeModel):
    """Body of answering."""

    answer: LongText


class CommentIn(EdgeModel):
    """Body of a comment."""

    text: LongText


class DelegateIn(EdgeModel):
    """Body of giving one task to somebody else."""

    to: PersonName


class ReassignIn(EdgeModel):
    """Body of naming other candidates."""

    candidates: Annotated[list[Candidate], Field(min_length=1, max_length=20)]


class DelegationIn(EdgeModel):
    """Body of naming a substitute, from an instant to before another."""

    substitute: PersonName
    starts_at: ApiInstant
    ends_at: ApiInstant
    kinds: list[Kind] = Field(default_factory=list, max_length=20)
    note: Text = ""

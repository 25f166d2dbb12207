"""What the mails of the workspace say, in the language of their reader."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from kernel.mail_reports import NO_TENANT, TENANT_TAG
from kernel.mailing import Mail, MailOutcome
from kernel.money import Money
from kernel.parsing import parse_instant
from kernel.sensitive import Email
from kernel.text import shortened
from toolkit.aws.mail import MailService
from webkit.mail import Action, Brand, Letter, render_mail
from workspace.domain.message import Message, MessageKind
from workspace.ports import MESSAGE_TAG

_NAME_IN_SUBJECT: Final = 60


class SesMailer:
    """``Mailer`` of the ports. ``renderer`` is a ``webkit.render.Renderer`` over our pages."""

    def __init__(self, service: MailService, renderer: Any) -> None:
        self._service = service
        self._renderer = renderer

    def send(
        self, message: Message, *, to: Email, name: str, company: str, link: str, code: str
    ) -> MailOutcome:
        mail = self.write(message, name=name, company=company, link=link or code)
        tags = {MESSAGE_TAG: message.id, TENANT_TAG: message.tenant_id or NO_TENANT}
        return self._service.hand_over(mail, to, tags)

    def write(self, message: Message, *, name: str, company: str, link: str) -> Mail:
        """The finished mail, in the message's language; ``link`` is what it brings."""
        letter = _LETTERS[message.kind](
            self._renderer.language(message.language), message, name, company, link
        )
        # A company that was turned down sends nothing: the mail is ours.
        own = message.kind is MessageKind.SIGNUP_REJECTED or not company
        brand = Brand("Köprü", "") if own else Brand(company, "Köprü")
        return render_mail(self._renderer, letter, message.language, brand)


def _invitation(lang: Any, _message: Message, name: str, company: str, link: str) -> Letter:
    return Letter(
        subject=lang.text(
            "Invitation to Köprü: %(company)s", company=shortened(company, _NAME_IN_SUBJECT)
        ),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text(
                "%(company)s invites you to work with them in Köprü, the bridge between their "
                "books and the institutions around them.",
                company=company,
            ),
        ),
        action=Action(lang.text("Accept the invitation"), link),
        closing=(lang.text("The link works once and for 72 hours."),),
        small=lang.text("If you do not know this company, do nothing and delete this mail."),
    )


def _activation(lang: Any, _message: Message, name: str, company: str, link: str) -> Letter:
    return Letter(
        subject=lang.text(
            "Activate your access to Köprü: %(company)s",
            company=shortened(company, _NAME_IN_SUBJECT),
        ),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text(
                "your service agreement for %(company)s is approved. Choose a password to begin.",
                company=company,
            ),
            lang.text(
                "Afterwards you sign in with your accountant number, your identity number and the "
                "password, or with this mail address and the password."
            ),
        ),
        action=Action(lang.text("Activate the access"), link),
        closing=(lang.text("The link works once and for 72 hours."),),
        small=lang.text("If you did not sign up, do nothing and delete this mail."),
    )


def _sign_in_code(lang: Any, _message: Message, name: str, _company: str, code: str) -> Letter:
    return Letter(
        subject=lang.text("Your code for Köprü"),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text("Somebody, probably you, signs in from a device that we do not know yet."),
        ),
        facts=((lang.text("Code"), code),),
        closing=(lang.text("The code works once and for ten minutes."),),
        small=lang.text(
            "If it was not you, somebody knows your password: choose a new one at once."
        ),
    )


def _password_reset(lang: Any, _message: Message, name: str, _company: str, link: str) -> Letter:
    return Letter(
        subject=lang.text("A new password for Köprü"),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text("Somebody, probably you, asked for a new password for this address."),
        ),
        action=Action(lang.text("Choose a new password"), link),
        closing=(
            lang.text("The link works once and for 30 minutes. It ends all your open sessions."),
        ),
        small=lang.text("If it was not you, do nothing: your password stays as it is."),
    )


def _credentials_refused(lang: Any, message: Message, name: str, company: str, link: str) -> Letter:
    provider = message.params.get("provider_code", "")
    return Letter(
        subject=lang.text("Web service password refused: %(provider)s", provider=provider),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text(
                "The pension company refused the web service user or password of %(company)s. "
                "After one refused attempt nothing more is sent, so that the account is not "
                "locked.",
                company=company,
            ),
            lang.text("Everything that waits goes on by itself once new credentials are stored."),
        ),
        facts=((lang.text("Pension company"), provider),),
        action=Action(lang.text("Enter new credentials"), link),
        small=lang.text("You get this mail as owner or accountant of this company in Köprü."),
    )


def _signup_rejected(lang: Any, _message: Message, name: str, company: str, link: str) -> Letter:
    return Letter(
        subject=lang.text(
            "Your sign-up for Köprü: %(company)s", company=shortened(company, _NAME_IN_SUBJECT)
        ),
        paragraphs=(
            lang.text("Hello %(name)s,", name=name),
            lang.text(
                "we could not accept the sign-up of %(company)s. No account was opened and nothing "
                "was signed.",
                company=company,
            ),
            lang.text("If something in it was wrong, you may sign up once more."),
        ),
        action=Action(lang.text("Sign up once more"), link),
        small=lang.text("If you did not sign up, do nothing and delete this mail."),
    )


def _task_subject(lang: Any, why: str, what: str) -> str:
    match why:
        case "reminder":
            return str(lang.text("Reminder, waits for your decision: %(what)s", what=what))
        case "escalated":
            return str(lang.text("Nobody decided in time: %(what)s", what=what))
        case "given":
            return str(lang.text("Given to you to decide: %(what)s", what=what))
        case "question":
            return str(lang.text("A question about your request: %(what)s", what=what))
        case "answer":
            return str(lang.text("Your question was answered: %(what)s", what=what))
        case _:
            return str(lang.text("Waits for your decision: %(what)s", what=what))


def _task_kinds(lang: Any) -> Mapping[str, str]:
    return {
        "purchase": lang.text("purchase"),
        "repair_order": lang.text("repair order"),
        "debt_termination": lang.text("termination for debt"),
        "bank_debt_file": lang.text("debt file for the bank"),
        "pension_remittance": lang.text("payment to a pension company"),
        "card_contract_change": lang.text("change of a card contract"),
        "process_step": lang.text("step of a process"),
    }


def _task(lang: Any, message: Message, name: str, company: str, link: str) -> Letter:
    params = message.params
    what = _task_kinds(lang).get(params.get("kind", "")) or lang.text("approval")
    facts = [(lang.text("Company"), company), (lang.text("What"), what)]
    if params.get("money_minor"):
        amount = Money(int(params["money_minor"]), params["currency"])
        facts.append((lang.text("Amount"), lang.formats.money(amount)))
    if params.get("due_on"):
        day = date.fromisoformat(params["due_on"])
        facts.append((lang.text("Decide by"), lang.formats.date(day)))
    return Letter(
        subject=_task_subject(lang, params.get("why", ""), what),
        paragraphs=(lang.text("Hello %(name)s,", name=name),),
        facts=tuple(facts),
        action=Action(lang.text("Look at the task"), link),
        closing=_task_closing(lang),
        small=lang.text("You get this mail because a decision of this company needs you."),
    )


def _task_closing(lang: Any) -> tuple[str, ...]:
    return (
        lang.text("Opening the link decides nothing: you sign in, read, and then decide."),
        lang.text("The link is for you, works once and ends with the task."),
    )


def _support_access(lang: Any, message: Message, name: str, company: str, link: str) -> Letter:
    params = message.params
    called = {"company": shortened(company, _NAME_IN_SUBJECT)}
    hours = int(params["hours"])
    until = lang.formats.instant(parse_instant(params["until"]), params["zone"])
    limits = lang.text("On such a visit nothing can be changed, and every page is written down.")
    said: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    closing = _task_closing(lang)
    if params["why"] == "support_in_force":
        subject = lang.text("Somebody of the operator may read your data: %(company)s", **called)
        said = (
            lang.text(
                "a person who runs Köprü for you may read the pages of %(company)s until "
                "%(until)s; a second one agreed. Who and why is on the page, and you may end "
                "it at any moment.",
                company=company,
                until=until,
            ),
            limits,
        )
        facts = ((lang.text("Until"), until),)
        label = lang.text("Look at the visit")
        closing = closing[1:]
    else:
        subject = lang.text(
            "Somebody of the operator asks to read your data: %(company)s", **called
        )
        said = (
            lang.text(
                "a person who runs Köprü for you asks to read the pages of %(company)s. Who and "
                "why is on the page.",
                company=company,
            ),
            limits,
            lang.text(
                "You decide, or a second person who runs Köprü. Without a decision nothing is "
                "opened."
            ),
        )
        facts = (
            (lang.text("For how long"), lang.plural("%(num)s hour", "%(num)s hours", hours)),
            (lang.text("Decide by"), until),
        )
        label = lang.text("Look at the request")
    return Letter(
        subject=subject,
        paragraphs=(lang.text("Hello %(name)s,", name=name), *said),
        facts=((lang.text("Company"), company), *facts),
        action=Action(label, link),
        closing=closing,
        small=lang.text("You get this mail as an owner of this company in Köprü."),
    )


_LETTERS: Final[Mapping[MessageKind, Callable[[Any, Message, str, str, str], Letter]]] = {
    MessageKind.INVITATION: _invitation,
    MessageKind.ACTIVATION: _activation,
    MessageKind.PASSWORD_RESET: _password_reset,
    MessageKind.SIGN_IN_CODE: _sign_in_code,
    MessageKind.CREDENTIALS_REFUSED: _credentials_refused,
    MessageKind.SIGNUP_REJECTED: _signup_rejected,
    MessageKind.TASK: _task,
    MessageKind.SUPPORT_ACCESS: _support_access,
}

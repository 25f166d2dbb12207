"""The living guide: every macro on one page, with examples that read like the product.

Served at ``/_local/ui`` by the local stack and rendered by the page tests, so a macro that breaks
or lacks a translation is seen in all three languages before any page uses it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from kernel.money import Money
from kernel.periods import Period
from webkit import charts
from webkit.components import (
    Chip,
    Column,
    DiffRow,
    FieldProblem,
    Flash,
    Option,
    Paging,
    Person,
    Sort,
    Status,
    Step,
    StepState,
    TenantChoice,
    TimelineEntry,
    Tone,
    View,
)
from webkit.i18n import Language, mark
from webkit.render import PageResponse, Renderer

_NOW = datetime(2026, 5, 4, 13, 30, 5, tzinfo=UTC)
_TENANTS = (
    TenantChoice("01J00000000000000000000001", "Deniz Tekstil A.Ş."),
    TenantChoice("01J00000000000000000000002", "Ege Gıda Ltd. Şti."),
)
_WORDS = {
    Tone.NEUTRAL: mark("Draft"),
    Tone.INFO: mark("Ready"),
    Tone.OK: mark("Enrolled"),
    Tone.WAITING: mark("Sending"),
    Tone.WARNING: mark("Opted out"),
    Tone.ERROR: mark("Rejected"),
    Tone.UNKNOWN: mark("Unknown"),
}


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One synthetic person of the example table."""

    id: str
    label: str
    masked_id: str
    policy_no: str
    hired_on: date
    amount: Money
    tone: Tone


_ROWS = (
    ExampleRow(
        "01J00000000000000000000011",
        "Işıl İnce",
        "123******50",
        "EA-000417",
        date(2025, 3, 3),
        Money(12_000, "TRY"),
        Tone.OK,
    ),
    ExampleRow(
        "01J00000000000000000000012",
        "Çağrı Şener",
        "234******18",
        "",
        date(2026, 4, 20),
        Money(99_000, "TRY"),
        Tone.WAITING,
    ),
    ExampleRow(
        "01J00000000000000000000013",
        "Ömer Yıldız",
        "345******02",
        "",
        date(2026, 4, 27),
        Money(7_400, "TRY"),
        Tone.ERROR,
    ),
    ExampleRow(
        "01J00000000000000000000014",
        "Gülşah Aydın",
        "456******64",
        "",
        date(2026, 4, 28),
        Money(104_250, "TRY"),
        Tone.UNKNOWN,
    ),
)


def guide_view(language: str, theme: str = "auto", url: str = "/_local/ui") -> View:
    """A signed-in reader with two companies; the token is an example and opens nothing."""
    return View(
        url=url,
        language=language,
        theme=theme,
        zone="Europe/Istanbul",
        csrf_token="example",  # noqa: S106 - drawn in forms that post nowhere
        person=Person("Zeynep Kaya", "zeynep@example.com"),
        tenant=_TENANTS[0],
        tenants=_TENANTS,
        section="pensions.contracts",
    )


def render_guide(renderer: Renderer, view: View) -> PageResponse:
    """Every macro once or more, in the reader's language and theme."""
    language = renderer.language(view.language)
    view = replace(
        view, flashes=(Flash(language.text("The contract was saved."), Tone.OK), *view.flashes)
    )
    return renderer.page("guide.html", view, **_examples(language))


def _examples(language: Language) -> dict[str, Any]:
    text, formats = language.text, language.formats
    total, payable = Money(104_200, "TRY"), Money(96_800, "TRY")
    bars = [
        charts.Bar(text("Accepted"), 96_800, formats.money(payable), "ok"),
        charts.Bar(text("Rejected"), 7_400, formats.money(total - payable), "error"),
    ]
    return {
        "tones": [Status(text(word), tone) for tone, word in _WORDS.items()],
        "status_of": {tone: Status(text(word), tone) for tone, word in _WORDS.items()},
        "rows": _ROWS,
        "columns": (
            Column("person", text("Name"), "name"),
            Column("national_id", text("Identity no")),
            Column("hired", text("Hired on"), "hired_on"),
            Column("policy", text("Policy no")),
            Column("amount", text("Contribution"), "amount", numeric=True),
            Column("status", text("Status")),
            Column("actions", text("Actions"), hide_label=True),
        ),
        "sort": Sort("hired_on", descending=True),
        "chips": (
            Chip(text("All"), "?", 1204, active=True),
            Chip(text("Enrolled"), "?status=enrolled", 1150),
            Chip(text("Rejected"), "?status=rejected", 37),
            Chip(text("Unknown"), "?status=unknown", 17),
        ),
        "paging": Paging(4, 1204, exact=False, next_href="?cursor=next", first_href="?"),
        "total": total,
        "payable": payable,
        "gap": total - payable,
        "month": formats.month(Period(2026, 6)),
        "facts": (
            (text("Contract no"), "KM13870"),
            (text("Starts on"), formats.date(date(2018, 7, 1))),
            (text("Ends on"), None),
            (text("Minimum deduction rate"), formats.rate(Decimal("3.00"))),
        ),
        "entries": _timeline(language),
        "steps": (
            Step(text("Upload"), StepState.DONE),
            Step(text("Columns"), StepState.DONE),
            Step(
                text("Problems"),
                StepState.CURRENT,
                note=language.plural("%(num)s row", "%(num)s rows", 4),
            ),
            Step(text("Dry run"), StepState.FAILED),
            Step(text("Import"), StepState.PENDING),
        ),
        "diff_rows": (
            DiffRow(text("Name"), "ışıl ince", "Işıl İnce"),
            DiffRow(text("Mobile phone"), None, "+90 5** *** ** 12"),
            DiffRow(text("Policy no"), "EA-000417", "EA-000417"),
        ),
        "providers": (
            Option("anadolu", "Anadolu Hayat"),
            Option("agesa", "AgeSA"),
            Option("nn", "NN"),
        ),
        "answers": (
            Option("agree", text("I agree")),
            Option("disagree", text("I do not agree"), text("You can enter your own figures.")),
        ),
        "problems": {
            "contract_no": text("Enter the contract number as it is printed on the contract."),
            "min_rate": text("The rate is between %(low)s and %(high)s.", low="3", high="100"),
        },
        "problem_list": (
            FieldProblem(
                text("Enter the contract number as it is printed on the contract."), "contract_no"
            ),
            FieldProblem(
                text("The rate is between %(low)s and %(high)s.", low="3", high="100"), "min_rate"
            ),
        ),
        "bars_svg": charts.bars(
            text("Contributions by result"),
            text("Accepted and rejected amounts of the month."),
            bars,
        ),
        "bar_rows": [(bar.label, bar.text) for bar in bars],
        "share_rows": [
            (text("Accepted"), formats.number(312)),
            (text("Rejected"), formats.number(4)),
            (text("Unknown"), formats.number(17)),
        ],
        "share_svg": charts.share(
            text("Rows by result"),
            text("Accepted, rejected and unknown rows."),
            [
                charts.Bar("", 312, "", "ok"),
                charts.Bar("", 4, "", "error"),
                charts.Bar("", 17, "", "unknown"),
            ],
        ),
        "spark_svg": charts.sparkline(
            text("News age, last hour"),
            text("Seconds between payment and news."),
            (38, 41, 36, 52, 47, 40, 38, 35, 61, 44),
        ),
        "spark_rows": [(f"{12 + i}:00", str(age)) for i, age in enumerate((38, 41, 36, 52))],
        "raw": {"reference": "SND-0001", "accepted": 312, "rejected": 4},
        "row_error": text("The identity number's check digits are wrong."),
    }


def _timeline(language: Language) -> tuple[TimelineEntry, ...]:
    text = language.text
    return (
        TimelineEntry(
            text("Ask the insurer for the result"),
            _NOW + timedelta(minutes=5),
            text("automatic"),
            Tone.WAITING,
            pending=True,
        ),
        TimelineEntry(
            text("The insurer's answer was lost"),
            _NOW,
            text("automatic"),
            Tone.UNKNOWN,
            detail=text(
                "We do not know yet whether the insurer accepted these rows. "
                "Nothing is sent again before we have asked."
            ),
            raw={"attempt": 1, "outcome": "read_timeout"},
        ),
        TimelineEntry(
            text("Sent to the insurer"),
            _NOW - timedelta(minutes=1),
            "Zeynep Kaya",
            Tone.INFO,
            facts=((text("Rows"), "316"), (text("Contract no"), "KM13870")),
            repeats=2,
        ),
        TimelineEntry(
            text("Contributions calculated"),
            _NOW - timedelta(days=1),
            "Zeynep Kaya",
            Tone.OK,
            why=(
                text("3%% of the pensionable earnings, kuruş cut off."),
                text("Only people with a policy number are included."),
            ),
        ),
    )

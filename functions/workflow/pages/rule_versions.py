"""The gate before a version decides: what changes, what is found, what the past says, four eyes."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from kernel.errors import KopruError, NotFoundError, ParseError, Problem, ValidationError
from kernel.parsing import parse_date_api
from toolkit.entrypoints.http import HttpApp, Reply, Request
from webkit.components import Column
from workflow.bootstrap import Workflow
from workflow.domain.rules.bitemporal import in_force
from workflow.domain.rules.scope import Scopes
from workflow.domain.rules.simulation import Comparison
from workflow.domain.rules.table import Table
from workflow.domain.rules.versions import TableVersion
from workflow.pages.kit import Kit, go, use_of
from workflow.pages.rule_editor import diff_rows, findings
from workflow.pages.rule_words import RuleSay
from workflow.pages.rules import DONE, HERE, READ, SECTION, WRITE, grid, key_of, title_of
from workflow.pages.version_moves import add_move, allowed, history
from workflow.pages.words import words_of

PUBLISH: Final = "workflow:rule:publish"
_BACK: Final = timedelta(days=90)


def declare(app: HttpApp, kit: Kit) -> None:
    """Add the page of one version and what is done there."""

    def draw(
        request: Request,
        *,
        error: KopruError | None = None,
        made: Comparison | None = None,
        asked: str = "",
    ) -> Reply:
        use, words = use_of(request), words_of(request)
        say, key = RuleSay(words, request.tenant.actor), key_of(request)
        version = _version(request, use, key)
        before = _before(use, version)
        today = use.scope.today
        form = request.form() if request.method == "POST" else {}
        days = {"from": (today - _BACK).isoformat(), "to": today.isoformat()}
        return kit.draw(
            request,
            "rules/version.html",
            SECTION,
            error=error,
            done=DONE,
            say=say,
            key=key,
            title=title_of(version.document.get("title") or {}, words.code) or key,
            version=version,
            before=before,
            diff=diff_rows(before, version.table, say),
            drawn=grid(version.table, say, request),
            checked=findings(use.check_version()(version), version.table, say),
            **allowed(request, version, write=WRITE, publish=PUBLISH),
            days={**days, **{name: form[name] for name in days if name in form}},
            made=_shown(made, say) if made is not None else None,
            asked=asked,
            entries=history(use, "rule_version", version, say),
            hit_columns=(
                Column("row", words.text("Row")),
                Column("hits", words.text("Decided so often"), numeric=True),
            ),
            difference_columns=(
                Column("case", words.text("Case")),
                Column("facts", words.text("Facts")),
                Column("before", words.text("In force")),
                Column("after", words.text("This version")),
            ),
        )

    one = f"{HERE}/{{key}}/versions/{{version_id}}"

    @app.page("GET", one, permission=READ)
    def show_version_page(request: Request) -> Reply:
        """One version: what it changes, what is found, and what may be done with it."""
        return draw(request)

    def act(name: str, permission: str, done: str, use_case: Callable[[Workflow], Any]) -> None:
        def move(request: Request, expected: int | None) -> str:
            key, version_id = key_of(request), request.path_values["version_id"]
            use_case(use_of(request))(key, version_id, expected)
            return f"{HERE}/{key}/versions/{version_id}"

        add_move(
            app, f"{one}/{name}", permission, move,
            lambda request, error: draw(request, error=error), lambda path: go(path, done=done),
        )  # fmt: skip

    act("submit", WRITE, "submitted", lambda use: use.submit_version())
    act("publish", PUBLISH, "published", lambda use: use.publish_version())
    act("withdraw", WRITE, "withdrawn", lambda use: use.withdraw_version())
    act("retire", PUBLISH, "retired", lambda use: use.retire_version())

    @app.page("POST", f"{one}/simulate", permission=READ)
    def simulate(request: Request) -> Reply:
        """Stored cases of both versions, decided with both."""
        use, key = use_of(request), key_of(request)
        version = _version(request, use, key)
        before = _before(use, version)
        tables = [version.table, *([before] if before is not None else [])]
        cases = [case.facts for table in tables for case in table.cases]
        unlike = [facts for n, facts in enumerate(cases) if facts not in cases[:n]]
        made = use.simulate_version()(key, version.id, unlike)
        return draw(request, made=made, asked="simulate")

    @app.page("POST", f"{one}/back-test", permission=READ)
    def back_test(request: Request) -> Reply:
        """The facts of past decisions, decided with both."""
        use, key, form = use_of(request), key_of(request), request.form()
        days: dict[str, date] = {}
        problems: list[Problem] = []
        for name in ("from", "to"):
            try:
                days[name] = parse_date_api(form.get(name, "").strip())
            except ParseError as error:
                problems.append(error.at(f"/{name}"))
        try:
            if problems:
                raise ValidationError("invalid_input", "Some fields are wrong.", problems=problems)
            version_id = request.path_values["version_id"]
            made = use.back_test_version()(key, version_id, days["from"], days["to"])
        except NotFoundError:
            raise
        except KopruError as error:
            return draw(request, error=error)
        return draw(request, made=made, asked="back-test")


def _version(request: Request, use: Workflow, key: str) -> TableVersion:
    return use.scope.version(key, request.path_values["version_id"])


def _before(use: Workflow, version: TableVersion) -> Table | None:
    """What would decide on the version's first day without it."""
    scope = use.scope
    known = scope.catalogue(version.key).versions.get(version.key, ())
    others = [one for one in known if one.decides and one.id != version.id]
    chain = Scopes.around(version.scope).chain
    found = in_force(others, chain, version.valid_from, scope.clock.now())
    return found.table if found is not None else None


def _shown(made: Comparison, say: RuleSay) -> Mapping[str, Any]:
    return {
        "total": made.same + made.changed,
        "same": made.same,
        "changed": made.changed,
        "hits": [{"row": row, "hits": number} for row, number in made.hits.items()],
        "never": [row for row, number in made.hits.items() if not number],
        "differences": [
            {
                "id": one.id,
                "facts": say.facts(one.facts),
                "before": say.result(one.before),
                "after": say.result(one.after),
            }
            for one in made.differences
        ],
    }

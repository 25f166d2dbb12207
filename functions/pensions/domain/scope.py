"""Who is enrolled without asking, who may ask, and who is out, by age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kernel.errors import ValidationError
from kernel.why import Why
from pensions.domain.parameters import OKS, ParameterTable


class Scope(StrEnum):
    """What age makes of a person."""

    AUTO = "AUTO"
    ON_REQUEST = "ON_REQUEST"
    OUT = "OUT"


@dataclass(frozen=True, slots=True)
class AgeScope:
    """The result, with the day the age was taken and the age in completed years."""

    scope: Scope
    test_date: date
    age: int
    why: tuple[Why, ...]


def age_scope(
    birth_date: date,
    inclusion_due_on: date,
    *,
    active_member: bool,
    parameters: ParameterTable = OKS,
) -> AgeScope:
    """Scope of a person who would be included on a day.

    Units: completed years on 1 January of the year of inclusion, or on 01.01.2017 when inclusion
    was due before 27.12.2018. An active member who changes job is included at any age.
    Raises: ValidationError("pensions.birth_after_inclusion").
    Source: sector announcement 2019/2 (CottGroup), Mercer; on request since RG 20.01.2022.
    """
    if birth_date > inclusion_due_on:
        raise ValidationError(
            "pensions.birth_after_inclusion", "the birth date lies after the inclusion"
        )
    if inclusion_due_on < parameters.day("oks.age_rule_change", inclusion_due_on):
        test_date = parameters.day("oks.age_test_before_change", inclusion_due_on)
    else:
        test_date = date(inclusion_due_on.year, 1, 1)
    age = completed_years(birth_date, test_date)
    limit = parameters.whole("oks.age_limit", inclusion_due_on)
    since = parameters.day("oks.on_request_from", inclusion_due_on)
    if active_member:
        scope, key = Scope.AUTO, "pensions.why.scope_active_member"
    elif age < limit:
        scope, key = Scope.AUTO, "pensions.why.scope_under_limit"
    elif inclusion_due_on >= since:
        scope, key = Scope.ON_REQUEST, "pensions.why.scope_on_request"
    else:
        scope, key = Scope.OUT, "pensions.why.scope_out"
    params = {
        "test_date": test_date.isoformat(),
        "age": age,
        "limit": limit,
        "on_request_from": since.isoformat(),
    }
    return AgeScope(scope, test_date, age, (Why(key, params),))


def completed_years(birth_date: date, on: date) -> int:
    """Age in completed years; who was born on 29 February completes a year on 1 March."""
    before_birthday = (on.month, on.day) < (birth_date.month, birth_date.day)
    return on.year - birth_date.year - before_birthday

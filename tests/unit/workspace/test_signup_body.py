"""Bodies that are no texts: refused with their place, whatever the member is."""

import pytest

from kernel.errors import ValidationError
from toolkit.http.fields import parse_model
from workspace.schemas import SignupIn


@pytest.mark.parametrize("value", [4019925, True, [], {}])
def test_a_name_that_is_no_text_is_a_problem_of_its_member(value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        parse_model(SignupIn, {"name": value})
    assert ("/name", "type") in {(each.pointer, each.code) for each in refused.value.problems}

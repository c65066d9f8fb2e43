"""Every allowed matching is equally likely, and methods in use elsewhere fail the very same test. Keys are fixed."""

import math

import pytest
from benchmarks.uniformity import allowed, chi_square, keys, methods, quantile, tally

DRAWS = 3360  # 10 a matching of the toy case; `python -m benchmarks.uniformity` makes 36,000
METHODS = methods(50)


@pytest.mark.parametrize("name", METHODS)
def test_the_projects_matchings_are_uniform_and_biased_ones_are_not(name):
    method, cap = METHODS[name]
    every = allowed(cap)
    counts = tally(method, DRAWS if cap else 2 * DRAWS)
    statistic, limit = chi_square(counts, every), quantile(len(every) - 1, 0.001)
    assert (statistic < limit) == ("biased" not in name)
    assert not math.isinf(statistic)


def test_a_walk_that_is_too_short_shows_where_it_started():
    (method, cap), = (one for name, one in methods(10).items() if "chain" in name)  # fmt: skip
    assert chi_square(tally(method, 1000), allowed(cap)) > 2 * quantile(335, 0.001)


def test_the_toy_case_has_336_matchings_and_every_key_is_another():
    assert (len(allowed(2)), len(allowed(None))) == (336, 1296)
    assert len(set(keys(DRAWS))) == DRAWS


def test_a_matching_that_the_rules_forbid_fails_at_once():
    every = allowed(2)
    assert math.isinf(chi_square({(("I-1", "I-2"),) * 4: 1}, every))
    assert chi_square(dict.fromkeys(every, 3), every) == 0


@pytest.mark.parametrize(("freedom", "value"), [(1, 10.8276), (10, 29.5883), (100, 149.449)])
def test_quantiles_are_those_of_the_tables(freedom, value):
    assert quantile(freedom, 0.001) == pytest.approx(value, abs=0.001)

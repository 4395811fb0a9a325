from __future__ import annotations

import time

import pytest

from noisy_student.answers.normalize import canonical_number

NUMBERS = [
    ("18", "18"),
    ("1,000", "1000"),
    ("1,234,567.50", "1234567.5"),
    ("$18.00", "18"),
    ("\\$18", "18"),
    ("$1,000.00", "1000"),
    ("-$5", "-5"),
    ("$-5", "-5"),
    ("5 \u20ac", "5"),
    ("\u22125", "-5"),
    ("+5", "5"),
    ("-0", "0"),
    ("-0.00", "0"),
    ("007", "7"),
    (".5", "0.5"),
    ("18.", "18"),
    (" 18 ", "18"),
    ("3/4", "0.75"),
    ("6/8", "0.75"),
    ("-3/4", "-0.75"),
    ("1/64", "0.015625"),
    ("3/2", "1.5"),
    ("6/3", "2"),
    ("0/7", "0"),
    ("2/6", "1/3"),
    ("-10/4", "-2.5"),
    ("\\frac{3}{4}", "0.75"),
    ("75%", "75"),
    ("75 \\%", "75"),
    ("0.1", "0.1"),
    ("1 000", "1000"),
    ("1'000'000", "1000000"),
    ("12,50,000", "1250000"),
    ("1{,}000", "1000"),
    ("1 1/2", "1.5"),
    ("2\u00bd", "2.5"),
    ("2\\frac12", "2.5"),
    ("\\frac{-3}{4}", "-0.75"),
    ("3 / 4", "0.75"),
    ("3 \u00d7 10^5", "300000"),
    ("10\u2076", "1000000"),
    ("2.5 million", "2500000"),
    ("minus 5", "-5"),
    ("\u2013 5", "-5"),
    ("4\u00ad2", "42"),
    ("0.6666666667", "2/3"),
    ("0.6666666666", "0.6666666666"),
    ("0.33", "0.33"),
    ("0.333333333", "0.333333333"),
    ("3244047.0999999996", "3244047.1"),
    ("-0.30000000000000004", "-0.3"),
    ("14053029.666666666", "42159089/3"),
    ("3.141592653589793", "3.141592653589793"),
]

NOT_NUMBERS = [
    "",
    " ",
    ".",
    "-",
    "$",
    "1,00",
    "1,0000",
    "0,500",
    "1000,000",
    "1,000,00",
    ",000",
    "1.000,00",
    "1.2.3",
    "1 00",
    "1 3/2",
    "2-1/2",
    "2^3",
    "5k",
    "1.5.2",
    "1.5/2",
    "3/0",
    "3/4/5",
    "1_000",
    "0x10",
    "1e3",
    "1e400",
    "1e999999999",
    "nan",
    "sNaN",
    "inf",
    "-Infinity",
    "\uff11\uff12\uff13",
    "\u0664\u0662",
    "--5",
    "-$-5",
    "5-",
    "(5)",
    "9**9**9**9",
    "__import__('os').system('touch PWN')",
    "1/" + "9" * 19,
    "1" * 101,
    "1" * 60_000,
]


@pytest.mark.parametrize(("surface", "canonical"), NUMBERS)
def test_written_numbers_of_one_value_have_one_form(surface: str, canonical: str) -> None:
    assert canonical_number(surface) == canonical


@pytest.mark.parametrize("surface", NOT_NUMBERS)
def test_what_is_documented_as_no_number_is_none(surface: str) -> None:
    assert canonical_number(surface) is None


def test_the_longest_fraction_ends_within_the_cap_and_reads_itself() -> None:
    canonical = canonical_number(f"{10**18 - 1}/{2**59}")
    assert canonical is not None
    assert canonical_number(canonical) == canonical


def test_long_input_is_refused_at_once() -> None:
    start = time.perf_counter()
    assert canonical_number("1" * 10_000_000) is None
    assert time.perf_counter() - start < 0.05

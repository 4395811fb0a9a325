"""Numbers written in every notation, in every stage: what was written is read, and two numbers are never one."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.answers.extract import extract
from noisy_student.answers.normalize import canonical_number
from noisy_student.records import Answer

SEPARATORS = (",", " ", "\u00a0", "\u202f", "\u2009", "\u2007", "'", "\u2019")
LATEX_SEPARATORS = ("{,}", "\\,", "\\ ", "~", ",\\!")
MINUSES = ("-", "\u2212", "\u2013", "\ufe63", "\uff0d", "- ", "\u2013 ", "minus ", "negative ")
UNITS = (
    "",
    " eggs",
    " km/h",
    " cm",
    "cm",
    "kg",
    "%",
    "\u00b0",
    " eggs a day",
    " dollars",
    "-year-old",
    " cm^2",
    " m\u00b2",
)
VULGAR = {"\u00bd": Fraction(1, 2), "\u00bc": Fraction(1, 4), "\u2153": Fraction(1, 3), "\u215e": Fraction(7, 8)}
SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "lakh": 5, "crore": 7}

Written = tuple[Fraction, str]


@st.composite
def grouped(draw: st.DrawFn, separators: tuple[str, ...]) -> Written:
    number = draw(st.integers(1000, 10**12))
    separator = draw(st.sampled_from(separators))
    return Fraction(number), f"{number:,}".replace(",", separator)


@st.composite
def indian(draw: st.DrawFn) -> Written:
    number = draw(st.integers(10**5, 10**9))
    head, tail = str(number // 1000), f"{number % 1000:03}"
    parts = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return Fraction(number), ",".join([*parts, tail])


@st.composite
def decimal(draw: st.DrawFn) -> Written:
    units, places = draw(st.integers(0, 10**8)), draw(st.integers(1, 4))
    return Fraction(units, 10**places), f"{units // 10**places}.{units % 10**places:0{places}}"


@st.composite
def fraction(draw: st.DrawFn, forms: tuple[str, ...]) -> Written:
    above, below = draw(st.integers(1, 99)), draw(st.integers(1, 99))
    form = draw(st.sampled_from(forms))
    return Fraction(above, below), form.replace("A", str(above)).replace("B", str(below))


@st.composite
def mixed(draw: st.DrawFn, forms: tuple[str, ...]) -> Written:
    whole, below = draw(st.integers(1, 99)), draw(st.integers(2, 99))
    above = draw(st.integers(1, below - 1))
    form = draw(st.sampled_from(forms))
    return whole + Fraction(above, below), form.replace("W", str(whole)).replace("A", str(above)).replace(
        "B", str(below)
    )


@st.composite
def vulgar(draw: st.DrawFn) -> Written:
    sign, whole = draw(st.sampled_from(sorted(VULGAR))), draw(st.integers(0, 99))
    space = draw(st.sampled_from(("", " ")))
    return whole + VULGAR[sign], f"{whole}{space}{sign}" if whole else sign


@st.composite
def power(draw: st.DrawFn, times: tuple[str, ...]) -> Written:
    base, exponent = draw(st.integers(1, 99)), draw(st.integers(1, 9))
    form = draw(st.sampled_from(times)).replace("E", str(exponent))
    raised = form.replace("S", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[exponent])
    return Fraction(base * 10**exponent), f"{base}{raised}"


@st.composite
def scaled(draw: st.DrawFn) -> Written:
    units, scale = draw(st.integers(1, 999)), draw(st.sampled_from(sorted(SCALES)))
    return Fraction(units, 10) * 10 ** SCALES[scale], f"{units // 10}.{units % 10} {scale}"


integers = st.integers(0, 10**6).map(lambda number: (Fraction(number), str(number)))
PLAIN = st.one_of(
    *(integers, grouped(SEPARATORS), indian(), decimal(), vulgar(), scaled()),
    fraction(("A/B", "A / B", "A\u2044B")),
    mixed(("W A/B", "W A / B", "W and A/B")),
    power((" \u00d7 10^E", "*10^E", " x 10^E", "\u00d710S", " \u00b7 10^{E}")),
)
LATEX = st.one_of(
    grouped(LATEX_SEPARATORS),
    fraction(("\\frac{A}{B}", "\\dfrac{A}{B}", "\\tfrac{A}{B}")),
    mixed(("W\\frac{A}{B}", "W \\tfrac{A}{B}")),
    power(("\\times10^{E}", " \\times 10^E", "\\cdot 10^{E}")),
)


@st.composite
def quantities(draw: st.DrawFn) -> Written:
    value, text = draw(PLAIN)
    if draw(st.booleans()):
        value, text = -value, draw(st.sampled_from(MINUSES)) + text
    elif draw(st.booleans()):
        text = draw(st.sampled_from(("$", "\u20ac", "\u20b9", "Rs. "))) + text
    elif not text[-1].isalpha():
        text += draw(st.sampled_from(UNITS))
    return value, text


STAGES = (
    "6 * 7 = 42\n#### {}",
    "#### {}\nThat took 3 steps.",
    "#### **{}**",
    "\\boxed{{{}}}",
    "so \\(\\boxed{{{}}}\\), in 3 steps",
    "The answer is {}.",
    "**Answer:** {}\nConfidence: 95",
    "<answer>{}</answer> in 3 steps",
    "La respuesta es {}.\n3 pasos",
    "\u7b54\u6848\u662f{}\u3002\u4e00\u51713\u6b65\u3002",
    "<think>\\boxed{{3}} #### 4</think>\nx = {}",
    "so the total = {}",
)


def expected(value: Fraction) -> str | None:
    return canonical_number(f"{value.numerator}/{value.denominator}")


@examples(400)
@given(quantities(), st.sampled_from(STAGES))
def test_reading_what_was_written_gives_the_value(written: Written, stage: str) -> None:
    found = extract(stage.format(written[1]))
    assert isinstance(found, Answer)
    assert found.canonical == expected(written[0])


@examples(200)
@given(LATEX, st.sampled_from(("\\boxed{{{}}}", "#### ${}$", "The answer is \\({}\\).", "#### {}", "so x = ${}$")))
def test_reading_what_was_written_in_latex_gives_the_value(written: Written, stage: str) -> None:
    found = extract(stage.format(written[1]))
    assert isinstance(found, Answer)
    assert found.canonical == expected(written[0])


@examples(200)
@given(st.one_of(PLAIN, LATEX))
def test_a_number_alone_is_read_the_same(written: Written) -> None:
    assert canonical_number(written[1]) == expected(written[0])


JOINED = (
    *(
        "{} or {}",
        "{} and {}",
        "{} to {}",
        "{}-{}",
        "{} \u2013 {}",
        "{}; {}",
        "{} apples and {} pears",
        "{} & {}",
        "{}:{}",
    ),
    *("{} : {}", "between {} and {}", "{} h {} min", "{} hours {} minutes", "{} feet {} inches", "{} apples, {} pears"),
    *(
        "${}-${}",
        "${} or ${}",
        "{} vs {}",
        "{} out of {}",
        "{}~{}",
        "x = {} or x = {}",
        "{} + {}",
        "{} * {}",
        "May {}, {}",
    ),
)
LISTED = ("hashes", "boxed", "phrase", "last-number")
PLACES = (
    "#### {}",
    "\\boxed{{{}}}",
    "The answer is {}.",
    "It is {}.",
    "Answer: {}\nConfidence high",
    "so 7\n#### {}\n",
)


@examples(300)
@given(st.integers(2, 99), st.integers(2, 99), st.sampled_from(JOINED), st.sampled_from(PLACES))
def test_two_numbers_are_no_number(one: int, other: int, form: str, place: str) -> None:
    assert not isinstance(extract(place.format(form.format(one, other))), Answer)


@examples(300)
@given(st.integers(-(10**6), 10**6), st.integers(1, 200), st.integers(10, 20))
def test_a_float_and_a_long_rounding_equal_the_fraction(above: int, below: int, places: int) -> None:
    value = Fraction(above, below)
    assert canonical_number(f"{Decimal(repr(above / below)):f}") == expected(value)
    exact = Context(prec=60)
    rounded = exact.quantize(exact.divide(Decimal(above), Decimal(below)), Decimal(1).scaleb(-places))
    assert canonical_number(f"{rounded:f}") == expected(value)


@examples(300)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
def test_a_short_decimal_stays_what_it_is(value: Decimal) -> None:
    canonical = canonical_number(f"{value:f}")
    assert canonical is not None
    assert Fraction(canonical) == Fraction(value)


@examples(300)
@given(
    st.one_of(st.floats(0, 10**9).map(lambda value: f"{Decimal(repr(value)):f}"), PLAIN.map(lambda written: written[1]))
)
def test_a_canonical_form_is_its_own(text: str) -> None:
    canonical = canonical_number(text)
    assert canonical is None or canonical_number(canonical) == canonical

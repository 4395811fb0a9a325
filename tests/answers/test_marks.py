from __future__ import annotations

import pytest

from noisy_student.answers.marks import answer_end


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("so\n#### 18\n", "so\n#### 18"),
        ("#### 18. And then", "#### 18."),
        ("#### **18** eggs", "#### **18**"),
        ("#### 1,000 eggs #### 3", "#### 1,000"),
        ("#### Step 1\n#### 7 ", "#### Step 1\n#### 7"),
        ("#### 18<|im_end|>", "#### 18"),
    ],
)
def test_it_stops_after_a_complete_first_answer(text: str, kept: str) -> None:
    end = answer_end(text)
    assert end is not None
    assert text[:end] == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "18 ",
        "####",
        "#### ",
        "#### 18",
        "#### 18.",
        "#### 18,",
        "#### 18/",
        "#### 1e3 ",
        "\\boxed{18} ",
        "a\nHuman: #### 5 ",
    ],
)
def test_it_does_not_stop_while_the_answer_may_change(text: str) -> None:
    assert answer_end(text) is None

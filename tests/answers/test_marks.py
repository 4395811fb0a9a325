from __future__ import annotations

import pytest

from noisy_student.answers.marks import answer_end


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("so\n#### 18\n", "so\n#### 18"),
        ("#### 18. And then", "#### 18."),
        ("#### **18** eggs\n", "#### **18** eggs"),
        ("#### 18 eggs a day, which are sold at the market every morning", "#### 18"),
        ("#### 1,000 eggs #### 3", "#### 1,000"),
        ("#### Step 1\n#### 7\n", "#### Step 1\n#### 7"),
        ("#### 1. Count\nRows: 3\n#### 2. Add\n#### 7 eggs\n", "#### 1. Count\nRows: 3\n#### 2. Add\n#### 7"),
        ("#### 4\u00ad2\n", "#### 4\u00ad2"),
        ("<think>#### 3\n</think>\n#### 7\n", "<think>#### 3\n</think>\n#### 7"),
        ("#### 20 - 8 = 12 eggs\n", "#### 20 - 8 = 12"),
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
        "a\n\nHuman: #### 5\n",
        "#### 18 ",
        "#### 18 eggs",
        "#### 1. Count\n",
        "#### 2) Rows\n",
        "#### 1st step\n",
        "#### 5 or 6\n",
        "<think>#### 5\n",
    ],
)
def test_it_does_not_stop_while_the_answer_may_change(text: str) -> None:
    assert answer_end(text) is None

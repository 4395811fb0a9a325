"""Generated questions: word problems, shop problems and paraphrases."""

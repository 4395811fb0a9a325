"""Generated questions: word problems, shop problems and their paraphrases."""

"""Why a text holds no single answer, in the words that rows say it with."""

from __future__ import annotations

NO_ANSWER, SEVERAL_ANSWERS = "no_answer", "several_answers"

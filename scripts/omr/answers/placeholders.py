r"""What stands where an answer belongs without being one: `?`, `\ldots`, `your answer`, `Proven`.

An answer has something that can be an answer: a digit, a letter or a symbol of mathematics outside words, or words that
say something else than that an answer (or a proof) stands here.
"""

from __future__ import annotations

import re

from omr.answers.characters import clean_characters
from omr.files.patterns import lazy

#: Commands that show nothing, dots, or the sign that ends a proof.
_IDLE_COMMAND = lazy(
    r"\\[hv]space\*?\{[^{}]{0,40}\}"
    r"|\\(?:[lcdv]?dots[cbmio]?|ddots|q?quad|square|Box|blacksquare|qed(?:symbol|here)?|checkmark|star|bullet"
    r"|ast|phantom|underline|hrulefill|left|right|boxed|fbox|displaystyle"
    r"|(?:text|math|operatorname|emph|mbox|hbox|bf|rm|it|sf|tt)[a-z]*)(?![A-Za-z])|\\[,;:!_ ]"
)
_EMPTY_SET = lazy(r"[$\s]*\\\{(?:\s|\\[,;:! ])*\\\}[$\s]*")
_QED = lazy(r"q\.\s?e\.\s?d\b", re.IGNORECASE)
_WORD = lazy(r"\\[A-Za-z]+|[^\W\d_]+(?:['’][^\W\d_]+)?|\d")
#: Words with which a text speaks of an answer, of its place, or of a proof that ended. Nothing but them is no answer.
_ABOUT_ANSWERS = frozenset(
    str.split(
        "answer answers ans solution result results response value values expression number final correct boxed box"
        " placeholder blank todo tbd proof proved proven prove shown showed qed done complete completed verified"
        " established demonstrated statement claim theorem above below follows"
        " réponse respuesta resposta risposta antwort lösung ergebnis ответ решение доказано"
        " 答案 答え 解答 答 证毕 證畢 得证 証明終 証明完了 정답 답"
    )
)
_AROUND_THEM = frozenset(
    str.split(
        "the a an your my our this that here is are was has been have goes in as of for to be by and it its final see"
        " insert put write fill enter given required requested as desired hence thus therefore so we i"
        " la le el die der das ваш tu su deine ihre votre"
    )
)
#: With `answer`, these say that there is none; `no solution` is an answer.
_ABSENT = frozenset(str.split("no not none found available known unknown n stated"))


def can_be_answer(text: str) -> bool:
    """Whether a text (the content of a box, say) can be an answer at all."""
    if _EMPTY_SET.fullmatch(text):
        return True
    words = [word.casefold() for word in _WORD.findall(_IDLE_COMMAND.sub(" ", _QED.sub("qed", clean_characters(text))))]
    if not words or words == ["unknown"]:
        return False
    about = _ABOUT_ANSWERS.intersection(words)
    silent = _ABOUT_ANSWERS | _AROUND_THEM | (_ABSENT if about & {"answer", "answers"} else frozenset())
    return not about or not silent.issuperset(words)

r"""Text of a model as it was meant: without what transport and chat templates leave in it.

Two kinds of damage. LaTeX that went through a string literal lost the backslash and the letter behind it to an escape:
`\frac` became a form feed and `rac`, `\boxed` a backspace and `oxed`, `\times` a tab and `imes`. And a model that
writes on after its turn writes the control tokens of its chat template (`<|im_end|>`, `</s>`, `[INST]`, ...), behind
which it invents turns of others: the text ends at the first of them. All of it takes time linear in the text.
"""

from __future__ import annotations

import re

#: Characters that mean nothing else in a text, and the letter that made each of them.
_ALWAYS = {"\x07": "a", "\b": "b", "\v": "v", "\f": "f", "\x1b": "e"}
#: Tabs and line ends are also what they are: here the rest of the command decides, and for rests that are words the
#: place, since a tab after text on its line is no indent.
_TAB_RESTS = "imes|ext(?:bf|it|rm|tt|sf|style)?|heta|frac|binom|ilde|riangle(?:left|right|q)?|herefore|anh"
_TAB_WORDS = "an|au|o|op|ag|iny"
_RETURN_RESTS = "ight(?:arrow)?|ho|vert|Vert|brace|brack|oot"
_RETURN_WORDS = "angle|floor|ceil"
_IN_LINE = r"(?:(?<=\S)|(?<=\S ))"
_END = "(?![A-Za-z])"
_DAMAGE = re.compile(
    r"[\x07\x08\x0b\x0c\x1b](?=[a-z])"
    rf"|\t(?=(?:{_TAB_RESTS}){_END})|{_IN_LINE}\t(?=(?:{_TAB_WORDS}){_END})"
    rf"|\r(?=(?:{_RETURN_RESTS}){_END})|{_IN_LINE}\r(?=(?:{_RETURN_WORDS}){_END})"
    rf"|(?<=[^\n])\n(?=(?:abla|otin){_END}|eq(?![A-Za-z.]|\s?\(\d))"
)
_LETTERS = _ALWAYS | {"\t": "t", "\r": "r", "\n": "n"}
#: What is left of control characters shows nothing; of those that part pages or lines, a line end stays.
_STRAY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_NO_ESCAPE = re.compile(r"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")

#: A control token by its form: a name of letters in `<|...|>` (or DeepSeek's full-width bars), a name of several words
#: or with a number in `<...>`, the few short names that tokenizers share, and instruction marks in square brackets.
#: Names in bars have three letters in a row, so that `|a|<|b|>|c|` is none.
_ANGLED = (
    r"<(?:[|｜](?=[^|｜>]{0,60}[A-Za-z]{3})[\w▁ ./:-]{3,60}[|｜]>"
    r"|/?[a-z]{2,20}(?:_[a-z]{2,20}){1,4}>|[a-z]{4,20}(?:_[a-z]{2,20}){0,2}_?\d{1,5}>"
    r"|/s>|/?(?:bos|eos|pad|unk|sep|cls|mask|eot|eod|endoftext)>|</?SYS>>)"
)
_SQUARE = r"\[/?(?:INST|[A-Z]{2,20}(?:_[A-Z]{2,20}){1,4})\]"
_TOKEN = rf"(?:{_ANGLED}|{_SQUARE})"
_ANY_TOKEN = re.compile(_TOKEN)
#: A search for what begins with one given sign goes from one to the next, several times as fast.
_SEARCHES = [("<", re.compile(_ANGLED).search), ("[", re.compile(_SQUARE).search)]
#: The head of the model's own turn, which some servers send with it.
_OTHERS = r"(?!\s{0,9}(?:user|system|human|tool|ipython|function|environment|observation)\b)"
_HEAD = re.compile(rf"\s*+(?:(?:{_TOKEN}|<s>){_OTHERS}\s*+(?:(?:assistant|model)\b\s*+)?)+")
#: Texts are long and next to none is damaged, so that plain searches come first: they are fifty times as fast.
_CONTROLS = tuple(chr(code) for code in (*range(32), 127) if chr(code) != "\n")
_SPLIT_COMMANDS = ("\neq", "\nabla", "\notin")


def repaired_text(text: str) -> str:
    """A model's text with its LaTeX restored, no control characters, and nothing from the first control token on.

    The same text where there is nothing to mend; what comes out comes out unchanged a second time.
    """
    text = without_escapes(text)
    return _without_tokens(text) if "<" in text or "[" in text else text


def without_escapes(text: str) -> str:
    r"""The text with the commands whose `\f`, `\b`, `\t`, ... an escape swallowed, and without control characters."""
    if not any(sign in text for sign in _CONTROLS) and not any(command in text for command in _SPLIT_COMMANDS):
        return text
    # What no escape makes goes first: behind it, what is left would look like damage of another kind.
    text = _DAMAGE.sub(lambda found: "\\" + _LETTERS[found[0]], _NO_ESCAPE.sub("", text))
    text = _STRAY.sub(lambda found: "\n" if found[0] in "\v\f" else "", text)
    return _DAMAGE.sub(lambda found: "\\" + _LETTERS[found[0]], text)


def has_control_token(text: str) -> bool:
    """Whether the control token of a chat template stands anywhere in a text."""
    return any(sign in text and search(text) is not None for sign, search in _SEARCHES)


def _without_tokens(text: str) -> str:
    head = _HEAD.match(text)
    start = head.end() if head else 0
    token = _ANY_TOKEN.search(text, start)
    return text[start : token.start() if token else None]

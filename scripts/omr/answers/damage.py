r"""Text of a model as it was meant: without what transport and chat templates leave in it.

Two kinds of damage. LaTeX that went through a string literal lost the backslash and the letter behind it to an escape:
`\frac` became a form feed and `rac`, `\boxed` a backspace and `oxed`, `\times` a tab and `imes`. And a model that
writes on after its turn writes the control tokens of its chat template (`<|im_end|>`, `</s>`, `[INST]`, ...), behind
which it invents turns of others: the text ends at the first of them. All of it takes time linear in the text.
"""

from __future__ import annotations

import re

from omr.files.patterns import lazy

#: Characters that mean nothing else in a text, and the letter that made each of them.
_ALWAYS = {"\x07": "a", "\b": "b", "\v": "v", "\f": "f", "\x1b": "e"}
#: Tabs and line ends are also what they are: here the rest of the command decides, and for rests that are words the
#: place, since a tab after text on its line is no indent.
_TAB_RESTS = "imes|ext(?:bf|it|rm|tt|sf|style)?|heta|frac|binom|ilde|riangle(?:left|right|q)?|herefore|anh"
_TAB_WORDS = "an|au|o|op|ag|iny"
_RETURN_RESTS = "ight(?:arrow)?|ho|vert|Vert|brace|brack|oot"
_RETURN_WORDS = "angle|floor|ceil"
_END = "(?![A-Za-z])"


def _in_line(sign: str) -> str:
    return rf"(?:(?<=\S{sign})|(?<=\S {sign}))"


#: What is damage, by its character. The character comes first, and what stands before it is looked at from behind it:
#: so the search runs through a text at the speed of a set of characters, sixteen times as fast.
_RULES = {sign: rf"{sign}(?=[a-z])" for sign in _ALWAYS} | {
    "\t": rf"\t(?:(?=(?:{_TAB_RESTS}){_END})|{_in_line(chr(9))}(?=(?:{_TAB_WORDS}){_END}))",
    "\r": rf"\r(?:(?=(?:{_RETURN_RESTS}){_END})|{_in_line(chr(13))}(?=(?:{_RETURN_WORDS}){_END}))",
    "\n": rf"\n(?<=[^\n]\n)(?=(?:abla|otin){_END}|eq(?![A-Za-z.]|\s?\(\d))",
}
_DAMAGE = lazy("|".join(_RULES.values()))
#: Texts are long and next to none is damaged, so that plain searches come first. Tabs and line ends are mostly what
#: they are: each is looked for alone.
_DAMAGE_OF = [(sign, lazy(_RULES[sign])) for sign in "\t\r\n"]
_NO_TEXT = tuple(chr(code) for code in (*range(1, 32), 127) if chr(code) not in "\t\r\n")
#: `in` looks for this one character by character where a text is not ASCII, and takes as long as for twenty others.
_NUL = re.compile("\0").search
_LETTERS = _ALWAYS | {"\t": "t", "\r": "r", "\n": "n"}
#: What is left of control characters shows nothing; of those that part pages or lines, a line end stays.
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_STRAY = lazy(_CONTROL)

_NO_ESCAPE = lazy(r"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")  #: For a short text one search is less than many.
_SHORT, _PLAIN = 200, re.compile(r"[^\x00-\x1f\x7f]*+")

#: Control tokens without bars, which look like any tag (`<final_answer>`) and index (`dp[MAX_SUM]`): only names that
#: tokenizers have. What ends a turn stands right behind its last word.
_ENDS = (
    "/s|/?(?:bos|eos|eot|eod|eop|sop|endoftext)|(?:BOS|EOS|EOT|EOD|EOP|PAD|UNK)_TOKEN|im_(?:start|end|sep)"
    "|(?:start|begin|beginning|end)_of_(?:turn|text|sentence|utterance|message|file|document|image|audio|video)"
    "|/?(?:tool|function)_(?:response|result|output)s?|(?:start|end)_function_(?:call|response|declaration)"
    r"|(?:extra_id|unused(?:_token)?|reserved(?:_[a-z]{2,20}){0,2}|(?:added|custom|dummy|special)_token)_?\d{1,5}"
    r"|(?:SPECIAL|TOKENS_UNUSED)_\d{1,5}|ctrl\d{1,3}"
)
#: Others are words that may name a type or a variable: behind a word they do (`vector<mask>`).
_WORDS = (
    "pad|unk|sep|cls|mask|fim_(?:prefix|middle|suffix|pad)|file_sep|issue_(?:start|comment|closed)"
    "|jupyter_(?:start|text|code|output|script)|(?:image|audio|video)_soft_token|fake_token_around_image"
)
_IN_SQUARES = (
    "INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|CALL_ID|SYSTEM_PROMPT|MODEL_SETTINGS|BEGIN_AUDIO"
    r"|IMG_(?:BREAK|END)|UNUSED_TOKEN_\d{1,5}"
)
#: Names in bars (or DeepSeek's full-width ones) may be any with three letters in a row, so that `|a|<|b|>|c|` is none.
_ANGLED = (
    r"<(?:[|｜](?=[^|｜>]{0,60}[A-Za-z]{3})[\w▁ ./:-]{3,60}[|｜]>"
    rf"|(?=[A-Za-z/][A-Za-z_0-9]{{1,60}}+>)(?:{_ENDS}|(?<!\w<)/?(?:{_WORDS}))>|</?SYS>>)"
)
_SQUARE = rf"\[(?:/|(?<!\w\[))(?:{_IN_SQUARES})\]"
#: A call of a tool ends no turn: who judges code quotes it with these tags.
_TOOL_TAGS = ("<tool_call>", "</tool_call>")
_TOKEN = rf"(?:{_ANGLED}|{_SQUARE})"
_ANGLED_TOKEN, _SQUARE_TOKEN = lazy(_ANGLED), lazy(_SQUARE)
#: A token, or what may become one when control characters in it are gone: no token has more than 110 characters.
_MAYBE_ANGLED = lazy(rf"{_ANGLED}|<[<>|｜/\w▁ .:-]{{0,110}}+{_CONTROL}")
_MAYBE_SQUARE = lazy(rf"{_SQUARE}|\[[/A-Z_\d]{{0,110}}+{_CONTROL}")
#: The head of the model's own turn, which some servers send with it. Its words name nothing that an index or a type
#: would follow (`assistant[INST]`).
_IN_HEAD = _TOKEN.replace(r"(?<!\w<)", "").replace(r"(?<!\w\[)", "")
_OTHERS = r"(?!\s{0,9}(?:user|system|human|tool|ipython|function|environment|observation)\b)"
_HEAD = lazy(rf"\s*+(?:(?:{_IN_HEAD}|<s>){_OTHERS}\s*+(?:(?:assistant|model)\b\s*+)?)+")


def repaired_text(text: str) -> str:
    """A model's text with its LaTeX restored, no control characters, and nothing from the first control token on.

    The same text where there is nothing to mend; what comes out comes out unchanged a second time.
    """
    text = without_escapes(text)
    return _without_tokens(text) if "<" in text or "[" in text else text


def without_escapes(text: str) -> str:
    r"""The text with the commands whose `\f`, `\b`, `\t`, ... an escape swallowed, and without control characters."""
    if len(text) < _SHORT and _PLAIN.fullmatch(text):
        return text
    if not _may_be_damaged(text):
        return text
    # What no escape makes goes first: behind it, what is left would look like damage of another kind.
    text, mended = _DAMAGE.subn(_command, _NO_ESCAPE.sub("", text))
    text, removed = _STRAY.subn(lambda found: "\n" if found[0] in "\v\f" else "", text)
    return _DAMAGE.sub(_command, text) if mended or removed else text


def _may_be_damaged(text: str) -> bool:
    for sign in _NO_TEXT:  # no `any` with a generator: this is done for every text
        if sign in text:
            return True
    if _NUL(text):
        return True
    return any(sign in text and rule.search(text) for sign, rule in _DAMAGE_OF)


def _command(found: re.Match[str]) -> str:
    return "\\" + _LETTERS[found[0]]


def has_control_token(text: str) -> bool:
    """Whether the control token of a chat template stands anywhere in a text; calls of tools are among them."""
    return _first_token(text) is not None or any(tag in text for tag in _TOOL_TAGS)


def _without_tokens(text: str) -> str:
    if head := _HEAD.match(text):
        text = text[head.end() :]  # a token right behind the head stands behind nothing
    return text[: _first_token(text)]


def _first_token(text: str) -> int | None:
    """Where the first token begins."""
    # `[` is in many formulas, which a search passes faster.
    first = _first_angled(_ANGLED_TOKEN, text, len(text))
    # No token of one kind holds the sign of the other.
    square = _SQUARE_TOKEN.search(text, 0, len(text) if first is None else first)
    return square.start() if square else first


def _first_angled(pattern: re.Pattern[str], text: str, end: int) -> int | None:
    # The sign is rare, and found at the speed of memory.
    place = text.find("<", 0, end)
    while place >= 0:
        if pattern.match(text, place, end):
            return place
        place = text.find("<", place + 1, end)
    return None


def may_hold_token(text: str, end: int) -> bool:
    """Whether a control token may begin before `end` once the text is mended; False is certain."""
    return _first_angled(_MAYBE_ANGLED, text, end) is not None or _MAYBE_SQUARE.search(text, 0, end) is not None

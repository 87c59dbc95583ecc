"""What trainers' chat templates do to the reasoning in a row's chat, for the cards: some take it out, silently.

Every line here is a claim that a test holds against the templates that the named versions of TRL and axolotl ship.
"""

from __future__ import annotations

from typing import NamedTuple

TRL, AXOLOTL = "1.16.0", "0.19.0"


class Family(NamedTuple):
    """Models whose own chat templates do the same.

    `templates` are names of files in TRL's package, `training` those that TRL trains with instead where loss is on
    assistants alone. `keeps` and `training_keeps`: whether the reasoning of an assistant's message stays;
    `keeps_calls`: whether all reasoning and all code of a chat with calls of a tool do (None: it is refused).
    """

    models: str
    templates: tuple[str, ...]
    keeps: bool
    keeps_calls: bool | None
    training: tuple[str, ...] = ()
    training_keeps: bool | None = None


FAMILIES = (
    Family(
        "Qwen2.5, Qwen3-Instruct-2507",
        ("qwen2_5", "qwen3_instruct_2507"),
        True,
        True,
        ("qwen2_5_training", "qwen3_instruct_2507_training"),
        True,
    ),
    Family(
        "Qwen3, Qwen3.5, Qwen3.6",
        ("qwen3", "qwen3_5_think", "qwen3_6"),
        True,
        True,
        ("qwen3_training", "qwen3_5_think_training", "qwen3_6_training"),
        True,
    ),
    Family(
        "DeepSeek-R1-Distill (Qwen and Llama)",
        ("deepseek_r1_distill",),
        False,
        False,
        ("deepseek_r1_distill_training",),
        True,
    ),
    Family("DeepSeek-V3", ("deepseekv3",), False, None, ("deepseekv3_training",), False),
    Family("Llama 3", ("llama3",), True, False, ("llama3_training",), True),
    Family("Llama 3.1, 3.2", ("llama3_1", "llama3_2"), True, False),
    Family("Phi-3, Phi-3.5", ("phi3", "phi3_5"), True, False, ("phi3_training", "phi3_5_training"), True),
)
#: Names for `chat_template` in axolotl's config whose templates keep the reasoning, and those that take it out.
AXOLOTL_KEEPS, AXOLOTL_DROPS = ("qwen_25", "qwen3", "chatml", "llama3"), ("deepseek_v3",)
#: Those of them that print the field into which axolotl's `split_thinking` moves the reasoning.
AXOLOTL_SPLITS = ("qwen3",)


def families_rows(with_calls: bool) -> list[list[str]]:
    """Lines of a card's table: models, what becomes of the reasoning (with calls of a tool too), what keeps it."""
    rows = []
    for family in FAMILIES:
        line = [family.models, "stays" if family.keeps else "**is taken out**"]
        if with_calls:
            line.append({True: "stay", False: "**stay in part**", None: "**is refused**"}[family.keeps_calls])
        rows.append([*line, _what_keeps(family)])
    return rows


def _what_keeps(family: Family) -> str:
    if family.keeps:
        return "nothing is needed"
    return "TRL's template for training" if family.training_keeps else "a template of your own"


def families_head(with_calls: bool) -> list[str]:
    """The head of that table."""
    calls = ["reasoning and code in `messages_with_tools`"] if with_calls else []
    return ["the template of", "reasoning in `messages`", *calls, "what keeps it in `messages`"]


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


ABOUT = (
    "A trainer puts a chat through the template of the model that it trains, and some templates take all that stands "
    "before `</think>` out of an assistant's message: such a model would learn to answer without reasoning, and "
    f"nothing would say so. Tried with the templates that TRL {TRL} and axolotl {AXOLOTL} ship:"
)
_TO_TOKENIZER = """```python
from trl.chat_template_utils import get_training_chat_template

tokenizer.chat_template = get_training_chat_template(tokenizer) or tokenizer.chat_template
```"""
SETTINGS = f"""TRL's template for training is taken by `SFTConfig(assistant_only_loss=True)`. For other trainers of TRL,
or loss on all tokens, the tokenizer gets it:

{_TO_TOKENIZER}

axolotl takes the model's own template (`chat_template: tokenizer_default`) or one by name:
{_named(AXOLOTL_KEEPS)} keep the reasoning, {_named(AXOLOTL_DROPS)} takes it out. `split_thinking` stays `false`:
it moves the reasoning into a field that of these only {_named(AXOLOTL_SPLITS)} prints.

Of any other model, look at one row as it will be trained on:

```python
print(tokenizer.apply_chat_template(rows[0]["messages"], tokenize=False))
```"""
PREFERENCE_SETTINGS = f"""`DPOTrainer` and `RewardTrainer` take the template of the tokenizer, so it gets TRL's template
for training where the reasoning would be taken out:

{_TO_TOKENIZER}"""

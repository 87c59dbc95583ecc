"""What the cards say of trainers' chat templates holds for the templates that the trainers ship."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from jinja2 import TemplateError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from omr.training import trainers
from omr.training.card import CardFacts, dataset_card
from omr.training.code_rows import TOOLS
from omr.training.figures import Figures
from omr.training.product_card import ProductFigures, product_card
from pinned_wheels import source

TRL, AXOLOTL = f"trl=={trainers.TRL}", f"axolotl=={trainers.AXOLOTL}"
REASONING, ANSWER = "<think>\nIt is one and one.\n</think>", "So \\boxed{2}."
QUESTION = {"role": "user", "content": "What is $1+1$?"}
CHAT = [QUESTION, {"role": "assistant", "content": f"{REASONING}\n\n{ANSWER}"}]
CALL = {"type": "function", "function": {"name": "python", "arguments": {"code": "print(1 + 1)"}}}
CHAT_WITH_CALLS = [
    QUESTION,
    {"role": "assistant", "content": REASONING, "tool_calls": [CALL]},
    {"role": "tool", "name": "python", "content": "2"},
    {"role": "assistant", "content": f"<think>\nIt said two.\n</think>\n\n{ANSWER}"},
]


class Generation(Extension):
    """The mark around what assistants say, which changes no text."""

    tags = {"generation"}  # noqa: RUF012  (jinja2 wants it so)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """What transformers renders chat templates with."""
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )

    def refuse(message: str) -> None:
        raise TemplateError(message)

    made.globals |= {"raise_exception": refuse, "strftime_now": lambda form: "2026"}
    made.filters["tojson"] = lambda value, **how: json.dumps(value, ensure_ascii=False, indent=how.get("indent"))
    return made


def rendered(requirement: str, path: str, chat: list[dict[str, Any]], tools: Any = None) -> str:
    template = environment().from_string(source(requirement, path))
    return template.render(
        messages=chat, tools=tools, bos_token="<bos>", eos_token="<eos>", add_generation_prompt=False
    )


def by_trl(name: str, chat: list[dict[str, Any]], tools: Any = None) -> str:
    return rendered(TRL, f"trl/chat_templates/{name}.jinja", chat, tools)


def by_axolotl(name: str, chat: list[dict[str, Any]]) -> str:
    return rendered(AXOLOTL, f"axolotl/utils/chat_templates/templates/{name}.jinja", chat)


own = [(family, name) for family in trainers.FAMILIES for name in family.templates]
training = [(family, name) for family in trainers.FAMILIES for name in family.training]


@pytest.mark.servers
@pytest.mark.xdist_group("wheels")
@pytest.mark.parametrize(("family", "name"), own, ids=[name for _, name in own])
def test_a_models_own_template_does_to_a_row_what_the_card_says(family: trainers.Family, name: str) -> None:
    text = by_trl(name, CHAT)
    assert ANSWER in text
    assert (f"{REASONING}\n\n{ANSWER}" in text) == family.keeps
    assert ("one and one" in text) == family.keeps


@pytest.mark.servers
@pytest.mark.xdist_group("wheels")
@pytest.mark.parametrize(("family", "name"), training, ids=[name for _, name in training])
def test_the_template_for_training_does_what_the_card_says(family: trainers.Family, name: str) -> None:
    assert (f"{REASONING}\n\n{ANSWER}" in by_trl(name, CHAT)) == family.training_keeps
    sources = source(TRL, "trl/chat_template_utils.py")
    original = name.removesuffix("_training")
    # That is what TRL trains with instead.
    assert f"== {original}_chat_template:\n        return {name}_chat_template" in sources
    assert "self.chat_template = get_training_chat_template(processing_class)" in source(
        TRL, "trl/trainer/sft_trainer.py"
    )


@pytest.mark.servers
@pytest.mark.xdist_group("wheels")
@pytest.mark.parametrize(("family", "name"), own, ids=[name for _, name in own])
def test_chats_with_calls_come_out_as_the_card_says(family: trainers.Family, name: str) -> None:
    if family.keeps_calls is None:
        with pytest.raises((TemplateError, TypeError)):
            by_trl(name, CHAT_WITH_CALLS, TOOLS)
        return
    text = by_trl(name, CHAT_WITH_CALLS, TOOLS)
    assert all(part in text for part in ("one and one", "said two", "print(1 + 1)")) == family.keeps_calls
    assert ANSWER in text


@pytest.mark.servers
@pytest.mark.xdist_group("wheels")
@pytest.mark.parametrize("name", [*trainers.AXOLOTL_KEEPS, *trainers.AXOLOTL_DROPS])
def test_axolotls_templates_do_what_the_card_says(name: str) -> None:
    text = by_axolotl(name, CHAT)
    assert ANSWER in text
    assert ("one and one" in text) == (name in trainers.AXOLOTL_KEEPS)
    # As `split_thinking` makes it.
    split = [QUESTION, {"role": "assistant", "reasoning_content": "It is one and one.", "content": ANSWER}]
    assert ("one and one" in by_axolotl(name, split)) == (name in trainers.AXOLOTL_SPLITS)


@pytest.mark.servers
@pytest.mark.xdist_group("wheels")
def test_axolotl_splits_no_reasoning_off_unless_it_is_told_to() -> None:
    strategy = source(AXOLOTL, "axolotl/prompt_strategies/chat_template.py")
    assert '"split_thinking": ds_cfg.get("split_thinking", False)' in strategy
    assert 'template_thinking_key: str | None = "reasoning_content"' in strategy


def card(*modes: str, reasoned: int = 1) -> str:
    figures = Figures()
    figures.rows, figures.reasoned = len(modes), reasoned
    figures.values["inference_mode"].update(modes)
    return dataset_card(figures, CardFacts("a run"))


def test_a_card_says_what_trainers_do_to_reasoning_where_rows_have_some() -> None:
    assert "| DeepSeek-R1-Distill (Qwen and Llama) | **is taken out** | TRL's template for training |" in card("cot")
    assert "messages_with_tools" not in card("cot").partition("## Reasoning in training")[2]
    assert "| **is taken out** | **stay in part** | TRL's template for training |" in card("tir")
    assert "## Reasoning in training" not in card("genselect", reasoned=0)
    assert "## Reasoning in training" in card("genselect", "cot")
    assert "## Reasoning in training" not in card("tir", reasoned=0)
    assert "This is about the 1 of 2 solutions that have reasoning." in card("tir", "cot", "genselect")


def test_the_card_of_preferences_says_so_too() -> None:
    figures = ProductFigures(reasoned=1)
    text = product_card("preferences", CardFacts("a run"), (), figures)
    assert "get_training_chat_template(tokenizer)" in text
    assert "## Reasoning" not in product_card("preferences", CardFacts("a run"), (), ProductFigures())
    assert "## Reasoning in training" not in product_card("rl", CardFacts("a run"), (), ProductFigures())

"""What may stand before an equals sign and only say what the other side is called."""

from __future__ import annotations

from fractions import Fraction

from omr.answers.evaluation import is_constant
from omr.answers.forms import Fence, Form, Ratio, Value, Words
from omr.answers.trees import Call, Expression, Number, Symbol


def is_name(form: Form, value: Form) -> bool:
    r"""Whether `form = value` only says what `form` is called: `x`, `f(x)`, `AB`, `\frac{AB}{CD}`, `(x, y)`, `Area`.

    No name holds a number or a sum (`a + 3z = 0` is an equation), and no product is the name of nothing (`xy = 0`).
    """
    if isinstance(form, Fence):
        return form.opening == "(" and all(isinstance(item, Value) and is_variable(item.tree) for item in form.items)
    if isinstance(form, Words):
        return True
    if isinstance(form, Ratio):
        return isinstance(value, Ratio | Value) and all(_is_name_tree(part) for part in form.parts)
    if not isinstance(form, Value) or form.unit is not None:
        return False
    if is_variable(form.tree) or (isinstance(form.tree, Call) and form.tree.name.startswith("apply:")):
        return True
    return _is_name_tree(form.tree) and value != Value(Number(Fraction(0)))


def is_variable(tree: Expression) -> bool:
    return isinstance(tree, Symbol) and not is_constant(tree)


def _is_name_tree(tree: Expression) -> bool:
    if isinstance(tree, Symbol):
        return not is_constant(tree)
    if not isinstance(tree, Call) or tree.name in ("add", "neg", "pow", "pm", "mp", "factorial", "percent", "degree"):
        return False
    return tree.name.startswith("apply:") or all(_is_name_tree(arg) for arg in tree.args)

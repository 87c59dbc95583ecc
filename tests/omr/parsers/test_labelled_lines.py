from __future__ import annotations

import pytest
from omr.parsers.extraction import parse_problems
from omr.parsers.labelled_lines import ends_unclear, without_added_lines

PROBLEMS = [
    "Find the least $n > 3$.",
    "Bestimme alle ganzen Zahlen $n$ mit $n^2 < 20$.",
    "Combien y a-t-il de diviseurs de $60$ ?",
    "¿Cuántas diagonales tiene un polígono de 12 lados?",
    "Найдите сумму корней уравнения $x^2 - 17x + 1 = 0$.",
    "小于50的素数有多少个？",
    "Berechne den Mittelwert.\nAnna: 80\nBob: 90\nCarl: 103",
    "Найдите среднее.\n- Анна: 80\n- Борис: 90",
    "计算平均数。\n甲：80\n乙：90",
]
ADDED = ["Antwort: 91", "**Antwort:** $91$", "Endgültige Antwort: 91 cm", "Réponse : $\\frac{91}{7}$", "Respuesta: 91."]
ADDED += [
    "Ответ: 91",
    "答案：91",
    "**最终答案：** $91$",
    "उत्तर: 91",
    "Antwort: ९१",
    "Lösung: Es ist $91$, denn $7 \\cdot 13 = 91$.",
]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("line", ADDED)
def test_a_line_whose_label_and_number_the_post_has_not_goes(problem: str, line: str) -> None:
    for gap in ("\n", "\n\n", "\n\n---\n\n"):
        assert parse_problems(f"Problem 1: {problem}{gap}{line}", f"Hi! {problem} Thanks") == [problem]
    assert parse_problems(f'["{problem}\n\n{line}"]'.replace("\\", "\\\\").replace("\n", "\\n"), problem) == [problem]


def test_lines_that_were_added_go_one_after_the_other() -> None:
    assert without_added_lines("Find $n$.\nAntwort: 91\n\nProbe: $91 > 90$", "Find n.") == "Find $n$."


@pytest.mark.parametrize(
    ("problem", "post"),
    [
        ("Berechne den Umfang des Kreises.\n\nRadius: 3", "Kreis mit Radius drei: Umfang?"),
        ("Wie wahrscheinlich ist das?\n\nWürfel: 3", "Wie wahrscheinlich ist das mit drei Würfeln?"),
        ("Aire du disque ?\n\nRayon : 2.5", "Aire du disque de rayon 2,5 ?"),
        ("求圆的周长。\n\n半径：3", "求半径为三的圆的周长"),
        ("Bestimme die Zahlen.\n\nGegeben: $a = 5$", "Bestimme die Zahlen zu a = 5"),
        ("Compute the area of the circle around $O$.\n\nRadius: 3", "the circle around O has radius 3"),
    ],
)
def test_a_line_of_which_the_post_has_the_label_or_the_number_is_not_cut_off(problem: str, post: str) -> None:
    assert parse_problems(f"Problem 1: {problem}", post) in (None, [problem])
    assert without_added_lines(problem, post) == problem


@pytest.mark.parametrize(
    "problem",
    [
        "Calculer l'aire.\nLongueur : 5\nLargeur : 3",
        "Finde $x$ und $y$.\n\nSumme: 10\n\nProdukt: 21",
        "Calcule la moyenne.\n- Anna : 80\n- Bob : 90",
        "Вычислите: $25 \\cdot 3$",
        "Решите задачи.\n\nВычислите: $25 \\cdot 3$",
        "已知三角形，求高。\n面积：12\n底边：6",
        "Zwei Zahlen.\nSumme: 10\nProdukt: 21\nBestimme sie.",
        "Welche Zahl ist prim?\nA: 13\nB: 14",
        "Antwort: 5",
    ],
)
def test_data_in_lists_and_tasks_in_lines_stay(problem: str) -> None:
    assert parse_problems(f"Problem 1: {problem}") == [problem]
    assert parse_problems(f"Problem 1: {problem}", problem) == [problem]


@pytest.mark.parametrize(
    "problem",
    [
        "Find the least $n > 3$.\n\nAntwort: 4",
        "Find the least $n > 3$.\n\nRadius: 4",
        "Berechne den Umfang des Quadrats.\n\nSeite: 5",
        "A square has side $s$. What is its perimeter?\n\nSide: 5",
        "Calculer le volume.\nLongueur : 5\nLargeur : 3\n\nHauteur : 4",
        "Calcule la moyenne.\n- Anna : 80\n- Bob : 90\nRéponse : 85",
        "计算平均数。\n甲：80\n乙：90\n**答案：** 85",
        "Calcule la moyenne.\nAnna : 80\n\nRéponse finale : 85",
    ],
)
def test_a_line_that_stands_for_itself_is_unclear_by_its_form(problem: str) -> None:
    assert ends_unclear(problem)
    assert parse_problems(f"Problem 1: {problem}") is None


@pytest.mark.parametrize("post", ["", "5" * 500_000, "Antwort: " * 100_000])
def test_long_lines_and_posts_do_no_harm(post: str) -> None:
    for line in ("a" * 500_000 + ": 91", "a: " * 200_000 + "91", "*" * 500_000, "Antwort: " + "9" * 500_000):
        assert without_added_lines(f"Find $n$.\n{line}", post) == f"Find $n$.\n{line}"
        assert ends_unclear(f"Find $n$.\n\n{line}") == line.endswith("9")

"""Test what pictures show, by the lines, marks and words that are drawn, without writing a file."""

from collections.abc import Callable
from typing import Any

import pytest
from report_records import a_plan, a_point, a_trial

from zswapsim.machine.audit import PROCESS, Cell
from zswapsim.report import curve_picture, picture, plan_picture
from zswapsim.study.curve.curves import Curves
from zswapsim.study.curve.stack_curve import EXACT, Curve

pytest.importorskip("matplotlib")
Drawn = Callable[..., Any]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """Return a function that draws and returns the figure, which is not saved."""
    kept: list[Any] = []
    for module in (picture, plan_picture, curve_picture):
        monkeypatch.setattr(module, "save_picture", lambda figure, _path: kept.append(figure))

    def draw(function: Callable[..., None], *arguments: object) -> Any:
        function(*arguments, "x.svg")
        return kept.pop()

    return draw


def lines(axes: Any) -> dict[str, Any]:
    """Return the lines that have a name in the legend."""
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def points(line: Any) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(*line.get_data(), strict=True)]


# -- a plan -----------------------------------------------------------------------------------------------------------

CALM, BUSY = a_point(saved=10.0, slowdown=1.0, promotion=0.19), a_point(saved=30.0, slowdown=8.0, promotion=0.2)
OTHER = a_point("zstd", saved=20.0, slowdown=3.0, promotion=0.1)


def test_a_plan_has_a_line_for_each_compressor(drawn):
    figure = drawn(plan_picture.draw_plan, a_plan(points=[CALM, BUSY, OTHER], front=[CALM, OTHER]))
    (axes,) = figure.axes
    assert points(lines(axes)["lz4"]) == [(10.0, 1.0), (30.0, 8.0)]
    assert points(lines(axes)["zstd"]) == [(20.0, 3.0)]
    assert lines(axes)["lz4"].get_color() != lines(axes)["zstd"].get_color()
    assert lines(axes)["lz4"].get_marker() != lines(axes)["zstd"].get_marker()
    assert points(lines(axes)["Pareto front"]) == [(10.0, 1.0), (20.0, 3.0)]
    assert lines(axes)["Pareto front"].get_drawstyle() == "steps-pre"
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words[:3] == ["lz4", "zstd", "Pareto front"]


def test_marks_are_filled_where_promotions_are_below_the_line(drawn):
    (axes,) = drawn(plan_picture.draw_plan, a_plan(points=[CALM, BUSY])).axes
    filled = [line for line in axes.lines if line.get_linestyle() == "None" and line.get_marker() == "o"]
    assert points(filled[0]) == [(10.0, 1.0)]
    assert lines(axes)["lz4"].get_markerfacecolor() == "white"


def test_styles_come_round_again_after_the_last():
    names = plan_picture._styles(len(plan_picture.STYLES) + 1)
    assert names[-1] == names[0]
    assert len(set(map(str, names))) == len(plan_picture.STYLES)


@pytest.mark.parametrize("text", ["slowdown<50%", "slowdown<1%"])
def test_a_limit_of_the_slowdown_is_a_line_that_the_axis_reaches(drawn, text):
    (axes,) = drawn(plan_picture.draw_plan, a_plan(text, points=[CALM, BUSY])).axes
    bound = float(text[9:-1])
    level = [line for line in axes.lines if list(line.get_ydata()) == [bound, bound]]
    assert len(level) == 1
    assert axes.get_ylim() == (0, 80.0 if bound == 50 else pytest.approx(12.8))
    assert [each.get_text() for each in axes.texts] == [text]
    assert axes.texts[0].xy == (1, bound)


def test_a_limit_of_savings_is_upright_and_others_are_no_line(drawn):
    (axes,) = drawn(plan_picture.draw_plan, a_plan("save>15%", "p99<20us", points=[CALM, BUSY])).axes
    assert any(list(line.get_xdata()) == [15.0, 15.0] for line in axes.lines)
    assert [each.get_text() for each in axes.texts] == ["save>15%"]
    assert axes.texts[0].xy == (15.0, 1)


@pytest.mark.parametrize(
    ("others", "label"),
    [
        ({}, "recommended, as run: lz4, 60 % DRAM"),
        ({"kept": False}, "nearest, as run: lz4, 60 % DRAM"),
        ({"trial": a_trial(a_point(), None)}, "recommended, as estimated: lz4, 60 % DRAM"),
    ],
)
def test_the_recommended_point_has_a_star(drawn, others, label):
    (axes,) = drawn(plan_picture.draw_plan, a_plan(points=[CALM, BUSY], **others)).axes
    assert points(lines(axes)[label]) == [(20.0, 2.0)]
    assert "point of diminishing return" not in lines(axes)


def test_knees_have_rings(drawn):
    made = a_plan(points=[CALM, BUSY, OTHER], knees={"lz4": CALM, "zstd": OTHER})
    (axes,) = drawn(plan_picture.draw_plan, made).axes
    assert points(lines(axes)["point of diminishing return"]) == [(10.0, 1.0), (20.0, 3.0)]
    assert "filled: promotions below 0.2 % a minute" in lines(axes)


@pytest.mark.parametrize(("most", "threshold"), [(8.0, 1e-3), (10.0, 1e-3), (11.0, 1e-2), (0.0, 1.0)])
def test_the_axis_of_slowdown_shows_four_decades_and_zero(drawn, most, threshold):
    made = a_plan("p99<1s", points=[a_point(saved=1.0, slowdown=most)])
    (axes,) = drawn(plan_picture.draw_plan, made).axes
    assert axes.get_yscale() == "symlog"
    assert axes.yaxis.get_transform().linthresh == pytest.approx(threshold)
    assert axes.get_ylim() == pytest.approx((0, 1.6 * most or 1.0))
    assert axes.get_title(loc="left") == "t over c"
    assert axes.yaxis.get_major_formatter()(1234.5, 0) == "1,234.5"


# -- curves -----------------------------------------------------------------------------------------------------------


def a_curve(accesses: int = 400, **changes: object) -> Curve:
    values = {
        "trace": "t", "method": EXACT, "frames": [50, 100, 200], "major_faults": [80, 40, 0], "swap_outs": [90, 50, 0],
        "dirty_swap_outs": [40, 20, 0], "first_accesses": 100, "pages": 200,
    }  # fmt: skip
    return Curve(accesses=accesses, **{**values, **changes})


def curves_of(whole: Curve | None = None, **parts: object) -> Curves:
    values = {"window": 0, "windows": [], "processes": {}, "shared": {}}
    return Curves(reclaim="lru", whole=whole or a_curve(), **values | parts)


def test_a_curve_shows_misses_and_dirty_swap_outs_by_size(drawn):
    (axes,) = drawn(curve_picture.draw_curves, curves_of()).axes
    assert points(lines(axes)["miss ratio"]) == [(25.0, 0.45), (50.0, 0.35), (100.0, 0.25)]
    assert points(lines(axes)["swap-outs of dirty pages per access"]) == [(25.0, 0.1), (50.0, 0.05), (100.0, 0.0)]
    assert axes.get_xlim() == (0, 100)
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] < 0.5
    assert not axes.collections
    assert axes.get_title(loc="left") == "t\nreclaim lru, exact"


def test_the_axis_of_misses_ends_at_all_accesses(drawn):
    (axes,) = drawn(
        curve_picture.draw_curves, curves_of(a_curve(100, first_accesses=40, major_faults=[60, 60, 0]))
    ).axes
    assert axes.get_ylim() == (0, 1.0)


def test_bounds_of_errors_stay_within_all_accesses(drawn):
    sampled = a_curve(error=0.6, errors=[0.6, 0.1, 0.0])
    (axes,) = drawn(curve_picture.draw_curves, curves_of(sampled)).axes
    heights = [y for path in axes.collections[0].get_paths() for _, y in path.vertices.tolist()]
    assert (min(heights), max(heights)) == (0.0, 1.0)
    assert {0.25, 0.45} & {round(y, 9) for y in heights}
    assert axes.collections[0].get_label() == "bound of the error, 95 %"


@pytest.mark.parametrize("number", [1, 3])
def test_windows_go_from_light_to_dark(drawn, number):
    (axes,) = drawn(curve_picture.draw_curves, curves_of(window=100, windows=[a_curve()] * number)).axes
    greys = [float(line.get_color()) for line in axes.lines if line.get_zorder() == 1]
    assert greys == sorted(greys, reverse=True)
    assert len(greys) == number
    assert greys[0] == pytest.approx(0.82)
    if number > 1:
        assert greys[-1] == pytest.approx(0.32)
        assert {"first window", "last window"} <= set(lines(axes))


def test_processes_with_most_accesses_are_drawn(drawn):
    number = curve_picture.MOST_PROCESSES + 2
    (axes,) = drawn(
        curve_picture.draw_curves, curves_of(processes={name: a_curve(1_000 + name) for name in range(number)})
    ).axes
    named = [label for label in lines(axes) if label.startswith("process ")]
    assert named == [f"process {name}, of its own pages" for name in range(number - 1, 1, -1)]
    looks = {(str(line._dash_pattern), line.get_marker()) for line in map(lines(axes).get, named)}
    assert len(looks) == len(named), "no two look alike"


def test_the_whole_trace_comes_last_in_the_legend_and_lies_above_its_parts(drawn):
    parts = {"window": 100, "windows": [a_curve(), a_curve()], "processes": {3: a_curve()}}
    (axes,) = drawn(curve_picture.draw_curves, curves_of(**parts)).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "first window", "last window", "process 3, of its own pages", "miss ratio",
        "swap-outs of dirty pages per access",
    ]  # fmt: skip
    assert lines(axes)["miss ratio"].get_zorder() == max(line.get_zorder() for line in axes.lines)


@pytest.mark.parametrize(("length", "shown"), [(90, "x" * 90), (91, "x" * 89 + "…")])
def test_a_long_name_is_cut(drawn, length, shown):
    (axes,) = drawn(curve_picture.draw_curves, curves_of(a_curve(trace="x" * length))).axes
    assert axes.get_title(loc="left").splitlines()[0] == shown


# -- the audit --------------------------------------------------------------------------------------------------------


def a_cell(isolation: str, caller: str, outcome: str, **others: object) -> Cell:
    values = {"surface": "", "node": None, "errno": None, "frames": 0, "rests_on": "v4"}
    return Cell(isolation=isolation, caller=caller, outcome=outcome, **{**values, **others})


def test_each_cell_of_the_audit_has_its_place_colour_and_words(drawn):
    cells = [
        a_cell("one", "slab", "leaked", node="C"),
        a_cell("two", "slab", "granted", node="C,D"),
        a_cell("one", PROCESS, "refused", surface="mbind", errno="EINVAL", rests_on="baseline"),
        a_cell("two", PROCESS, "hidden", surface="mbind"),
    ]
    (axes,) = drawn(picture.draw_matrix, cells).axes
    corners = [(round(each.get_x(), 3), round(each.get_y(), 3)) for each in axes.patches]
    left, top = picture.NAMES, picture.HEAD
    right, below = round(left + picture.COLUMN, 3), round(top + picture.ROW, 3)
    assert corners == [(left, top), (right, top), (left, below), (right, below)]
    from matplotlib.colors import to_hex

    assert [to_hex(each.get_facecolor()) for each in axes.patches] == [picture.FILLS[each.outcome][0] for each in cells]
    words = {text.get_text(): text for text in axes.texts}
    for said, patch in zip(["LEAKED C", "granted C,D", "refused EINVAL*", "hidden"], axes.patches, strict=True):
        x, y = words[said].get_position()
        assert patch.get_x() < x < patch.get_x() + patch.get_width()
        assert patch.get_y() < y < patch.get_y() + patch.get_height()
    assert (words["slab"].get_style(), words["mbind"].get_style()) == ("normal", "italic")
    assert top < words["slab"].get_position()[1] < below < words["mbind"].get_position()[1]
    assert left < words["one"].get_position()[0] < right < words["two"].get_position()[0]
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "rows go downward"


@pytest.mark.parametrize(("path", "able"), [("a.svg", True), ("a.png", True), ("a.pdf", False), ("svg", False)])
def test_a_picture_is_svg_or_png(path, able):
    if able:
        picture.check_picture(path)
    else:
        with pytest.raises(Exception, match=r"expected a file that ends in \.svg or \.png"):
            picture.check_picture(path)

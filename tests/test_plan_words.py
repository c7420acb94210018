"""Test the words of a plan's recommendation: every sentence on both sides of its condition, from plain records."""

import msgspec
import pytest
from report_records import a_plan, a_point, a_trial

from zswapsim.report.plan_words import recommendation
from zswapsim.study.plan.access_rate import ASKED, FROM_TRACE, OBSERVED, AccessRate
from zswapsim.study.plan.estimate import Unseen
from zswapsim.study.plan.plan_point import Prices
from zswapsim.study.plan.search import Crossover

ALL_IN_DRAM = a_point(dram_frames=1_000, node_frames=0, saved=0.0, slowdown=0.0)
UNSEEN = Unseen(compressor="lz4", dram_frames=50, node_frames=9, saved=3.0, fault_stall_ns=9e3, faults_per_percent=1e3)


def words(*objectives: str, point=None, **others) -> str:
    """Return the recommendation in one line; `point` is that of the run, and of its estimate too."""
    if point is not None:
        others["trial"] = a_trial(point, point)
    return " ".join(recommendation(a_plan(*objectives, **others)).split())


def sentences(*objectives: str, **others) -> list[str]:
    text = words(*objectives, **others)
    return [each if each.endswith(".") else f"{each}." for each in text.replace(". ", ".\n").split("\n")]


def pace(access_ns=100.0, source=ASKED) -> AccessRate:
    return AccessRate(access_ns=access_ns, base_ns=60e9, source=source, working_set=500.0)


# -- what to provision ------------------------------------------------------------------------------------------------


def test_the_point_is_given_with_its_node():
    assert sentences()[0] == (
        "Give the workload 2.3 MiB of DRAM (60 % of its footprint) and the swap backend a private node of 800.0 KiB, "
        "with lz4."
    )


def test_without_a_frame_of_the_node_none_is_asked_for():
    said = words(point=a_point(node_frames=0))
    assert "(60 % of its footprint); no page that is swapped out needs a frame of the node. " in said
    assert "private node" not in said
    assert "Pages that compress worse" not in said


def test_the_nearest_point_is_given_if_none_keeps_the_objectives():
    said = words("slowdown<1%", kept=False)
    assert said.startswith("No point was found that keeps slowdown<1%. The nearest gives the workload 2.3 MiB of DRAM")
    assert "and the swap backend a private node of 800.0 KiB, with lz4." in said
    without = words("slowdown<1%", kept=False, point=a_point(node_frames=0))
    assert (
        "The nearest gives the workload 2.3 MiB of DRAM (60 % of its footprint); no page that is swapped out" in without
    )


def test_figures_are_those_of_a_run_or_of_an_estimate():
    assert (
        "In its run it saved 20.0 % of memory, slowed the workload by 2.00 % and took 1.50 % of a core to compress and "
        "decompress; slowdown<5% is kept."
    ) in words()
    said = words(trial=a_trial(a_point(), None), tries=[])
    assert "By estimate, it saves 20.0 % of memory, slows the workload by 2.00 % and takes 1.50 % of a core" in said
    assert "No run has confirmed that, as there is no trace to run it on." in said
    assert "No run has confirmed" not in words()


@pytest.mark.parametrize(
    ("objective", "figures", "said"),
    [
        ("slowdown<2.1%", {}, "slowdown<2.1% is kept."),
        ("slowdown<2%", {}, "slowdown<2% is missed."),
        ("save>19%", {}, "save>19% is kept."),
        ("save>20%", {}, "save>20% is missed."),
        ("p99<20us", {"fault_p99_ns": 19_990.0}, "p99<20us is kept with 20.0 µs."),
        ("p99<20us", {}, "p99<20us is missed with 20.0 µs."),
        ("p99<20us", {"fault_p99_ns": 0.0}, "p99<20us is kept with no fault."),
        ("promotion<0.5%/min", {}, "promotion<0.5%/min is kept with 0.40 %/min."),
        ("promotion<0.4%/min", {}, "promotion<0.4%/min is missed with 0.40 %/min."),
    ],
)
def test_a_limit_is_said_to_be_kept_or_missed(objective, figures, said):
    assert f"; {said} " in f"{words(objective, point=a_point(**figures))} "


@pytest.mark.parametrize(("slowdown", "said"), [
    (0.0, "0 %"), (0.00004, "less than 0.0001 %"), (0.00005, "0.0001 %"), (0.06, "0.0600 %"), (0.5, "0.500 %"),
    (123.4, "123 %"),
])  # fmt: skip
def test_small_percentages_have_digits(slowdown, said):
    assert f"slowed the workload by {said} and took" in words(point=a_point(slowdown=slowdown))


@pytest.mark.parametrize(("times", "said"), [(None, False), (1.99, False), (2.0, True), (2.6, True)])
def test_faults_are_said_to_come_unevenly_from_twice_the_mean_on(times, said):
    text = words(trial=a_trial(busiest=times))
    assert ("In the busiest hundredth of the trace it faults " in text) == said
    if times == 2.6:
        assert "it faults 2.60 times as often as on average." in text


# -- all pages in DRAM ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        (["slowdown<1%"], "no point keeps slowdown<1% and saves memory."),
        (["slowdown<1%", "save>0%"], "no point keeps slowdown<1% and save>0% and saves memory."),
        (["slowdown<1%", "cost"], "no point keeps slowdown<1% and costs less."),
        (["cost"], "no point costs less."),
    ],
)
def test_all_pages_are_kept_in_dram_if_nothing_is_better(objectives, said):
    assert words(*objectives, point=ALL_IN_DRAM).startswith(f"Keep all 3.9 MiB in DRAM: {said}")


def test_all_pages_in_dram_may_be_the_nearest():
    said = words("save>90%", point=ALL_IN_DRAM, kept=False)
    assert said.startswith(
        "No point was found that keeps save>90%. The nearest keeps all 3.9 MiB in DRAM, which saves nothing."
    )


def test_a_frame_less_than_all_pages_is_not_all_in_dram():
    assert words(point=a_point(dram_frames=999)).startswith("Give the workload 3.9 MiB of DRAM (100 % of")
    assert words(point=a_point(dram_frames=1_000)).startswith("Keep all ")


# -- why --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objectives", "reason"),
    [
        (["slowdown<5%"], "Of all points that keep slowdown<5%, it saves most."),
        (["slowdown<5%", "cost"], "Of all points that keep slowdown<5%, it costs least."),
        (["cost"], "Of all points, it costs least."),
        (["save>10%"], "Of all points that keep save>10%, it slows the workload least."),
        (["save>10%", "p99<1ms"], "Of all points that keep save>10% and p99<1ms, it saves most."),
    ],
)
def test_the_reason_names_the_figure_that_decides(objectives, reason):
    assert reason in words(*objectives)


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        (["slowdown<5%"], "it saves most; by estimate, zstd with 2.3 MiB of DRAM saves 12.5 %."),
        (
            ["save>10%"],
            "it slows the workload least; by estimate, zstd with 2.3 MiB of DRAM slows the workload by 3.00 %.",
        ),
        (["cost"], "it costs least; by estimate, zstd with 2.3 MiB of DRAM costs 7.125."),
    ],
)
def test_a_rival_is_named_with_the_figure_that_decides(objectives, said):
    rival = a_point("zstd", saved=12.5, slowdown=3.0, money=7.125)
    assert said in words(*objectives, rivals=[rival])


def test_rivals_that_keep_all_pages_in_dram_are_left_out():
    rivals = [
        a_point("zstd", dram_frames=999, saved=1.0),
        a_point("lzo", dram_frames=1_000, node_frames=0, saved=0.0),
        a_point("deflate", dram_frames=500, saved=9.0),
    ]
    said = words(rivals=rivals)
    assert "zstd with 3.9 MiB of DRAM saves 1.0 % and deflate with 2.0 MiB of DRAM saves 9.0 %." in said
    assert "lzo" not in said
    assert "it saves most." in words(rivals=rivals[1:2])


def test_why_limits_cannot_be_kept_together_is_said_of_each():
    alone = {"slowdown<1%": a_point(slowdown=0.5), "save>50%": a_point("zstd", saved=50.0, slowdown=9.0)}
    said = words("slowdown<1%", "save>50%", kept=False, alone=alone)
    assert (
        "Alone slowdown<1% can be kept with lz4 and 2.3 MiB of DRAM, which saves 20.0 % at a slowdown of 0.500 % "
        in said
    )
    assert (
        "Even alone save>50% is out of reach: 50.0 % at best, with zstd and 2.3 MiB of DRAM, at a slowdown of 9.00 %."
        in said
    )
    alone["slowdown<1%"] = ALL_IN_DRAM
    said = words("slowdown<1%", "save>50%", kept=False, alone=alone)
    assert "Alone slowdown<1% is kept with all pages in DRAM, and not with less." in said
    only = words("slowdown<1%", kept=False, alone={"slowdown<1%": a_point()})
    assert "lone slowdown" not in only, "there is nothing that it conflicts with"


def test_a_saving_that_costs_money_is_said():
    dear = a_point(money=12.0, money_saved=-2.0)
    assert "It saves no money: it costs 12, and DRAM for all pages 10." in words(point=dear)
    for point in (a_point(money=10.0, money_saved=0.0), a_point(money=9.0, money_saved=1.0), a_point()):
        assert "saves no money" not in words(point=point)


# -- trials that missed -----------------------------------------------------------------------------------------------


def tried(found, *objectives: str, estimate=None) -> str:
    """Return the words if `found` was run first and another point is recommended."""
    first = a_trial(estimate or a_point("zstd"), found)
    second = a_trial()
    return words(*objectives, trial=second, tries=[first, second])


def test_a_first_choice_that_missed_in_its_run_is_told():
    said = tried(a_point("zstd", slowdown=5.0), "slowdown<5%")
    assert (
        "By its estimate zstd with 2.3 MiB of DRAM was the better point, but in its run slowdown<5% is missed with "
        "5.00 %."
    ) in said
    assert "By its estimate" not in words()
    assert "By its estimate" not in words(tries=[])


@pytest.mark.parametrize(
    ("slowdown", "said"),
    [
        (4.84, ""),
        (4.86, "slowdown<5% is kept with 4.86 %, too close to count on"),
        (5.1, "slowdown<5% is missed with 5.10 %"),
    ],
)
def test_a_run_within_three_per_cent_of_a_limit_is_too_close(slowdown, said):
    text = tried(a_point("zstd", slowdown=slowdown), "slowdown<5%")
    assert (f"but in its run {said}." in text) if said else ("By its estimate" not in text)


@pytest.mark.parametrize(("saved", "said"), [(0.1, False), (0.0, True), (-0.1, True)])
def test_a_run_that_saved_nothing_is_told(saved, said):
    text = tried(a_point("zstd", saved=saved), "slowdown<5%")
    assert ("but in its run it saved nothing." in text) == said


# -- no limit on waiting ----------------------------------------------------------------------------------------------


def test_without_a_limit_on_waiting_the_point_of_diminishing_return_is_named():
    knee = a_point(dram_frames=700, saved=15.0, slowdown=1.0)
    said = words("p99<1ms", knees={"lz4": knee})
    assert (
        "No objective limits the slowdown; the point of diminishing return is 2.7 MiB of DRAM, where 15.0 % is saved "
        "at a slowdown of 1.00 %."
    ) in said
    assert "No objective limits the slowdown." in words("p99<1ms", knees={"lz4": a_point()})
    assert "No objective limits the slowdown." in words("p99<1ms", knees={"zstd": knee})


@pytest.mark.parametrize("objective", ["slowdown<5%", "promotion<1%/min", "save>10%"])
def test_a_limit_on_waiting_or_the_least_of_it_is_not_missed(objective):
    assert "No objective limits" not in words(objective, knees={})


# -- what would change it: pace ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "access_ns", "said"),
    [
        ("slowdown<5%", 100.0, "slowdown<5% holds if an access takes 40 ns or more; the plan assumes 100 ns"),
        ("slowdown<2%", 100.0, "slowdown<2% would hold if an access took 100 ns or more; the plan assumes 100 ns"),
        ("slowdown<1%", 100.0, "slowdown<1% would hold if an access took 200 ns or more; the plan assumes 100 ns"),
        (
            "promotion<0.8%/min",
            100.0,
            "promotion<0.8%/min holds if an access takes 50 ns or more; the plan assumes 100 ns",
        ),
    ],
)
def test_the_pace_that_the_limits_need_is_told(objective, access_ns, said):
    assert f"{said}, which the trace does not state." in words(objective, pace=pace(access_ns))
    assert f"{said}. " in words(objective, pace=pace(access_ns, FROM_TRACE))


def test_the_pace_is_told_for_the_limit_that_is_nearest():
    said = words("slowdown<5%", "promotion<0.5%/min", pace=pace())
    assert "promotion<0.5%/min holds if an access takes 80 ns or more" in said
    assert "slowdown<5% holds if" not in said


@pytest.mark.parametrize(
    ("objective", "figures", "of"),
    [
        ("slowdown<5%", {"slowdown": 0.0}, pace()),
        ("p99<1ms", {}, pace()),
        ("save>10%", {}, pace()),
        ("slowdown<5%", {}, AccessRate(access_ns=None, base_ns=60e9, source=OBSERVED, working_set=5.0)),
    ],
)
def test_the_pace_is_not_told_if_no_limit_depends_on_it(objective, figures, of):
    assert "an access t" not in words(objective, point=a_point(**figures), pace=of)


# -- what would change it: size ---------------------------------------------------------------------------------------


def test_from_which_slowdown_on_memory_is_saved_is_told_if_all_stays_in_dram():
    points = [
        ALL_IN_DRAM,
        a_point(saved=0.0, slowdown=1.0),
        a_point(saved=5.0, slowdown=8.0),
        a_point("zstd", slowdown=9.0),
    ]
    said = words(point=ALL_IN_DRAM, points=points)
    assert (
        "Memory is saved only from a slowdown of 8.00 % on: 5.0 % with lz4 and 2.3 MiB of DRAM (estimated)."
    ) in said
    nothing = words(point=ALL_IN_DRAM, points=points[:2])
    assert "No size saves memory with these compressors; pages that compress better might, or more pages." in nothing
    for other in (words(points=points), words(point=ALL_IN_DRAM, points=points, unseen=[UNSEEN])):
        assert "Memory is saved only" not in other


def test_what_twice_the_waiting_would_save_is_told_if_it_is_another_size():
    looser = a_point(dram_frames=500, saved=30.0)
    assert "With twice the waiting allowed, lz4 and 2.0 MiB of DRAM would save 30.0 % (estimated)." in words(
        looser=looser
    )
    assert "twice the waiting" not in words(looser=a_point(saved=30.0))
    assert "twice the waiting" not in words()


@pytest.mark.parametrize(("times", "said"), [(2, False), (4, True), (64, True)])
def test_the_waiting_with_which_another_compressor_is_better_is_told_beyond_twice(times, said):
    text = words(turn=Crossover(times, a_point("zstd", dram_frames=400, saved=40.0)))
    sentence = f"With {times} times the waiting allowed, zstd and 1.6 MiB of DRAM would save 40.0 % (estimated)."
    assert (sentence in text) == said


@pytest.mark.parametrize(("frames", "said"), [(49, True), (50, True), (51, False)])
def test_the_least_size_that_was_examined_is_told_if_it_is_recommended(frames, said):
    text = words(point=a_point(dram_frames=frames), least=50)
    assert ("Less DRAM than 5 % of the footprint was not examined." in text) == said


def test_all_pages_in_dram_are_not_the_least_that_was_examined():
    assert "not examined" not in words(point=ALL_IN_DRAM, least=1_000)
    assert "With less DRAM the faults are not known: " in words(unseen=[UNSEEN])
    assert "faults are not known" not in words()


@pytest.mark.parametrize(("frames", "more"), [(1, "4.0 KiB"), (10, "4.0 KiB"), (11, "8.0 KiB"), (200, "80.0 KiB")])
def test_pages_that_compress_worse_need_a_tenth_more_rounded_up(frames, more):
    said = words(point=a_point(node_frames=frames))
    assert f"Pages that compress worse by a tenth need {more} more of the node." in said


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        (-0.5, "Below 8.00 for a GiB of the node it costs less than DRAM alone."),
        (0.0, "From 8.00 for a GiB of the node on it costs no less than DRAM alone."),
        (0.5, "From 8.00 for a GiB of the node on it costs no less than DRAM alone."),
    ],
)
def test_the_price_of_the_node_at_which_nothing_is_gained_is_told(saved, said):
    point = a_point(money=3.0, money_saved=saved)
    assert said in words("cost", point=point, prices=Prices(dram=4.0, node=2.0))
    assert "for a GiB of the node" not in words("cost", point=point)
    no_node = msgspec.structs.replace(point, node_frames=0)
    assert "for a GiB of the node" not in words("cost", point=no_node, prices=Prices(dram=4.0, node=2.0))


def test_lines_are_as_wide_as_asked_and_units_stay_with_their_numbers():
    text = recommendation(a_plan(), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert max(map(len, recommendation(a_plan(), 500).splitlines())) <= 100
    assert max(map(len, recommendation(a_plan()).splitlines())) in range(90, 101)
    for line in text.splitlines():
        assert not line.startswith(("%", "MiB", "KiB", "ns")), line


def test_a_first_choice_that_missed_is_told_though_all_pages_stay_in_dram():
    first = a_trial(a_point("zstd"), a_point("zstd", slowdown=6.0))
    whole = a_trial(ALL_IN_DRAM, ALL_IN_DRAM)
    said = words("slowdown<5%", trial=whole, tries=[first, whole])
    assert (
        "By its estimate zstd with 2.3 MiB of DRAM was the better point, but in its run slowdown<5% is missed" in said
    )


def test_a_limit_on_waiting_among_others_is_enough():
    assert "No objective limits" not in words("slowdown<5%", "p99<1ms", knees={})
    assert "No objective limits" in words("save>5%", "p99<1ms", knees={})

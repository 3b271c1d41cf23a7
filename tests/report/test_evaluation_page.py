"""The page of an evaluation: every number is that of its document, it is whole, and it says what was not recorded."""

import copy
import math
import re
from itertools import pairwise

import pytest

from benchmarks.report import figures, make_document
from tests.report.page_reader import Page, check_numbers, number_in
from twin_env.report.evaluation_page.document import MOST_TRIPS, Document
from twin_env.report.evaluation_page.page import render_page
from twin_env.report.evaluation_page.sections.split import waterfall

OPTIONAL = ("markouts", "journey", "trips", "days")


def bare(trades):
    """A document with what every evaluation has, and nothing else."""
    document = make_document(2, 12, trades=trades)
    for key in (
        "experiments",
        "ladder",
        "capacity",
        "counterfactual",
        "basis",
        "explorer",
        "reproduce",
        "evaluation_s",
    ):
        del document[key]
    for policy in document["policies"]:
        for key in OPTIONAL:
            policy.pop(key, None)
    return document


DOCUMENTS = {
    "traders": lambda: make_document(3, 60),
    "orders": lambda: make_document(2, 40, trades=False),
    "bare traders": lambda: bare(True),
    "bare orders": lambda: bare(False),
    "one policy": lambda: make_document(1, 8, trades=False),
    "one episode": lambda: make_document(2, 1),
}


@pytest.fixture(scope="module", params=DOCUMENTS, ids=DOCUMENTS)
def page(request):
    return Page(render_page(DOCUMENTS[request.param]()))


def section_ids(page):
    return [element.attributes["id"] for element in page.elements if element.tag == "section"]


# Numbers


def test_every_number_is_that_of_its_path(page):
    assert len(page.numbers) > 100
    check_numbers(page)


def test_no_digit_is_printed_without_a_path(page):
    assert page.loose == []


def test_a_number_that_was_changed_by_hand_is_found():
    html = render_page(DOCUMENTS["orders"]())
    page = Page(html)
    for printed in page.numbers[:: max(len(page.numbers) // 25, 1)]:
        digit = re.search(r"\d", printed.text)
        if digit is None:
            continue
        spoiled = printed.text.replace(digit[0], str((int(digit[0]) + 1) % 10), 1)
        place = html.index(f'data-path="{printed.path}" data-format="{printed.form}">{printed.text}<')
        planted = html[:place] + html[place:].replace(f">{printed.text}<", f">{spoiled}<", 1)
        with pytest.raises(AssertionError, match="prints"):
            check_numbers(Page(planted))


def test_a_number_that_points_elsewhere_is_found():
    html = render_page(DOCUMENTS["orders"]())
    with pytest.raises(AssertionError, match="prints"):
        check_numbers(Page(html.replace("policies.0.alpha_ccy.net", "policies.1.alpha_ccy.net")))


# The file


def test_the_page_is_whole_and_needs_nothing_else(page):
    assert page.open == []
    links = [value for e in page.elements for key, value in e.attributes.items() if key in ("src", "href")]
    assert links and all(value.startswith("#") for value in links)
    assert "http" not in re.sub(r'"command":\[[^]]*\]', "", page.html)
    assert "@import" not in page.html and "url(" not in page.html.replace("url(#hatched)", "")


def test_links_lead_to_sections_and_names_are_given_once(page):
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    links = {e.attributes["href"][1:] for e in page.elements if e.tag == "a"}
    episodes = {
        f"policy={e['policy']}&seed={e['seed']}&t=0" for e in page.document.get("explorer", {}).get("episodes", ())
    }
    assert links <= set(ids) | episodes
    assert {e.attributes["for"] for e in page.elements if e.tag == "label"} <= set(ids)


def test_headings_are_in_order_and_figures_have_alternatives(page):
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch(r"h\d", e.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    drawings = [e for e in page.elements if e.tag in ("svg", "canvas") and "aria-hidden" not in e.attributes]
    assert drawings and all(len(e.attributes["aria-label"]) > 40 for e in drawings)
    assert next(e for e in page.elements if e.tag == "html").attributes["lang"] == "en"


def test_what_policies_are_called_is_text():
    document = make_document(2, 5)
    document["policies"][1]["policy"] = "</script><b>&"
    page = Page(render_page(document))
    assert "<b>" not in page.html and page.document["policies"][1]["policy"] == "</script><b>&"
    check_numbers(page)


# Sections


def test_all_sections_are_there_in_order():
    traders = section_ids(Page(render_page(DOCUMENTS["traders"]())))
    assert traders == [
        *("verdict", "split", "comparison", "trading", "trips", "markouts", "journey", "ladder", "capacity"),
        *("counterfactual", "families", "explorer", "episodes", "origin"),
    ]
    orders = section_ids(Page(render_page(DOCUMENTS["orders"]())))
    assert orders == [("orders" if name == "trading" else name) for name in traders if name != "trips"]


@pytest.mark.parametrize(
    ("remove", "section", "words"),
    [
        (lambda d: d.pop("ladder"), "ladder", "the cost ladder"),
        (lambda d: d.pop("capacity"), "capacity", "the capacity curve"),
        (lambda d: d.pop("counterfactual"), "counterfactual", "the counterfactual"),
        (lambda d: d.pop("experiments"), "families", "results by family of faults"),
        (lambda d: d.pop("explorer"), "explorer", "single episodes, moment by moment"),
        (lambda d: [p.pop("markouts") for p in d["policies"]], "markouts", "markouts"),
        (lambda d: [p.pop("journey") for p in d["policies"]], "journey", "the journey of orders"),
        (lambda d: [p.pop("trips") for p in d["policies"]], "trading", "round trips and days"),
    ],
)
def test_what_was_not_recorded_is_left_out_and_said(remove, section, words):
    document = make_document(2, 6)
    assert "lacking" not in section_ids(Page(render_page(document)))
    remove(document)
    page = Page(render_page(document))
    assert section not in section_ids(page)
    assert f"did not record: {words}." in "".join(page.texts)


def test_an_evaluation_of_orders_does_not_miss_what_traders_have():
    texts = "".join(Page(render_page(bare(False))).texts)
    assert "round trips" not in texts and "did not record: markouts; the journey of orders" in texts


def test_the_worst_episodes_that_were_sampled_lead_to_the_explorer():
    document = make_document(2, 5)
    document["policies"][1]["policy"] = "runs/a&b"
    for episode in document["explorer"]["episodes"][3:]:
        episode["policy"] = "runs/a&b"
    page = Page(render_page(document))
    links = [e.attributes["href"] for e in page.elements if e.tag == "a" and "policy=" in e.attributes["href"]]
    assert sorted(links) == [
        f"#policy={name}&seed={seed}&t=0" for name in ("policy_0", "runs%2Fa%26b") for seed in (100, 101, 102)
    ]


# The verdict


def verdict_of(values, baseline=0, lower=True):
    """The sentences about policies whose shortfalls are given, one list each."""
    document = bare(False)
    document["seeds"] = list(range(len(values[0])))
    model = document["policies"][0]
    document["policies"] = []
    for number, each in enumerate(values):
        policy = copy.deepcopy(model) | {"policy": f"p{number}"}
        policy["per_episode"] |= {"is_bps": each, "drift_bps": [0.0] * len(each), "net_ccy": [-v for v in each]}
        policy["per_episode"]["execution_ccy"] = [-v for v in each]
        document["policies"].append(policy)
    document["baseline"] = f"p{baseline}"
    document["objective"]["lower_is_better"] = lower
    html = render_page(document)
    found = re.findall(r'<p class="verdict">(.*?)</p>', html, re.S)
    return [re.sub(r"<[^>]+>", "", text).replace("\u202f", " ") for text in found]


def test_the_verdict_names_the_best_and_that_chance_would_not_do_it():
    first, second = verdict_of([[2.0, 2.1, 1.9], [1.0, 1.1, 0.9]])
    assert first == "p1 has the lowest mean shortfall without drift: 1.000 bps over 3 episodes."
    assert second.startswith("From the baseline, p0, it differs by \u22121.000 bps on the same episodes (95 % interval")
    assert second.endswith("The interval excludes zero: chance alone would seldom make such a difference.")


def test_the_verdict_is_honest_when_nothing_is_shown():
    _, second = verdict_of([[2.0, 0.0, 4.0], [1.0, 3.0, 1.9]])
    assert second.endswith("The interval contains zero: no difference is shown. More episodes would narrow it.")


def test_a_baseline_that_is_best_is_compared_with_the_next():
    first, second = verdict_of([[1.0, 1.1, 0.9], [3.0, 3.1, 3.2], [2.0, 2.1, 2.2]])
    assert first.startswith("p0 has the lowest")
    assert second.startswith("It is the baseline. The next best, p2, differs from it by +1.100 bps")


def test_higher_is_better_where_the_objective_says_so():
    assert verdict_of([[1.0, 2.0], [3.0, 4.0]], lower=False)[0].startswith("p1 has the highest")


def test_a_single_episode_says_nothing_about_chance():
    assert verdict_of([[1.0], [3.0]])[1].endswith("A single episode says nothing about chance: no difference is shown.")


def test_a_single_policy_has_its_interval():
    (only,) = verdict_of([[1.0, 1.2, 0.8]])
    assert only == (
        "p0 has a mean shortfall without drift of 1.000 bps over 3 episodes (95 % interval 0.503 to 1.497)."
    )


# Figures


def test_a_waterfall_goes_from_strategy_to_net():
    alpha = make_document(1, 9)["policies"][0]["alpha_ccy"]
    begins, ends = waterfall(alpha)
    assert (begins[0], ends[0]) == (0.0, alpha["strategy"]) and (begins[-1], ends[-1]) == (0.0, alpha["net"])
    assert begins[1:-1] == ends[:-2] and ends[-2] == pytest.approx(alpha["net"])


def test_bars_are_as_long_as_their_amounts():
    html = render_page(make_document(1, 9))
    figure = html[html.index('id="split"') :]
    figure = figure[: figure.index("</svg>")]
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"[^>]*class="bar', figure)]
    amounts = [abs(number_in(text)) for text in re.findall(r'data-format="ccy\+">([^<]*)<', figure)]
    scale = max(widths) / amounts[widths.index(max(widths))]
    assert len(widths) == len(amounts) == 10
    assert all(math.isclose(max(a * scale, 1.0), w, abs_tol=0.3) for a, w in zip(amounts, widths, strict=True))


def test_losses_differ_from_gains_in_more_than_their_colour():
    page = Page(render_page(make_document(1, 9)))
    kinds = {e.attributes["class"] for e in page.elements if e.tag == "rect" and "bar" in e.attributes.get("class", "")}
    assert {"bar loss", "bar count"} <= kinds
    assert re.search(r"\.bar\.loss \{ fill: url\(#hatched\)", page.html)


# Gaps


def test_figures_that_there_are_not_are_dashes_and_leave_gaps():
    document = make_document(2, 9)
    first = document["policies"][0]
    nothing = {"mean": None, "low": None, "high": None, "n": 0, "level": 0.95}
    first["trips"] = {"summary": first["trips"]["summary"] | {"expectancy_r": None, "profit_factor": None}, "list": []}
    first["days"] = []
    for group in first["markouts"]["groups"]:
        group |= {"markout_ccy": [nothing, None, nothing, group["markout_ccy"][3]], "toxic_share": [None] * 4}
    first["journey"]["quantiles"]["first_fill_s"] = None
    document["policies"][1].pop("trips")
    document["ladder"] |= {"friction": None}
    document["ladder"]["rungs"][0] |= {"change": None, "value": nothing}
    page = Page(render_page(document))
    check_numbers(page)
    assert page.loose == [] and "trading" in section_ids(page)
    assert not [printed for printed in page.numbers if printed.text in ("nan", "None", "")]
    assert not re.search(r"[ ,\"](nan|None)[ ,\"]", page.html[page.html.index("<main>") : page.html.index("</main>")])
    assert "was assumed" not in "".join(page.texts)


# Bounds


def test_long_lists_of_round_trips_are_bounded_and_say_so():
    document = make_document(1, 80)
    page = Page(render_page(document))
    kept = page.document["policies"][0]["trips"]
    assert len(kept["list"]) == MOST_TRIPS and kept["recorded"] == 240
    nets = sorted((abs(trip["net_ccy"]) for trip in document["policies"][0]["trips"]["list"]), reverse=True)
    assert sorted((abs(trip["net_ccy"]) for trip in kept["list"]), reverse=True) == nets[:MOST_TRIPS]
    assert "the largest gains and losses of 240 round trips" in "".join(page.texts)
    assert len(document["policies"][0]["trips"]["list"]) == 240


def test_a_path_that_leads_nowhere_is_a_dash():
    document = Document(make_document(1, 3))
    assert document.number("policies.7.policy", "text") == document.number("seeds.x", "count") == "\u2013"
    assert document.interval("ladder.rungs.0.nothing", "ccy") == ("\u2013",)


def test_a_thousand_episodes_of_six_policies_fit_into_a_page_that_opens():
    found = dict(figures())
    assert found["report.seconds"] < 30.0 and found["report.mib"] < 15.0

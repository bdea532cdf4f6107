from assets.commands.ablation import PAGE_HEAD, render_section
from assets.commands.page_sections import write_section
from movierec.evaluation.bootstrap import Interval


def found(value):
    return {"": Interval(value, value - 0.1, value + 0.1, 7), "without ranks": Interval(-0.01, -0.02, 0.003, 7)}


def test_a_data_set_gets_a_section_and_the_others_keep_theirs(tmp_path):
    page = tmp_path / "page.md"

    def render_page(title, differences):
        write_section(page, head=PAGE_HEAD, title=title, section=render_section(title, differences))
        return page.read_text()

    once = render_page("b, sample full", found(0.5))
    assert "## b, sample full\n\nn = 7 users. Each figure is the mean of 3 seeds.\n" in once
    assert "nDCG@10 of the unchanged model: 0.5000 [0.4000, 0.6000]." in once
    assert once.endswith("| without ranks | -0.0100 [-0.0200, +0.0030] |\n")
    twice = render_page("a, sample full", found(0.3))
    assert [line for line in twice.splitlines() if line.startswith("#")] == [
        "# Ablation",
        "## a, sample full",
        "## b, sample full",
    ]
    assert render_page("b, sample full", found(0.5)) == twice
    anew = render_page("b, sample full", found(0.6))
    assert "unchanged model: 0.6000" in anew
    assert "unchanged model: 0.5000" not in anew

"""The Dagster UI works behind its guard: its page loads, asks by GraphQL, and starts a run."""

import re

from playwright.sync_api import Browser, expect

from tests.dagster_ui import serve_dagster_ui


def test_a_person_sees_the_assets_and_starts_a_run(chromium: Browser, tmp_path):
    with serve_dagster_ui(tmp_path) as address:
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        refused: list[str] = []
        context.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
        page = context.new_page()
        page.goto(f"{address}/locations/tiny/jobs/everything")
        expect(page.get_by_text("the_only_asset").first).to_be_visible(timeout=60_000)
        page.get_by_role("button", name="Materialize").first.click()
        expect(page.get_by_text(re.compile("Launched run", re.IGNORECASE)).first).to_be_visible(timeout=30_000)
        page.goto(f"{address}/runs")
        expect(page.get_by_role("link", name=re.compile("everything")).first).to_be_visible(timeout=60_000)
        context.close()
        assert refused == []

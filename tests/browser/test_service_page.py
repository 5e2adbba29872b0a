"""The page of a scoring service, where a person tries a request."""

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe

from azml_magic import Keys, ServiceSettings, serve

KEY = "k" * 40
MODULE = "def azureml_main(frame):\n    frame['double'] = frame['a'] * 2\n    return frame,\n"


@pytest.fixture(scope="module")
def address():
    samples = pd.DataFrame({"a": [1.5], "<b>name</b>": ["x"]})
    settings = ServiceSettings(port=0, workers=1, keys=Keys(KEY))
    with serve(MODULE, samples, name="doubler", settings=settings) as service:
        yield service.url


@pytest.fixture
def page(browser, address):
    opened = browser.new_page()
    opened.set_default_timeout(120_000)
    problems = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(address)
    yield opened
    opened.close()
    assert problems == []


def answered(page, status):
    page.get_by_role("button", name="Send").click()
    page.get_by_text(f"{status} ").wait_for()
    return page.locator("#answer").inner_text()


def test_the_example_is_answered_with_the_key(page):
    assert "ScoreRequestUnauthorized" in answered(page, 401)
    page.get_by_label("Key").fill(KEY)
    assert '"double": 3' in answered(page, 200)


def test_the_classic_forms_and_a_mistake(page):
    page.get_by_label("Key").fill(KEY)
    page.get_by_label("Address").select_option(index=1)
    assert '"ColumnTypes"' in answered(page, 200)
    page.get_by_label("Request").fill("{")
    assert "InputParseError" in answered(page, 400)


def test_names_are_text_and_the_page_is_accessible(page):
    assert page.locator("th", has_text="<b>name</b>").count() == 2
    assert page.locator("th b").count() == 0
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()

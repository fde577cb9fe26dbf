# SPDX-License-Identifier: GPL-2.0
"""The page of `btfreloc check --matrix` in a browser, as a person uses it.

python3 matrix.py WORK BTFRELOC KERNEL KERNEL MODULES...

Makes the page of MODULES in the folder WORK, opens it in Chromium without a window, and holds what is seen against
the JSON of the same run. Prints KTAP.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import traceback

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# A name that is markup to whoever does not escape it.
HOSTILE = "<img src=x onerror=document.title=name><b>.ko"
RELOCATED = ["exact", "opaque", "conflicts", "reduced"]
CONTROLS = ["Search modules", "kernels differ", "Show all", "Click a verdict", "Close"]


class Page:
    """The page, and what it has to say."""

    def __init__(self, work, tool, kernels, modules):
        self.pdf = os.path.join(work, "page.pdf")
        path = os.path.join(work, "page.html")
        against = [word for kernel in kernels for word in ("--against", kernel)]
        command = [tool, "check", "--explain", "--format", "json", "--matrix", path, *modules, *against]
        run = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        results = json.loads(run.stdout)["results"]
        self.rows = [results[at : at + len(kernels)] for at in range(0, len(results), len(kernels))]
        assert len(self.rows) > 30
        self.url = "file://" + path
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        # Root has no sandbox of his own to give, and a root folder no /dev/shm to rely on.
        for word in ["headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "window-size=1600,1000"]:
            options.add_argument(f"--{word}")
        options.add_argument(f"--user-data-dir={os.path.join(work, 'profile')}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(executable_path="/usr/bin/chromedriver")
        self.browser = webdriver.Chrome(options=options, service=service)

    def load(self, fragment=""):
        self.browser.get("about:blank")
        self.browser.get(self.url + fragment)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def cell(self, row, column):
        return self.find(f"#matrix tbody tr:nth-child({row + 1}) td:nth-child({column + 2})")

    def click(self, row, column):
        """On a cell, which is brought to the middle of the window first: rows get their height as they come in sight."""
        cell = self.cell(row, column)
        self.browser.execute_async_script(
            "arguments[0].scrollIntoView({ block: 'center' });"
            "requestAnimationFrame(() => requestAnimationFrame(arguments[1]))",
            cell,
        )
        cell.click()

    def press(self, *keys):
        """Keys, wherever the focus is."""
        self.browser.switch_to.active_element.send_keys(*keys)

    def focused(self):
        """The row and the column of the cell that has the focus."""
        return self.browser.execute_script(
            "const cell = document.activeElement.closest('#matrix td');"
            "return cell && [cell.parentNode.sectionRowIndex, cell.cellIndex - 1]"
        )

    def visible(self):
        """The numbers of the rows that are shown."""
        return self.browser.execute_script(
            "return Array.from(document.querySelector('#matrix').tBodies[0].rows)"
            ".filter((row) => row.getClientRects().length).map((row) => row.sectionRowIndex)"
        )

    def panel(self):
        """All text of the reasons, those out of sight as well; None where they are closed."""
        panel = self.find("#reasons")
        return panel.get_property("textContent") if panel.is_displayed() else None

    def found_by(self, words):
        name = lambda row: row[0]["module"].lower()
        return [at for at, row in enumerate(self.rows) if all(word in name(row) for word in words.split())]

    def first(self, outcome):
        for at, row in enumerate(self.rows):
            for column, cell in enumerate(row):
                if cell["outcome"] == outcome:
                    return at, column
        return None

    def holds_reasons(self, row, column):
        """That the reasons that are open are those of this cell."""
        result, text = self.rows[row][column], self.panel()
        assert text is not None, "nothing is open"
        name = os.path.basename(result["module"])
        assert self.find("#reasons h2").text == name, (self.find("#reasons h2").text, name)
        assert result["outcome"] in self.find("#reasons .verdict").get_attribute("class").split()
        if result["outcome"] == "dropped":
            assert result["reason"] in text, (result["reason"], text)
        for base_type in result.get("relocation", {}).get("base_types", []):
            assert base_type["text"] in text, (base_type["text"], text)

    def printed(self):
        """The text of the page on paper, and how many sheets there are."""
        pdf = self.browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
        with open(self.pdf, "wb") as file:
            file.write(base64.b64decode(pdf["data"]))
        text = subprocess.run(["pdftotext", "-layout", self.pdf, "-"], stdout=subprocess.PIPE, check=True).stdout
        sheets = text.decode().split("\f")
        return [sheet for sheet in sheets if sheet.strip()]


def it_loads_without_a_complaint(page):
    page.load()
    assert page.browser.get_log("browser") == []
    assert len(page.visible()) == len(page.rows)
    assert page.find("#shown").text == f"{len(page.rows)} modules"
    assert page.panel() is None


def a_name_is_never_markup(page):
    page.load()
    assert page.all("img, #matrix b") == []
    [row] = page.found_by("onerror")
    assert page.find(f"#matrix tbody tr:nth-child({row + 1}) bdi").text == HOSTILE
    page.click(row, 0)
    page.holds_reasons(row, 0)
    assert page.all("img, #reasons h2 b") == []
    assert page.browser.title.endswith(" - btfreloc")


def a_click_shows_the_reasons(page):
    page.load()
    outcomes = sorted({cell["outcome"] for row in page.rows for cell in row})
    assert len(outcomes) > 4, outcomes
    for outcome in outcomes:
        row, column = page.first(outcome)
        page.click(row, column)
        page.holds_reasons(row, column)
        assert page.browser.current_url.endswith(f"#{row + 1}.{column + 1}")
    page.find("#reasons .close").click()
    assert page.panel() is None
    assert page.focused() == [row, column]
    assert page.browser.current_url == page.url


def a_link_opens_its_cell(page):
    row, column = page.first("opaque")
    page.load(f"#{row + 1}.{column + 1}")
    page.holds_reasons(row, column)
    for nowhere in ["#0.1", "#1.9", "#99999.1", "#x.y"]:
        page.load(nowhere)
        assert page.panel() is None, nowhere
    assert page.browser.get_log("browser") == []


def keys_move_open_and_close(page):
    page.load()
    page.find("#search").click()
    for _ in range(5):
        page.press(Keys.TAB)
        if page.focused():
            break
    assert page.focused() == [0, 0], "the Tab key leads to the first cell"
    last = len(page.rows) - 1
    for key, expected in [
        (Keys.ARROW_DOWN, [1, 0]),
        (Keys.ARROW_RIGHT, [1, 1]),
        (Keys.ARROW_RIGHT, [1, 1]),
        (Keys.ARROW_UP, [0, 1]),
        (Keys.ARROW_UP, [0, 1]),
        (Keys.HOME, [0, 0]),
        (Keys.END, [0, 1]),
        (Keys.ARROW_LEFT, [0, 0]),
        (Keys.PAGE_DOWN, [20, 0]),
        (Keys.PAGE_UP, [0, 0]),
    ]:
        page.press(key)
        assert page.focused() == expected, (key, page.focused(), expected)
    page.press(Keys.PAGE_DOWN * 20)
    assert page.focused() == [last, 0]
    page.press(Keys.PAGE_UP * 20)
    assert page.panel() is None
    page.press(Keys.ENTER)
    page.holds_reasons(0, 0)
    # What is open goes with the keys.
    page.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    page.holds_reasons(1, 1)
    page.press(Keys.ESCAPE)
    assert page.panel() is None
    assert page.focused() == [1, 1]
    page.press(Keys.SPACE)
    page.holds_reasons(1, 1)
    page.press(Keys.ESCAPE, "/")
    assert page.browser.switch_to.active_element == page.find("#search")
    page.press("a/b")
    assert page.find("#search").get_property("value") == "a/b"


def the_search_filters(page):
    page.load()
    search = page.find("#search")
    for words in ["vpoll", "VPOLL own/", "distilled demo"]:
        search.clear()
        search.send_keys(words)
        expected = page.found_by(words.lower())
        assert 0 < len(expected) < len(page.rows), words
        assert page.visible() == expected, (words, page.visible(), expected)
        assert page.find("#shown").text == f"{len(expected)} of {len(page.rows)} modules"
    # Keys lead only to what is shown.
    page.click(expected[0], 0)
    for row in expected[1:]:
        page.press(Keys.ARROW_DOWN)
        page.holds_reasons(row, 0)
    page.press(Keys.ESCAPE)
    search.clear()
    search.send_keys("no such module")
    assert page.visible() == []
    assert page.find("#none").is_displayed()
    page.find("#all").click()
    assert len(page.visible()) == len(page.rows)
    assert search.get_property("value") == ""
    assert not page.find("#all").is_enabled()


def numbers_and_differences_filter(page):
    page.load()
    dropped = [at for at, row in enumerate(page.rows) if row[1]["outcome"] == "dropped"]
    button = page.find("#summary tr[data-verdict=dropped] td:nth-child(3) button")
    assert button.text == str(len(dropped))
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert page.visible() == dropped
    page.find("#differing").click()
    differing = [at for at in dropped if page.rows[at][0]["outcome"] != "dropped"]
    assert 0 < len(differing) < len(dropped)
    assert page.visible() == differing
    button.send_keys(Keys.ENTER)
    page.find("#differing").click()
    assert len(page.visible()) == len(page.rows)


def it_is_a_table_on_paper(page):
    page.load()
    sheets = page.printed()
    assert len(sheets) > 1
    text = "\n".join(sheets)
    for control in CONTROLS:
        assert control not in text, control
    # Each module has its line, in this order, and its verdicts.
    lines = iter(text.splitlines())
    for row in page.rows:
        name = os.path.basename(row[0]["module"])
        line = next((line for line in lines if line.strip().startswith(name[:12])), None)
        assert line is not None, f"{name} is not printed"
        if row[0]["outcome"] in RELOCATED:
            assert row[0]["outcome"] in line, (row[0]["outcome"], line)
    # The head of the table is on each sheet with a part of it.
    for sheet in sheets:
        assert "Module" in sheet.strip().splitlines()[0] or sheet is sheets[0], sheet


def what_is_filtered_and_opened_is_printed_so(page):
    row, column = page.first("opaque")
    page.load(f"#{row + 1}.{column + 1}")
    name = os.path.basename(page.rows[row][column]["module"]).removesuffix(".ko")
    page.find("#search").send_keys(name)
    text = "\n".join(page.printed())
    others = [os.path.basename(row[0]["module"]) for row in page.rows if name not in row[0]["module"]]
    for other in set(others):
        assert other not in text, other
    for words in [name, "Base types without a match", "has no type of this name"]:
        assert words in text, words
    assert "Close" not in text


def without_scripts_the_verdicts_are_there(page):
    page.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.load()
        text = page.find("body").text
        assert "the verdicts do not" in text
        assert not page.find("#tools").is_displayed()
        assert page.cell(0, 0).is_displayed()
        assert text.count("dropped") >= sum(cell["outcome"] == "dropped" for row in page.rows for cell in row)
    finally:
        page.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def a_narrow_window_needs_no_scrolling_sideways(page):
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        page.load()
        page.click(0, 0)
        page.holds_reasons(0, 0)
        width = page.browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= 400, width
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


TESTS = [
    it_loads_without_a_complaint,
    a_name_is_never_markup,
    a_click_shows_the_reasons,
    a_link_opens_its_cell,
    keys_move_open_and_close,
    the_search_filters,
    numbers_and_differences_filter,
    it_is_a_table_on_paper,
    what_is_filtered_and_opened_is_printed_so,
    without_scripts_the_verdicts_are_there,
    a_narrow_window_needs_no_scrolling_sideways,
]


def main():
    work, tool, first, second, *modules = sys.argv[1:]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    hostile = os.path.join(work, HOSTILE)
    shutil.copyfile(os.path.join(modules[0], "btfreloc_demo.ko"), hostile)
    print(f"KTAP version 1\n1..{len(TESTS)}", flush=True)
    page = Page(work, tool, [first, second], [*modules, hostile])
    failed = 0
    try:
        for number, test in enumerate(TESTS, 1):
            try:
                test(page)
                print(f"ok {number} {test.__name__}", flush=True)
            # Whatever a test ends with, the next one begins anew.
            except Exception:
                failed += 1
                print(f"not ok {number} {test.__name__}")
                print("\n".join(f"# {line}" for line in traceback.format_exc().splitlines()), flush=True)
    finally:
        page.browser.quit()
    sys.exit(failed != 0)


main()

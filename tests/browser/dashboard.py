"""A person at the dashboard: opens pages, reads what they show, uses its controls; and a guard that sees what went wrong meanwhile."""

import re
import urllib.parse

from playwright.sync_api import expect

WAIT_MS = 60_000
WIDE, NARROW = {"width": 1366, "height": 900}, {"width": 360, "height": 740}
PAGES = {
    "overview": "/",
    "traffic": "/traffic",
    "averages": "/averages",
    "top": "/top",
    "codes": "/codes",
    "latency": "/latency",
    "endpoints": "/endpoints",
    "report": "/report",
    "costs": "/costs",
    "days": "/days",
    "alerts": "/alerts",
    "errors": "/errors",
    "settings": "/settings",
}


class Guard:
    """Errors of the console, violations of the content security policy and requests to other hosts, of all pages of a context."""

    def __init__(self, context, origin):
        self.origin, self.found, self.allowed = origin, [], []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(f"exception: {error.error}"))
        context.on("request", self._request)

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.found.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request):
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.found.append(f"request elsewhere: {request.url}")

    def allow(self, pattern):
        """What the test itself brings about."""
        self.allowed.append(pattern)

    def check(self):
        wrong = [each for each in self.found if not any(re.search(pattern, each) for pattern in self.allowed)]
        assert not wrong, "\n".join(wrong)


class Dashboard:
    def __init__(self, page, world):
        self.page, self.world = page, world

    # ---- going about ----

    def open(self, path="/", **query):
        text = urllib.parse.urlencode(query, doseq=True)
        self.page.goto(self.world.url + path + (f"?{text}" if text else ""))
        return self.settle()

    def settle(self):
        """Until everything that is asked for is there."""
        page = self.page
        expect(page.locator("main")).to_be_visible()
        expect(page.locator("[aria-busy=true], .skeleton, .skeleton-line")).to_have_count(0)
        return self

    def go(self, title):
        """By the navigation."""
        if self.page.get_by_role("button", name="Pages", exact=True).is_visible():
            self.page.get_by_role("button", name="Pages", exact=True).click()
        self.page.get_by_role("navigation").get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", level=1, name=title)).to_be_visible()
        return self.settle()

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.page.url).query))

    def button(self, name, exact=True, within=None):
        return (within or self.page).get_by_role("button", name=name, exact=exact)

    def card(self, title):
        return self.page.get_by_role("region", name=title, exact=True)

    def section(self, title):
        return self.page.get_by_role("region", name=title, exact=True)

    def dialog(self):
        found = self.page.locator("dialog[open]")
        expect(found).to_be_visible()
        return found

    # ---- what is read ----

    def stat(self, label):
        """A figure as it is shown."""
        return self.page.locator(".stat", has=self.page.locator("dt", has_text=re.compile(f"^{re.escape(label)}$"))).locator(".stat-value")

    def figure(self, label):
        """Its number."""
        return plain(self.stat(label).evaluate("(node) => node.firstChild.textContent"))

    def rows(self, table):
        """[{column: text}] of a table, without what is left out of sight."""
        expect(table).to_be_attached()
        return table.evaluate(
            """table => {
                const text = (cell) => (cell.innerText ?? cell.textContent).trim();
                const heads = [...table.querySelectorAll('thead th')].map((cell) => cell.textContent.trim());
                return [...table.querySelectorAll('tbody tr')].map((row) =>
                    Object.fromEntries([...row.children].map((cell, i) => [heads[i] ?? i, cell.textContent.trim()])));
            }"""
        )

    def table(self, caption):
        return self.rows(self.page.locator(".table-scroll").get_by_role("table", name=caption, exact=True))

    def chart(self, title):
        """The numbers of a chart: [{"Point": title, series: text}]."""
        return self.rows(self.page.locator("figure.chart", has=self.page.locator(f'[role=img][aria-label="{title}"]')).locator("table").last)

    # ---- what is used ----

    def choose_dates(self, preset):
        self.page.get_by_role("button", name=re.compile("^Dates:")).click()
        self.page.get_by_role("group", name="Usual ranges").get_by_role("button", name=preset, exact=True).click()
        return self.settle()

    def type_dates(self, first, last):
        self.page.get_by_role("button", name=re.compile("^Dates:")).click()
        form = self.page.get_by_role("form", name="Custom range")
        form.get_by_label("From").fill(first)
        form.get_by_label("To").fill(last)
        form.get_by_role("button", name="Apply").click()
        return self.settle()

    def choose(self, label, item):
        """Of a filter with a list to search, as "Time zone"."""
        self.page.get_by_role("button", name=re.compile(f"^{label}:")).click()
        panel = self.page.get_by_role("dialog", name=label)
        panel.get_by_role("searchbox").fill(item)
        panel.get_by_role("radio", name=item, exact=True).click()
        return self.settle()


def plain(text):
    """The number of "1,234 requests"."""
    return int(re.sub(r"[^\d]", "", re.match(r"[\d,]+", text.strip()).group()))

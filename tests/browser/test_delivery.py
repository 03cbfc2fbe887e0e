"""How the dashboard comes over the wire: small, cached, and allowed nothing but itself."""

import gzip
import re
import urllib.request

LARGEST = 350_000  # bytes, packed, in all
POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data: blob:", "connect-src": "'self'",
    "font-src": "'self'", "base-uri": "'none'", "form-action": "'self'", "frame-ancestors": "'none'",
}


def fetch(url):
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        return answer.headers, answer.read()


def test_size_and_cache(world):
    headers, page = fetch(world.url + "/")
    if headers["Content-Encoding"] == "gzip":
        page = gzip.decompress(page)
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";") if part.strip())
    assert policy == POLICY
    assert "immutable" not in headers["Cache-Control"] and not re.search(rb"<(script|style)[^>]*>[^<]", page)
    total = len(page)
    assets = re.findall(rb'(?:src|href)="(/assets/[^"]+)"', page)
    assert len(assets) >= 3 and all(re.search(rb"\.[0-9A-Za-z_-]{8,}\.(js|css|svg)$", name) for name in assets)
    for name in assets:
        headers, body = fetch(world.url + name.decode())
        assert headers["Content-Encoding"] == "gzip" and "immutable" in headers["Cache-Control"]
        total += len(body)
    assert total < LARGEST, total


def test_nothing_is_asked_for_twice(dashboard):
    """By any page, while it is opened."""
    dashboard.open("/", tz="UTC")
    asked = []
    dashboard.page.on("request", lambda request: asked.append(request.url))
    twice = []
    for title in ("Traffic", "Averages", "Top applications", "Response codes", "Latency", "Costs", "Days", "Alerts", "Integration errors",
                  "Settings", "API metrics", "API usage report", "Overview"):
        asked.clear()
        dashboard.go(title)
        twice += [(title, url) for url in set(asked) if asked.count(url) > 1 and "/assets/" not in url]
    assert not twice

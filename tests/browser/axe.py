"""axe-core: what of a page a person with a screen reader, or with weak eyes, could not use."""

from harness import ROOT

AXE = ROOT / "build/web-npm/node_modules/axe-core/axe.min.js"
RUN = """async () => {
    const found = await axe.run(document, {resultTypes: ['violations']});
    return found.violations.map((each) => [each.id, each.help, each.nodes.slice(0, 3).map((node) =>
        node.target.join(' ') + ': ' + node.html.slice(0, 200) + ' ' + (node.any[0]?.message ?? ''))]);
}"""


def violations(page):
    """[text]; the script is handed to the page by the debugger, so its content security policy stands."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    return [f"{name}: {text}\n    " + "\n    ".join(nodes) for name, text, nodes in page.evaluate(RUN)]

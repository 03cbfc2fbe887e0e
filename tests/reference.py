"""api/reference.html, the page that daybook-api serves at /api/v2/reference, from api/openapi.yaml.

    reference.py         prints the page
    reference.py FILE    writes it

The page stands alone: no script, no style attributes, nothing from elsewhere; so the strictest Content-Security-Policy suits it (the
program allows its one style sheet by its digest).
"""

import html
import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
STYLE = ROOT / "tests/reference.css"
METHODS = ("get", "put", "post", "delete", "patch")
PLACES = {"path": "in the path", "query": "query", "header": "header"}
REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 304: "Not Modified",
           400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
           413: "Content Too Large", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}


def escape(text):
    return html.escape(str(text), quote=True)


def tag(name, inner, **attributes):
    """The attribute `class` is written kind="…"."""
    names = {"kind": "class"}
    said = "".join(f' {names.get(key, key)}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{inner}</{name}>"


def code(text):
    return tag("code", escape(text))


# ---- descriptions: paragraphs, lists and tables of Markdown ----


def inline(text):
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(code(part[1:-1]) if part.startswith("`") and len(part) > 2 else emphasis(escape(part)) for part in parts)


def emphasis(text):
    text = re.sub(r"\[([^\]]+)\]\((#[^)]+|https?://[^)]+)\)", r'<a href="\2">\1</a>', text)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)


def table(rows):
    head, body = rows[0], rows[2:]
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in (head, *body)]
    first = tag("tr", "".join(tag("th", inline(cell)) for cell in cells[0]))
    rest = "".join(tag("tr", "".join(tag("td", inline(cell)) for cell in row)) for row in cells[1:])
    return tag("div", tag("table", tag("thead", first) + tag("tbody", rest)), kind="scroll")


def block(text):
    lines = text.split("\n")
    if lines[0].startswith("|"):
        return table(lines)
    if lines[0].startswith("- "):
        items = re.split(r"^- ", text, flags=re.M)[1:]
        return tag("ul", "".join(tag("li", inline(" ".join(item.split()))) for item in items))
    return tag("p", inline(" ".join(lines)))


def prose(text):
    return "".join(block(part.strip()) for part in re.split(r"\n\s*\n", str(text or "")) if part.strip())


# ---- JSON in colour ----

TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)')


def coloured(text):
    made, at = [], 0
    for match in TOKEN.finditer(text):
        made.append(escape(text[at : match.start()]))
        kind = "k" if match.group(2) else "s" if match.group(1) else "n"
        made.append(tag("span", escape(match.group(1) or match.group(3)), kind=kind) + (match.group(2) or ""))
        at = match.end()
    return "".join([*made, escape(text[at:])])


def shown(value, media):
    if isinstance(value, str) and "json" not in media:
        return tag("pre", tag("code", escape(value.replace("\r\n", "\n").rstrip("\n"))), tabindex="0")
    return tag("pre", tag("code", coloured(json.dumps(value, indent=2, ensure_ascii=False))), tabindex="0")


# ---- the document ----


class Document:
    def __init__(self, whole):
        self.whole = whole

    def resolve(self, node):
        while "$ref" in node and not node["$ref"].startswith("#/components/schemas/"):
            target = self.whole
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def operations(self):
        """(method, path, operation, other paths of the same)"""
        aliases = {}
        for path, item in self.whole["paths"].items():
            if "$ref" in item:
                same = item["$ref"].removeprefix("#/paths/").replace("~1", "/").replace("~0", "~")
                aliases.setdefault(same, []).append(path)
        for path, item in self.whole["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method, path, item[method], aliases.get(path, [])


# ---- schemas ----


def name_of(reference):
    return reference.rpartition("/")[2]


def limits(schema):
    """What else is said of a value, in a few words."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        yield f"{low} to {high}" if low is not None and high is not None else f"at least {low}" if low is not None else f"at most {high}"
    least, most = schema.get("minLength"), schema.get("maxLength")
    if most is not None:
        yield f"{least or 0} to {most} characters"
    most = schema.get("maxItems")
    if most is not None:
        yield f"at most {most}"
    if schema.get("format"):
        yield schema["format"]


def type_of(schema):
    """One line."""
    if "$ref" in schema:
        name = name_of(schema["$ref"])
        return tag("a", escape(name), href=f"#schema-{name}")
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return " ".join(code(value if isinstance(value, str) else json.dumps(value)) for value in schema["enum"])
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " or ".join(type_of(one) for one in schema[key])
    kinds = schema.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds == ["array"]:
        return "list of " + type_of(schema.get("items", {}))
    text = " or ".join(escape(kind) for kind in kinds)
    more = ", ".join(escape(limit) for limit in limits(schema))
    return text + (f" <small>{more}</small>" if more else "")


def inner_object(schema):
    """The object that a property is, or is a list of, if it is written in its place."""
    if "items" in schema and "$ref" not in schema:
        return inner_object(schema["items"])
    return schema if "properties" in schema else None


def property_row(name, schema, required):
    marks = tag("span", "required", kind="must") if required else ""
    default = f" <small>default</small> {code(json.dumps(schema['default']))}" if "default" in schema else ""
    head = tag("dt", f"{code(name)} {tag('span', type_of(schema), kind='type')}{default} {marks}")
    inner = inner_object(schema)
    body = prose(schema.get("description")) + (properties(inner) if inner else "")
    return head + (tag("dd", body) if body else "")


def properties(schema):
    required = schema.get("required", [])
    rows = "".join(property_row(name, one, name in required) for name, one in schema.get("properties", {}).items())
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        rows += property_row("…", extra, False)
    return tag("dl", rows, kind="properties") if rows else ""


def schema_body(schema):
    parts = [prose(schema.get("description"))]
    bases = [one for one in (*schema.get("allOf", []), *([{"$ref": schema["$ref"]}] if "$ref" in schema else [])) if "$ref" in one]
    if bases:
        parts.append(tag("p", "Everything of " + ", ".join(type_of(base) for base in bases) + ", and:"))
    parts += [properties(one) for one in schema.get("allOf", []) if "$ref" not in one]
    inner = inner_object(schema)
    if inner is None and not bases and "allOf" not in schema:
        parts.append(tag("p", type_of(schema), kind="type"))
    else:
        if inner is not schema and inner is not None:
            parts.append(tag("p", "A list of objects:"))
        parts.append(properties(inner or {}))
    return "".join(parts)


# ---- operations ----


def anchor(operation):
    return operation["operationId"]


def badge(method):
    return tag("span", method.upper(), kind=f"method {method}")


def parameter_rows(document, operation):
    for parameter in operation.get("parameters", []):
        parameter = document.resolve(parameter)
        schema = parameter["schema"]
        must = tag("span", "required", kind="must") if parameter.get("required") else ""
        default = f" <small>default</small> {code(json.dumps(schema['default']).strip(chr(34)))}" if "default" in schema else ""
        place = tag("small", PLACES[parameter["in"]])
        example = f" <small>example</small> {code(parameter['example'])}" if "example" in parameter else ""
        head = f"{code(parameter['name'])} {place} {tag('span', type_of(schema), kind='type')}{default}{example} {must}"
        yield tag("dt", head) + tag("dd", prose(parameter.get("description")))


def examples(document, media, content):
    for example in content.get("examples", {}).values():
        example = document.resolve(example)
        caption = tag("p", inline(example["summary"]), kind="caption") if "summary" in example else ""
        yield caption + shown(example["value"], media)


def contents(document, described):
    """Of a body: its media types with schema and examples."""
    for media, content in described.get("content", {}).items():
        schema = content.get("schema", {})
        head = tag("p", f"{code(media)} {tag('span', type_of(schema) if '$ref' in schema else '', kind='type')}", kind="media")
        inline_schema = "" if "$ref" in schema or not inner_object(schema) and "allOf" not in schema else schema_body(schema)
        yield head + inline_schema + "".join(examples(document, media, content))


def headers(response):
    names = (tag("a", escape(name), href=f"#header-{name_of(header['$ref'])}") for name, header in response.get("headers", {}).items())
    text = ", ".join(names)
    return tag("p", f"Headers: {text}", kind="label") if text else ""


def response_block(document, status, response):
    """One that is shared by many is described once, below."""
    shared = name_of(response["$ref"]) if "$ref" in response else None
    response = document.resolve(response)
    first = " ".join(str(response["description"]).split())
    head = f"{tag('b', escape(status), kind=f's{str(status)[0]}')} {escape(REASONS[int(status)])}"
    if shared:
        link = tag("a", escape(shared), href=f"#response-{shared}")
        return tag("p", f"{head} {link} {tag('span', inline(first), kind='short')}", kind="shared")
    summary = tag("summary", f"{head} {tag('span', inline(first), kind='short')}")
    body = "".join(contents(document, response)) + headers(response)
    return tag("details", summary + (body or tag("p", "No body.")), open="")


def shared_responses(document):
    for name, response in document.whole["components"]["responses"].items():
        body = "".join(contents(document, response)) + headers(response)
        title = tag("h3", tag("a", escape(name), href=f"#response-{name}"))
        yield tag("article", title + prose(response["description"]) + body, id=f"response-{name}")


def shared_headers(document):
    for name, header in document.whole["components"]["headers"].items():
        head = tag("dt", f"{code(name)} {tag('span', type_of(header['schema']), kind='type')}", id=f"header-{name}")
        yield head + tag("dd", prose(header["description"]))


def needed(operation, whole):
    security = operation.get("security", whole.get("security"))
    if security == []:
        return "No token is asked for."
    if any("basic" in one for one in security):
        return "HTTP Basic: a client’s id and its secret."
    return "" if "x-permissions" in operation else "Any token."


def command(method, path, operation, document):
    """How it is asked with curl, with the examples of parameters."""
    given = [document.resolve(one) for one in operation.get("parameters", [])]
    for one in given:
        if one["in"] == "path":
            path = path.replace("{%s}" % one["name"], str(one.get("example", one["name"].upper())))
    query = "&".join(f"{one['name']}={one['example']}" for one in given if one["in"] == "query" and "example" in one)
    url = "http://127.0.0.1:8700" + path + (f"?{query}" if query else "")
    parts = ["curl" + ("" if method == "get" else f" -X {method.upper()}")]
    security = operation.get("security", document.whole.get("security"))
    if any("basic" in one for one in security):
        parts.append("-u CLIENT_ID:SECRET")
    elif security:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    for media, content in list(document.resolve(operation.get("requestBody", {})).get("content", {}).items())[:1]:
        value = document.resolve(next(iter(content["examples"].values())))["value"]
        text = value if isinstance(value, str) else json.dumps(value)
        parts += [f"-H 'Content-Type: {media}'", f"--data-binary @{'clients.csv'}" if "csv" in media else f"-d '{text}'"]
    return " \\\n  ".join([*parts, f"'{url}'"])


def operation_block(document, method, path, operation, aliases):
    also = f"<p>Also at {', '.join(code(alias) for alias in aliases)}.</p>" if aliases else ""
    title = f'<a href="#{anchor(operation)}">{badge(method)} {tag("span", escape(path), kind="path")}</a>'
    parts = [tag("h3", title), tag("p", inline(operation["summary"]), kind="summary"), also, prose(operation.get("description"))]
    needs = needed(operation, document.whole)
    parts.append(tag("p", needs, kind="needs") if needs else "")
    rows = "".join(parameter_rows(document, operation))
    if rows:
        parts += [tag("h4", "Parameters"), tag("dl", rows, kind="properties")]
    body = document.resolve(operation.get("requestBody", {}))
    if body:
        parts += [tag("h4", "Body"), prose(body.get("description")), *contents(document, body)]
    parts += [tag("h4", "Example"), tag("pre", tag("code", escape(command(method, path, operation, document))), tabindex="0")]
    parts += [tag("h4", "Answers"), *(response_block(document, *one) for one in operation["responses"].items())]
    return tag("article", "".join(parts), id=anchor(operation))


# ---- the page ----


def navigation(document, groups):
    parts = [tag("a", "About", href="#about")]
    for one, operations in groups:
        items = ""
        for method, path, operation, _ in operations:
            inner = badge(method) + tag("span", escape(path).replace("/", "/<wbr>"), kind="path")
            items += tag("li", tag("a", inner, href=f"#{anchor(operation)}", title=operation["summary"]))
        parts.append(tag("h2", tag("a", escape(one["x-title"]), href=f"#tag-{one['name']}")) + tag("ul", items))
    for title, kind in (("Answers of many routes", "responses"), ("Headers", "headers"), ("Schemas", "schemas")):
        names = document.whole["components"][kind]
        items = "".join(tag("li", tag("a", escape(name), href=f"#{kind[:-1]}-{name}")) for name in names)
        parts.append(tag("h2", tag("a", title, href=f"#{kind}")) + tag("ul", items, kind="names"))
    return "".join(parts)


def page(document):
    whole = document.whole
    found = list(document.operations())
    groups = [(one, [op for op in found if one["name"] in op[2]["tags"]]) for one in whole["tags"]]
    info = whole["info"]
    about = tag("section", tag("h1", escape(info["title"])) + tag("p", f"Version {escape(info['version'])} · "
                '<a href="openapi.yaml">openapi.yaml</a>', kind="version") + prose(info["description"]), id="about")
    sections = ""
    for one, operations in groups:
        head = tag("h2", escape(one["x-title"])) + prose(one["description"])
        blocks = "".join(operation_block(document, *operation) for operation in operations)
        sections += tag("section", head + blocks, id=f"tag-{one['name']}")
    schemas = "".join(tag("article", tag("h3", tag("a", escape(name), href=f"#schema-{name}")) + schema_body(schema), id=f"schema-{name}")
                      for name, schema in whole["components"]["schemas"].items())
    sections += tag("section", tag("h2", "Answers of many routes") + "".join(shared_responses(document)), id="responses")
    sections += tag("section", tag("h2", "Headers") + tag("dl", "".join(shared_headers(document)), kind="properties"), id="headers")
    sections += tag("section", tag("h2", "Schemas") + schemas, id="schemas")
    bar = tag("header", tag("a", escape(info["title"]), href="#about") + tag("label", "Contents", **{"for": "menu"}))
    box = '<input type="checkbox" id="menu" aria-label="Show the contents">'
    body = box + bar + tag("nav", navigation(document, groups), **{"aria-label": "Contents"}) + tag("main", about + sections)
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += '<meta name="color-scheme" content="light dark">' + tag("title", escape(info["title"])) + tag("style", STYLE.read_text())
    made = f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'
    return re.sub(r"(</(?:article|section|details|dd|ul|table|h2|h3|h4|p|pre)>)(?=<)", r"\1\n", made)


def main():
    text = page(Document(yaml.safe_load((ROOT / "api/openapi.yaml").read_text())))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()

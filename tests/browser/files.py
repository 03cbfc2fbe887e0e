"""What was downloaded, as rows: [{column: value}]."""

import csv
import io
import json
import zipfile

import openpyxl


def rows_of(name, data):
    if name.endswith(".csv"):
        return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in data.decode().splitlines()]
    assert name.endswith(".xlsx"), name
    head, *rows = openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
    return [dict(zip(head, row)) for row in rows]


def opened(download):
    """{name: rows} of what is in a zip file, or of the file alone."""
    with open(download.path(), "rb") as file:
        data = file.read()
    if not download.suggested_filename.endswith(".zip"):
        return {download.suggested_filename: rows_of(download.suggested_filename, data)}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: rows_of(name, archive.read(name)) for name in archive.namelist()}

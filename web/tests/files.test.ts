import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import { strFromU8, unzipSync } from 'fflate';
import { rowsFile } from '../src/export';

const columns = ['name', 'requests', 'open'];
const rows = [
    ['=cmd()', 3, true],
    ['a "b", c', null, false],
    ['<x> & \u0001y', -1.5, null],
];
const file = rowsFile('requests', 'Requests: by [name]', () => ({ columns, rows }));

test('CSV: quoted, with CRLF, and nothing that a spreadsheet calculates', async () => {
    const text = await (await file.fetch('csv')).text();
    equal(text, 'name,requests,open\r\n\'=cmd(),3,true\r\n"a ""b"", c",,false\r\n<x> & \u0001y,-1.5,\r\n');
});

test('JSON lines: one object a row', async () => {
    const lines = (await (await file.fetch('jsonl')).text()).trimEnd().split('\n');
    deepEqual(
        lines.map((line) => Object.values(JSON.parse(line) as object)),
        rows,
    );
});

test('a workbook: text stays text, numbers are numbers', async () => {
    const parts = unzipSync(new Uint8Array(await (await file.fetch('xlsx')).arrayBuffer()));
    const sheet = strFromU8(parts['xl/worksheets/sheet1.xml']!);
    match(sheet, /<is><t xml:space="preserve">=cmd\(\)<\/t><\/is><\/c><c><v>3<\/v><\/c><c t="b"><v>1<\/v><\/c>/);
    match(sheet, />&lt;x&gt; &amp; y</);
    match(strFromU8(parts['xl/workbook.xml']!), /name="Requests  by  name "/);
});

// A workbook of one sheet, from rows that are on screen. It follows ECMA-376 as far as needed: inline strings, numbers, and a bold
// first row that stays in sight.
import { strToU8, zipSync } from 'fflate';

export type Cell = string | number | boolean | null | undefined;

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const OFFICE = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
const RELATIONS_TYPE = 'application/vnd.openxmlformats-package.relationships+xml';
const NAME_MAX = 31;

function escape(text: string): string {
    // What XML cannot hold at all is left out.
    const possible = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '');
    return possible.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

// An element of which attributes and content are already XML.
function xml(name: string, attributes: string, ...content: string[]): string {
    return `<${name} ${attributes}>${content.join('')}</${name}>`;
}

function cell(value: Cell, style: number): string {
    if (value === null || value === undefined) {
        return '<c/>';
    }
    if (typeof value === 'number' && Number.isFinite(value)) {
        return `<c><v>${value}</v></c>`;
    }
    if (typeof value === 'boolean') {
        return `<c t="b"><v>${value ? 1 : 0}</v></c>`;
    }
    return `<c t="inlineStr" s="${style}"><is><t xml:space="preserve">${escape(String(value))}</t></is></c>`;
}

function sheet(columns: string[], rows: Cell[][]): string {
    const row = (cells: Cell[], style: number): string => `<row>${cells.map((each) => cell(each, style)).join('')}</row>`;
    const pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>';
    const view = xml('sheetViews', '', xml('sheetView', 'workbookViewId="0"', pane));
    const data = xml('sheetData', '', row(columns, 1), ...rows.map((cells) => row(cells, 0)));
    return xml('worksheet', `xmlns="${MAIN}"`, view, data);
}

function contentTypes(): string {
    const override = (part: string, type: string): string =>
        `<Override PartName="/xl/${part}.xml" ContentType="${OFFICE}.${type}+xml"/>`;
    return xml(
        'Types',
        `xmlns="${PACKAGE}/content-types"`,
        `<Default Extension="rels" ContentType="${RELATIONS_TYPE}"/><Default Extension="xml" ContentType="application/xml"/>`,
        override('workbook', 'sheet.main'),
        override('worksheets/sheet1', 'worksheet'),
        override('styles', 'styles'),
    );
}

function relations(list: [string, string][]): string {
    const each = list.map(([type, target], i) => `<Relationship Id="r${i + 1}" Type="${RELATIONS}/${type}" Target="${target}"/>`);
    return xml('Relationships', `xmlns="${PACKAGE}/relationships"`, ...each);
}

// Style 0 is plain, 1 is bold.
function styles(): string {
    const font = '<sz val="11"/><name val="Calibri"/>';
    return xml(
        'styleSheet',
        `xmlns="${MAIN}"`,
        `<fonts count="2"><font>${font}</font><font><b/>${font}</font></fonts>`,
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>',
        '<borders count="1"><border/></borders>',
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>',
        '<cellXfs count="2"><xf fontId="0" xfId="0"/><xf fontId="1" xfId="0" applyFont="1"/></cellXfs>',
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>',
    );
}

export function workbook(name: string, columns: string[], rows: Cell[][]): Blob {
    const title = escape(name.replace(/[\\/?*[\]:]/g, ' ').slice(0, NAME_MAX)) || 'Sheet';
    const book = xml('sheets', '', `<sheet name="${title}" sheetId="1" r:id="r1"/>`);
    const files: Record<string, string> = {
        '[Content_Types].xml': contentTypes(),
        '_rels/.rels': relations([['officeDocument', 'xl/workbook.xml']]),
        'xl/workbook.xml': xml('workbook', `xmlns="${MAIN}" xmlns:r="${RELATIONS}"`, book),
        'xl/_rels/workbook.xml.rels': relations([
            ['worksheet', 'worksheets/sheet1.xml'],
            ['styles', 'styles.xml'],
        ]),
        'xl/styles.xml': styles(),
        'xl/worksheets/sheet1.xml': sheet(columns, rows),
    };
    const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
    const bytes = zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(head + text)])));
    return new Blob([bytes as BlobPart], { type: `${OFFICE}.sheet` });
}

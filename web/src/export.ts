// The dialog "Export": which files, in which format. What is exported has exactly the range, the zone and the filters on screen.
import { zipSync } from 'fflate';
import { download as fetchFile, type Query } from './api';
import { openDialog } from './dialog';
import { el } from './dom';
import { dayRange, plural } from './format';
import type { State } from './state';
import { segmented } from './tabs';
import { toast } from './toast';
import { workbook, type Cell } from './xlsx';

export type Format = 'csv' | 'jsonl' | 'xlsx';

export interface ExportFile {
    name: string; // of the file, without its ending
    label: string;
    formats: Format[];
    fetch(format: string): Promise<Blob>;
}

const FORMAT_NAMES: Record<Format, string> = { csv: 'CSV', jsonl: 'JSON Lines', xlsx: 'Excel' };
const FORMULA = /^[=+\-@\t\r]/;

// Hands a file to the browser.
export function download(name: string, blob: Blob): void {
    const url = URL.createObjectURL(blob);
    const link = el('a', { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// A value of a CSV; one that a spreadsheet would calculate is made text, as the server does it.
function csvValue(value: Cell): string {
    if (value === null || value === undefined) {
        return '';
    }
    const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// A file of rows that the page has: `make` is called when the file is asked for.
export function rowsFile(
    name: string,
    label: string,
    make: () => { columns: string[]; rows: Cell[][] } | Promise<{ columns: string[]; rows: Cell[][] }>,
): ExportFile {
    return {
        name,
        label,
        formats: ['csv', 'jsonl', 'xlsx'],
        fetch: async (format) => {
            const { columns, rows } = await make();
            if (format === 'xlsx') {
                return workbook(label, columns, rows);
            }
            if (format === 'jsonl') {
                const lines = rows.map(
                    (row) => JSON.stringify(Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null]))) + '\n',
                );
                return new Blob(lines, { type: 'application/x-ndjson' });
            }
            return new Blob(
                [columns, ...rows].map((row) => row.map(csvValue).join(',') + '\r\n'),
                { type: 'text/csv' },
            );
        },
    };
}

// A file that the server makes, at a path with {format} in it.
export function serverFile(
    name: string,
    label: string,
    path: string,
    query: Query,
    formats: Format[] = ['csv', 'jsonl', 'xlsx'],
): ExportFile {
    return { name, label, formats, fetch: async (format) => (await fetchFile(path.replace('{format}', format), query)).blob };
}

async function save(files: ExportFile[], format: Format, name: string, dates: string): Promise<void> {
    const made = await Promise.all(
        files.map(async (file) => ({ name: `${file.name}_${dates}.${format}`, blob: await file.fetch(format) })),
    );
    if (made.length === 1 && made[0]) {
        download(made[0].name, made[0].blob);
        return;
    }
    const entries = await Promise.all(
        made.map(async (file): Promise<[string, Uint8Array]> => [file.name, new Uint8Array(await file.blob.arrayBuffer())]),
    );
    download(`${name}_${dates}.zip`, new Blob([zipSync(Object.fromEntries(entries)) as BlobPart], { type: 'application/zip' }));
}

export function openExport(title: string, list: ExportFile[], state: State): void {
    const formats = (['csv', 'jsonl', 'xlsx'] as Format[]).filter((format) => list.some((file) => file.formats.includes(format)));
    let format: Format = formats[0] ?? 'csv';
    const chosen = new Set(list.slice(0, 1));
    const boxes = list.map((file) =>
        el('input', {
            type: 'checkbox',
            checked: chosen.has(file),
            onchange: (event: Event) => {
                chosen[(event.target as HTMLInputElement).checked ? 'add' : 'delete'](file);
                follow();
            },
        }),
    );
    const all = el('input', {
        type: 'checkbox',
        onchange: () => {
            usable().forEach((file) => chosen[all.checked ? 'add' : 'delete'](file));
            follow();
        },
    });
    const usable = (): ExportFile[] => list.filter((file) => file.formats.includes(format));
    function follow(): void {
        list.forEach((file, i) => {
            boxes[i]!.disabled = !file.formats.includes(format);
            boxes[i]!.checked = chosen.has(file) && file.formats.includes(format);
        });
        all.checked = usable().length > 0 && usable().every((file) => chosen.has(file));
        all.indeterminate = !all.checked && usable().some((file) => chosen.has(file));
    }
    const body = el(
        'div',
        { class: 'export' },
        el(
            'p',
            { class: 'faint' },
            [dayRange(state.range.from, state.range.to), state.zone, state.organization].filter(Boolean).join(' · '),
        ),
        segmented(
            'Format',
            formats.map((each) => ({ id: each, label: FORMAT_NAMES[each] })),
            format,
            (id) => {
                format = id as Format;
                follow();
            },
        ),
        el(
            'fieldset',
            { class: 'choices' },
            el('legend', {}, 'Files'),
            list.map((file, i) => el('label', { class: 'choice' }, boxes[i], file.label)),
            list.length > 1 ? el('label', { class: 'choice all' }, all, 'All, as one zip file') : null,
        ),
    );
    follow();
    openDialog('Export', body, [
        { label: 'Cancel' },
        {
            label: 'Export',
            primary: true,
            run: async () => {
                const files = usable().filter((file) => chosen.has(file));
                if (!files.length) {
                    throw new Error('Choose at least one file.');
                }
                await save(files, format, title.toLowerCase().replace(/[^a-z0-9]+/g, '-'), `${state.range.from}_${state.range.to}`);
                toast(`Exported ${plural(files.length, 'file')}.`);
            },
        },
    ]);
}

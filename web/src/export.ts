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

async function save(files: ExportFile[], format: Format, name: string, suffix: string): Promise<void> {
    const made = await Promise.all(
        files.map(async (file) => ({ name: `${file.name}${suffix}.${format}`, blob: await file.fetch(format) })),
    );
    if (made.length === 1 && made[0]) {
        download(made[0].name, made[0].blob);
        return;
    }
    const entries = await Promise.all(
        made.map(async (file): Promise<[string, Uint8Array]> => [file.name, new Uint8Array(await file.blob.arrayBuffer())]),
    );
    download(`${name}${suffix}.zip`, new Blob([zipSync(Object.fromEntries(entries)) as BlobPart], { type: 'application/zip' }));
}

class ExportDialog {
    private readonly formats: Format[];
    private readonly chosen: Set<ExportFile>;
    private readonly boxes: HTMLInputElement[];
    private readonly all: HTMLInputElement;
    private format: Format;

    constructor(
        private readonly title: string,
        private readonly list: ExportFile[],
        private readonly state: State,
        private readonly hasRange: boolean,
    ) {
        this.formats = (['csv', 'jsonl', 'xlsx'] as Format[]).filter((format) =>
            list.some((file) => file.formats.includes(format)),
        );
        this.format = this.formats[0] ?? 'csv';
        this.chosen = new Set(list.slice(0, 1));
        this.boxes = list.map((file) => {
            const box = el('input', { type: 'checkbox', onchange: () => this.choose([file], box.checked) });
            return box;
        });
        this.all = el('input', { type: 'checkbox', onchange: () => this.choose(this.usable(), this.all.checked) });
        this.follow();
    }

    open(): void {
        openDialog('Export', this.body(), [{ label: 'Cancel' }, { label: 'Export', primary: true, run: () => this.run() }]);
    }

    private body(): HTMLElement {
        const { range, zone, organization } = this.state;
        const about = [this.hasRange && dayRange(range.from, range.to), zone, organization];
        const formats = this.formats.map((each) => ({ id: each, label: FORMAT_NAMES[each] }));
        const files = this.list.map((file, i) => el('label', { class: 'choice' }, this.boxes[i], file.label));
        const all = files.length > 1 ? el('label', { class: 'choice all' }, this.all, 'All, as one zip file') : null;
        return el(
            'div',
            { class: 'export' },
            el('p', { class: 'faint' }, about.filter(Boolean).join(' · ')),
            segmented('Format', formats, this.format, (id) => {
                this.format = id as Format;
                this.follow();
            }),
            el('fieldset', { class: 'choices' }, el('legend', {}, 'Files'), files, all),
        );
    }

    // The files that there are in the format.
    private usable(): ExportFile[] {
        return this.list.filter((file) => file.formats.includes(this.format));
    }

    private choose(files: ExportFile[], on: boolean): void {
        files.forEach((file) => this.chosen[on ? 'add' : 'delete'](file));
        this.follow();
    }

    private follow(): void {
        const usable = this.usable();
        this.list.forEach((file, i) => {
            const box = this.boxes[i]!;
            box.disabled = !usable.includes(file);
            box.checked = usable.includes(file) && this.chosen.has(file);
        });
        this.all.checked = usable.length > 0 && usable.every((file) => this.chosen.has(file));
        this.all.indeterminate = !this.all.checked && usable.some((file) => this.chosen.has(file));
    }

    private async run(): Promise<void> {
        const files = this.usable().filter((file) => this.chosen.has(file));
        if (!files.length) {
            throw new Error('Choose at least one file.');
        }
        const name = this.title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
        await save(files, this.format, name, this.hasRange ? `_${this.state.range.from}_${this.state.range.to}` : '');
        toast(`Exported ${plural(files.length, 'file')}.`);
    }
}

// hasRange: whether the page has dates, which are part of the files' names.
export function openExport(title: string, list: ExportFile[], state: State, hasRange: boolean): void {
    new ExportDialog(title, list, state, hasRange).open();
}

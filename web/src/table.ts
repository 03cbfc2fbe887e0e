// Tables: columns that can be sorted by the reader, rows that open something.
import { el, replace, type Child } from './dom';
import { icon } from './icon';

export interface Column<T> {
    key: string;
    label: string;
    align?: 'right';
    cell(row: T): Child;
    sort?: (a: T, b: T) => number;
    width?: string;
    hint?: string;
    secondary?: boolean; // left out on narrow screens
}

export interface TableOptions<T> {
    onPick?: (row: T) => void; // the first column's cell becomes a button, the row can be clicked
    sortBy?: string;
    descending?: boolean;
    onSort?: (key: string, descending: boolean) => void;
}

// What the reader chose stays when a table is made anew with newer rows.
const chosenSorts = new Map<string, { sortBy: string; descending: boolean }>();

// Columns for what is most often there.
export function byText<T>(of: (row: T) => string): (a: T, b: T) => number {
    return (a, b) => of(a).localeCompare(of(b), undefined, { numeric: true });
}

export function byNumber<T>(of: (row: T) => number | null | undefined): (a: T, b: T) => number {
    return (a, b) => (of(a) ?? -Infinity) - (of(b) ?? -Infinity);
}

function classOf<T>(column: Column<T>): (string | undefined | false)[] {
    return [column.align, column.secondary && 'secondary'];
}

const LONG = 80; // a name of more letters is cut to some lines, and whole on hover

function cells<T>(columns: Column<T>[], row: T, onPick?: (row: T) => void): HTMLElement[] {
    return columns.map((column, i) => {
        const content = column.cell(row);
        const inner =
            i === 0 && onPick
                ? el('button', { type: 'button', class: 'cell-button', onclick: () => onPick(row) }, content)
                : content;
        const made = el(i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : null, class: classOf(column) }, inner);
        if (i === 0 && (made.textContent ?? '').length > LONG) {
            made.classList.add('long');
            made.title = made.textContent ?? '';
        }
        return made;
    });
}

export function table<T>(caption: string, columns: Column<T>[], rows: T[], options: TableOptions<T> = {}): HTMLElement {
    const name = `${location.pathname} ${caption}`;
    let { sortBy, descending } = chosenSorts.get(name) ?? { sortBy: options.sortBy ?? '', descending: options.descending ?? false };
    const head = el('tr');
    const body = el('tbody');

    function sorted(): T[] {
        const compare = columns.find((column) => column.key === sortBy)?.sort;
        return compare ? [...rows].sort((a, b) => (descending ? compare(b, a) : compare(a, b))) : rows;
    }
    function sortOn(column: Column<T>): void {
        descending = sortBy === column.key ? !descending : column.align === 'right';
        sortBy = column.key;
        chosenSorts.set(name, { sortBy, descending });
        draw();
        options.onSort?.(sortBy, descending);
    }
    function header(column: Column<T>): HTMLElement {
        const on = column.key === sortBy;
        const content = column.sort
            ? el(
                  'button',
                  { type: 'button', class: 'sort', onclick: () => sortOn(column) },
                  column.label,
                  on ? icon(descending ? 'down' : 'up') : null,
              )
            : column.label;
        return el(
            'th',
            {
                scope: 'col',
                class: classOf(column),
                title: column.hint ?? null,
                'aria-sort': on ? (descending ? 'descending' : 'ascending') : null,
                style: column.width ? { width: column.width } : {},
            },
            content,
        );
    }
    function pickRow(event: Event, row: T): void {
        if (!(event.target as Element).closest('a, button, input, label') && !getSelection()?.toString()) {
            options.onPick?.(row);
        }
    }
    function draw(): void {
        replace(head, columns.map(header));
        replace(
            body,
            sorted().map((row) =>
                el(
                    'tr',
                    {
                        class: options.onPick ? 'can-pick' : null,
                        onclick: options.onPick ? (event: Event) => pickRow(event, row) : null,
                    },
                    cells(columns, row, options.onPick),
                ),
            ),
        );
    }
    draw();
    return el(
        'div',
        { class: 'table-scroll', role: 'group', tabindex: 0, 'aria-label': caption },
        el('table', { class: 'table' }, el('caption', { class: 'visually-hidden' }, caption), el('thead', {}, head), body),
    );
}

// A bar behind a number, as long as its part of the greatest.
export function meter(part: number, whole: number, text: string, color = '--accent'): HTMLElement {
    const share = whole > 0 ? Math.max(0, Math.min(1, part / whole)) : 0;
    return el('span', { class: 'meter', style: { '--part': `${(share * 100).toFixed(1)}%`, '--fill': `var(${color})` } }, text);
}

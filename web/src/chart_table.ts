// The numbers of a chart as a table: for screen readers, and for whoever asks to see it.
import type { ChartData } from './chart';
import { el } from './dom';
import { count } from './format';

const ROWS_MAX = 500;

export function numbersTable(label: string, data: ChartData): HTMLElement {
    const unit = data.unit ?? count;
    const left = data.labels.length - ROWS_MAX;
    const row = (point: number): HTMLElement =>
        el(
            'tr',
            {},
            el('th', { scope: 'row' }, data.titles?.[point] ?? data.labels[point] ?? ''),
            data.series.map((series) =>
                el(
                    'td',
                    { class: 'right' },
                    series.values[point] === null || series.values[point] === undefined ? '–' : unit(series.values[point]),
                ),
            ),
        );
    return el(
        'table',
        { class: 'table' },
        el(
            'caption',
            { class: 'visually-hidden' },
            left > 0 ? `${label}; the first ${count(ROWS_MAX)} of ${count(data.labels.length)} points` : label,
        ),
        el(
            'thead',
            {},
            el(
                'tr',
                {},
                el('th', { scope: 'col' }, 'Point'),
                data.series.map((series) => el('th', { scope: 'col', class: 'right' }, series.name)),
            ),
        ),
        el(
            'tbody',
            {},
            data.labels.slice(0, ROWS_MAX).map((_, point) => row(point)),
        ),
    );
}

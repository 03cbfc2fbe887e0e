// The tooltip of charts: title, a line for each series with its value and share, and a total.
import type { ChartData } from './chart';
import { el, type Child } from './dom';
import { count, percent } from './format';
import { color, seriesColor } from './theme';

interface Surroundings {
    hidden: Set<string>;
    kind: 'bar' | 'line' | 'donut';
    stacked?: boolean;
}

function row(swatch: string, dashed: boolean, name: string, value: string, share: string | null): HTMLElement {
    return el(
        'tr',
        {},
        el(
            'th',
            { scope: 'row' },
            el('span', { class: ['swatch', dashed && 'dashed'], style: { '--swatch': color(swatch) } }),
            name,
        ),
        el('td', {}, value),
        el('td', { class: 'share' }, share ?? ''),
    );
}

function ofPoint(data: ChartData, point: number, env: Surroundings): HTMLElement[] {
    const shown = data.series
        .map((series, i) => ({
            series,
            swatch: data.colors?.[point] ?? series.color ?? seriesColor(i),
            value: series.values[point] ?? null,
        }))
        .filter(({ series }) => !env.hidden.has(series.name));
    const parts = shown.filter(({ series }) => !series.dashed);
    const sum = parts.reduce((total, { value }) => total + (value ?? 0), 0);
    const shares = env.kind === 'bar' && env.stacked && parts.length > 1;
    return shown.map(({ series, swatch, value }) =>
        row(
            swatch,
            series.dashed ?? false,
            series.name,
            value === null ? '–' : (data.unit ?? count)(value),
            shares && !series.dashed ? percent(sum > 0 ? (value ?? 0) / sum : NaN) : null,
        ),
    );
}

function ofSlice(data: ChartData, point: number, env: Surroundings): HTMLElement[] {
    const values = data.series[0]?.values ?? [];
    const sum = values.reduce<number>((total, value, i) => total + (env.hidden.has(data.labels[i] ?? '') ? 0 : (value ?? 0)), 0);
    const value = values[point] ?? 0;
    return [
        row(
            data.colors?.[point] ?? seriesColor(point),
            false,
            data.series[0]?.name ?? '',
            (data.unit ?? count)(value),
            percent(sum > 0 ? value / sum : NaN),
        ),
    ];
}

export function tipContent(data: ChartData, point: number, env: Surroundings): Child[] {
    const open = data.series.some((series) => series.provisional?.[point]);
    const rows = env.kind === 'donut' ? ofSlice(data, point, env) : ofPoint(data, point, env);
    const more = (data.details?.(point) ?? []).map(([name, value]) =>
        el('tr', { class: 'more' }, el('th', { scope: 'row' }, name), el('td', { colspan: 2 }, value)),
    );
    const total = data.total
        ? [el('tr', { class: 'total' }, el('th', { scope: 'row' }, 'Total'), el('td', {}, data.total(point)), el('td'))]
        : [];
    return [
        el('div', { class: 'chart-tip-title' }, data.titles?.[point] ?? data.labels[point] ?? ''),
        el('table', {}, el('tbody', {}, rows, more, total)),
        open ? el('div', { class: 'chart-tip-note' }, 'Provisional: can still change') : null,
    ];
}

// Beside the pointer, inside the window.
export function placeTip(tip: HTMLElement, canvas: HTMLElement, x: number, y: number): void {
    const box = canvas.getBoundingClientRect();
    const gap = 14;
    const right = box.left + x + gap + tip.offsetWidth < document.documentElement.clientWidth;
    const left = right ? x + gap : Math.max(x - gap - tip.offsetWidth, 4 - box.left);
    const lowest = document.documentElement.clientHeight - box.top - tip.offsetHeight - 8;
    tip.style.setProperty('left', `${Math.round(canvas.offsetLeft + left)}px`);
    tip.style.setProperty('top', `${Math.round(canvas.offsetTop + Math.min(y + gap, Math.max(lowest, -box.top)))}px`);
}

// What the traffic page shows of its numbers: the chart, the figures above it, the table below, and the files.
import type { Chart, Series } from '../chart';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import type { View } from '../page';
import { setState } from '../state';
import { stat, stats, type Stat } from '../stat';
import { HITS, type Total } from '../stats';
import { byNumber, byText, meter, table, type Column } from '../table';
import type { Cell } from '../xlsx';
import { chosenMetric, daysOf, rangeBefore, STACKED, type Slot, type Step, type Traffic } from './traffic_data';

// ---- the chart ----

function slotLabel(slot: Slot, step: Step, view: View): string {
    if (slot.begin !== undefined) {
        return format.time(slot.begin, view.state.zone, daysOf(view.state.range) > 2 ? 'short' : 'time');
    }
    return step === 'month' ? format.day(slot.from, 'month') : format.day(slot.from, 'short');
}

function slotTitle(slot: Slot, zone: string): string {
    if (slot.begin !== undefined) {
        return `${format.day(slot.from, 'long')}, ${format.time(slot.begin, zone, 'time')}`;
    }
    return slot.from === slot.to ? format.day(slot.from, 'long') : format.dayRange(slot.from, slot.to);
}

function titleOf(traffic: Traffic, name: string): string {
    return traffic.totals.find((metric) => metric.name === name)?.title ?? name;
}

// Methods may overlap. Then their bars are higher than all requests, which are a line over them; else what is in no method is the
// last part of the bar.
function stack(traffic: Traffic, provisional: boolean[]): Series[] {
    const parts = traffic.parts.map(({ metric, values }) => ({ name: metric.title, values, provisional }));
    const rest = traffic.hits.map((all, i) => all - parts.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
    const all: Series = { name: 'All requests', values: traffic.hits, provisional };
    if (!parts.length) {
        return [all];
    }
    if (rest.some((value) => value < 0)) {
        return [
            ...parts,
            {
                ...all,
                kind: 'line',
                dashed: true,
                color: '--accent-strong',
                provisional: undefined,
                hint: 'A request can be of several methods',
            },
        ];
    }
    return [
        ...parts,
        { name: 'Other requests', values: rest, color: '--status-other', provisional, hint: 'Of none of these methods' },
    ];
}

function seriesOf(traffic: Traffic, view: View): Series[] {
    const metric = chosenMetric(view);
    const provisional = traffic.final.map((final) => !final);
    const shown =
        metric === STACKED.name
            ? stack(traffic, provisional)
            : [{ name: titleOf(traffic, metric), values: traffic.hits, provisional }];
    const before: Series[] = traffic.before
        ? [{ name: 'Period before', kind: 'line', dashed: true, color: '--text', values: traffic.before, hint: beforeText(view) }]
        : [];
    return [...shown, ...before];
}

function beforeText(view: View): string {
    const { from, to } = rangeBefore(view.state.range);
    return `${format.dayRange(from, to)}${chosenMetric(view) ? '' : ', all requests'}`;
}

export function draw(chart: Chart, traffic: Traffic, view: View, step: Step): void {
    const change = (i: number): [string, string][] => {
        const before = traffic.before?.[i];
        const changed = before && traffic.over[i] ? format.changeBetween(traffic.hits[i] ?? 0, before) : null;
        return changed === null ? [] : [['Against the period before', format.change(changed)]];
    };
    chart.update({
        labels: traffic.slots.map((slot) => slotLabel(slot, step, view)),
        titles: traffic.slots.map((slot) => slotTitle(slot, view.state.zone)),
        series: seriesOf(traffic, view),
        total: traffic.parts.length ? (i) => format.count(traffic.hits[i]) : undefined,
        details: change,
    });
}

// ---- figures ----

function sum(values: number[]): number {
    return values.reduce((a, b) => a + b, 0);
}

function sumWhere(values: number[], keep: boolean[]): number {
    return sum(values.filter((_, i) => keep[i]));
}

// By hour the average is of hours, else of days; of what is over.
function averageOf({ hits, over, slots }: Traffic): { value: number; count: number } {
    const count = slots.reduce((sum, slot, i) => sum + (over[i] ? daysOf(slot) : 0), 0);
    return { value: sumWhere(hits, over) / count, count };
}

function showTotal(total: Stat, traffic: Traffic, step: Step): void {
    const { hits, over } = traffic;
    const before = traffic.before ? sumWhere(traffic.before, over) : null;
    const note = over.every(Boolean) ? 'against before' : `without the running ${step}`;
    total.set(format.count(sum(hits)), {
        change: before ? format.changeBetween(sumWhere(hits, over), before) : null,
        note: before ? note : null,
    });
}

export interface Figures {
    root: HTMLElement;
    show(traffic: Traffic): void;
    clear(): void;
}

export function figures(view: View, step: Step): Figures {
    const unit = step === 'hour' ? 'hour' : 'day';
    const total = stat('Requests');
    const average = stat(`Average per ${unit}`, `Of each ${unit} that is over`);
    const busiest = stat(`Busiest ${step}`);
    const before = stat('Period before');
    const all = [total, average, busiest, before];
    return {
        root: stats(...all),
        clear: () => all.forEach((each) => each.set(format.NOTHING)),
        show(traffic) {
            showTotal(total, traffic, step);
            const { value, count } = averageOf(traffic);
            average.set(count ? format.count(Math.round(value)) : format.NOTHING, { note: `of ${format.plural(count, unit)}` });
            const most = traffic.hits.indexOf(Math.max(...traffic.hits));
            const slot = traffic.slots[most];
            busiest.set(format.count(traffic.hits[most] || null), {
                note: slot && traffic.hits[most] ? slotTitle(slot, view.state.zone) : null,
            });
            before.set(traffic.before ? format.count(sum(traffic.before)) : format.NOTHING, {
                note: traffic.before ? beforeText(view) : 'not compared',
            });
        },
    };
}

export function methodTable(traffic: Traffic): HTMLElement {
    const hits = traffic.totals.find(({ name }) => name === HITS.name)?.total ?? 0;
    const columns: Column<Total>[] = [
        { key: 'method', label: 'Method', cell: (row) => row.title, sort: byText((row) => row.title) },
        {
            key: 'requests',
            label: 'Requests',
            align: 'right',
            cell: (row) => meter(row.total, hits, format.count(row.total)),
            sort: byNumber((row) => row.total),
        },
        { key: 'share', label: 'Of all requests', align: 'right', cell: (row) => format.share(row.total, hits) },
    ];
    return table('Requests by method', columns, traffic.totals, {
        sortBy: 'requests',
        descending: true,
        onPick: (row) => setState({ params: { metric: row.name } }),
    });
}

// ---- exports ----

export function seriesFile(view: View, step: Step, traffic: () => Traffic | null): ExportFile {
    return rowsFile('traffic', `Traffic by ${step}`, () => {
        const shown = traffic();
        const metric = chosenMetric(view) || HITS.name;
        const parts = shown?.parts ?? [];
        const columns = ['from', 'to', metric, ...parts.map(({ metric: part }) => part.name), 'periodBefore', 'provisional'];
        const rows = (shown?.slots ?? []).map((slot, i): Cell[] => {
            const times =
                slot.begin === undefined
                    ? [slot.from, slot.to]
                    : [new Date(slot.begin).toISOString(), new Date(slot.begin + 3_600_000).toISOString()];
            return [
                ...times,
                shown!.hits[i],
                ...parts.map(({ values }) => values[i]),
                shown!.before?.[i] ?? null,
                !shown!.final[i],
            ];
        });
        return { columns, rows };
    });
}

export function methodsFile(traffic: () => Traffic | null): ExportFile {
    return rowsFile('requests-by-method', 'Requests by method', () => ({
        columns: ['method', 'title', 'requests'],
        rows: (traffic()?.totals ?? []).map(({ name, title, total }): Cell[] => [name, title, total]),
    }));
}

// How fast requests are answered: percentiles over time, and of every endpoint.
import { card, type Card } from '../card';
import { lineChart, type Chart } from '../chart';
import { el, keep, replace } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import type { Page, View } from '../page';
import { href, setState } from '../state';
import { stat, stats, type Stat } from '../stat';
import { byNumber, byText, meter, table, type Column } from '../table';
import { together } from './together';
import { askUsage, isHourly, measured, PERCENTILES, pointDate, pointNames } from './usage_window';
import type { Endpoint, Latency, Usage, UsagePoint } from './usage_window';

const REFRESH_MS = 10_000;
const ENDPOINTS_MAX = 1000;
const HOURLY_DAYS = 7;
const ABOUT = 'From when a request came until it was answered; choose one for all that is known of it';
export const LINES: { key: keyof Latency; name: string; color: string; hint: string }[] = [
    { key: 'p50', name: 'p50', color: '--series-1', hint: 'Half of the requests were answered within this time' },
    { key: 'p95', name: 'p95', color: '--series-3', hint: '95 of 100 requests were answered within this time' },
    { key: 'p99', name: 'p99', color: '--series-6', hint: '99 of 100 requests were answered within this time' },
];

export function showLatency(chart: Chart, points: UsagePoint[], zone: string, hourly: boolean): void {
    chart.update({
        ...pointNames(points, zone, hourly),
        series: LINES.map(({ key, name, color, hint }) => ({
            name,
            color,
            hint,
            values: points.map((point) => measured(point, point.latency[key])),
            provisional: points.map((point) => point.provisional),
        })),
        unit: format.ms,
        details: (i) => [
            ['Average', format.ms(measured(points[i]!, points[i]!.averageLatency))],
            ['Longest', format.ms(measured(points[i]!, points[i]!.peakLatency))],
            ['Requests', format.count(points[i]!.requests)],
        ],
    });
}

export function latencyFile(name: string, points: () => UsagePoint[]): ExportFile {
    return rowsFile(name, 'Latency over time (ms)', () => ({
        columns: ['timestamp', 'requests', 'average', 'p50', 'p90', 'p95', 'p99', 'longest', 'provisional'],
        rows: points().map((each) => [
            each.timestamp,
            each.requests,
            measured(each, each.averageLatency),
            ...[each.latency.p50, each.latency.p90, each.latency.p95, each.latency.p99].map((n) => measured(each, n)),
            measured(each, each.peakLatency),
            each.provisional,
        ]),
    }));
}

// ---- figures ----

function figures(): { root: HTMLElement; show(usage: Usage): void; clear(): void } {
    const [p50, p95, p99] = LINES.map(({ name, hint }) => stat(name, hint)) as [Stat, Stat, Stat];
    const average = stat('Average');
    const peak = stat('Longest', 'The slowest request of all');
    const all = [p50, p95, p99, average, peak];
    return {
        root: stats(...all),
        clear: () => all.forEach((each) => each.set(format.NOTHING)),
        show({ usage, latency }) {
            const value = (n: number | null): string => (usage.totalRequests ? format.ms(n) : format.NOTHING);
            p50.set(value(latency.p50), { note: 'half were faster' });
            p95.set(value(latency.p95), { note: '1 in 20 was slower' });
            p99.set(value(latency.p99), { note: '1 in 100 was slower' });
            average.set(value(usage.averageLatency), { note: `of ${format.compact(usage.totalRequests)} requests` });
            peak.set(value(usage.peakLatency));
        },
    };
}

// ---- endpoints ----

function columns(rows: Endpoint[]): Column<Endpoint>[] {
    const most = Math.max(...rows.map((row) => row.latency.p95 ?? 0));
    const time = (key: keyof Latency, secondary = false): Column<Endpoint> => ({
        key,
        label: key,
        align: 'right',
        secondary,
        sort: byNumber((row) => row.latency[key]),
        cell: ({ latency: { [key]: value } }) =>
            key === 'p95' ? meter(value ?? 0, most, format.ms(value)) : format.ms(value),
    });
    return [
        {
            key: 'endpoint',
            label: 'Endpoint',
            sort: byText((row) => row.endpoint),
            cell: (row) => el('a', { href: endpointHref(row.endpoint) }, row.endpoint),
        },
        {
            key: 'requests',
            label: 'Requests',
            align: 'right',
            secondary: true,
            sort: byNumber((row) => row.requests),
            cell: (row) => format.count(row.requests),
        },
        {
            key: 'average',
            label: 'Average',
            align: 'right',
            secondary: true,
            sort: byNumber((row) => row.averageLatency),
            cell: (row) => format.ms(row.averageLatency),
        },
        { ...time('p50'), secondary: true },
        time('p95'),
        time('p99'),
    ];
}

function endpointHref(endpoint: string): string {
    return href({ page: '/endpoints', params: { endpoint } });
}

function showEndpoints(usage: Usage, body: HTMLElement): void {
    const rows = usage.breakdown.byEndpoint ?? [];
    const more = rows.length >= ENDPOINTS_MAX ? `The ${format.count(rows.length)} slowest.` : null;
    const list = table('Latency of endpoints', columns(rows), rows, { sortBy: 'p95', descending: true });
    replace(body, list, more && el('p', { class: 'hint' }, more));
}

function endpointsFile(usage: () => Usage | null): ExportFile {
    return rowsFile('latency-of-endpoints', 'Latency of endpoints (ms)', () => ({
        columns: ['endpoint', 'requests', 'average', 'p50', 'p90', 'p95', 'p99'],
        rows: (usage()?.breakdown.byEndpoint ?? []).map((each) => [
            each.endpoint,
            each.requests,
            each.averageLatency,
            each.latency.p50,
            each.latency.p90,
            each.latency.p95,
            each.latency.p99,
        ]),
    }));
}

// ---- the page ----

function load(view: View, hourly: boolean, cards: { time: Card; endpoints: Card }, show: (usage: Usage) => void): Promise<unknown> {
    const query = { includeErrors: false, sortBy: 'latency', limit: ENDPOINTS_MAX };
    const asked = together(
        () => askUsage(view, hourly, query),
        () => load(view, hourly, cards, show),
    );
    const isEmpty = (usage: Usage): boolean => !usage.usage.totalRequests;
    return Promise.all([
        cards.time.load(view.signal, asked, show, isEmpty),
        cards.endpoints.load(view.signal, asked, showEndpoints, isEmpty),
    ]);
}

export const latency: Page = {
    path: '/latency',
    title: 'Latency',
    group: 'Usage',
    icon: 'latency',
    live: true,
    closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    async render(view) {
        const { root, state } = view;
        const hourly = isHourly(state.range, HOURLY_DAYS);
        const chart = lineChart('Latency over time', { height: 300 });
        const empty = 'No requests in this period';
        const numbers = figures();
        const cards = {
            time: card('Latency over time', { wide: true, height: 340, empty, info: PERCENTILES }),
            endpoints: card('Endpoints', { wide: true, height: 300, empty, subtitle: ABOUT }),
        };
        cards.time.setChart(chart);
        cards.time.setSubtitle(format.dayRange(state.range.from, state.range.to));
        root.append(numbers.root, cards.time.root, cards.endpoints.root);
        let shown: Usage | null = null;
        chart.onPick((i) => {
            const point = shown?.timeSeries[i];
            if (point) {
                const date = pointDate(point, state.zone);
                setState({ page: '/traffic', range: { preset: null, from: date, to: date } });
            }
        });
        view.exports(() => [endpointsFile(() => shown), latencyFile('latency-over-time', () => shown?.timeSeries ?? [])]);
        const show = (usage: Usage): void => {
            shown = usage;
            numbers.show(usage);
            keep(cards.time.body, chart.root);
            showLatency(chart, usage.timeSeries, state.zone, hourly);
        };
        const again = async (): Promise<void> => {
            await load(view, hourly, cards, show);
            if (!shown) {
                numbers.clear();
            }
        };
        view.refresh(REFRESH_MS, again);
        await again();
    },
};

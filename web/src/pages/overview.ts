// What there is to know at a glance: how much, how well, who most, what is about to go wrong, and which of it is final.
import { get, shared } from '../api';
import { card, type Card } from '../card';
import { barChart, type Chart } from '../chart';
import { dateIn } from '../dates';
import { el, replace, type Child } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import { icon } from '../icon';
import type { Page, View } from '../page';
import { href, setState } from '../state';
import { stat, stats } from '../stat';
import type { Cell } from '../xlsx';
import { alerts, failing, newest, quotas, topClients, topEndpoints } from './overview_lists';
import type { Costs, Overview, Point, Usage } from './overview_lists';

const TIMEFRAMES: Record<string, string> = { last24h: '24h', last7: '7d', last30: '30d', last90: '90d' };
const REFRESH_MS = 10_000;

function timeframe(view: View): string {
    return TIMEFRAMES[view.state.range.preset ?? ''] ?? '24h';
}

function isHourly(view: View): boolean {
    return timeframe(view) === '24h';
}

// ---- finality ----

function finality({ finality: { finalizedThrough, provisionalDays } }: Overview): Child[] {
    const final = finalizedThrough ? `Final through ${format.day(finalizedThrough)}` : 'No day is final yet';
    const today = dateIn('UTC');
    const open = provisionalDays.filter((each) => each !== today).length;
    const parts = [provisionalDays.includes(today) ? 'today' : '', open ? format.plural(open, 'earlier day') : ''].filter(Boolean);
    const rest = parts.length ? `; ${parts.join(' and ')} ${parts.length > 1 || open > 1 ? 'are' : 'is'} provisional` : '';
    return [
        icon(finalizedThrough ? 'check' : 'info'),
        el('span', {}, `${final}${rest}. `, el('a', { href: href({ page: '/days' }) }, 'Days')),
    ];
}

function conditions({ health }: Overview): HTMLElement[] {
    return (health?.conditions ?? []).map((each) =>
        el('div', { class: 'notice warn', role: 'status' }, icon('errors'), el('span', {}, each.message)),
    );
}

// ---- figures ----

function figures(): { root: HTMLElement; show(data: Overview): void; clear(): void } {
    const requests = stat('Requests');
    const errors = stat('Failed requests', 'Answers of 400 and more');
    const latency = stat('p95 latency', '95 of 100 requests were answered within this time');
    const clients = stat('Active applications');
    const data_ = stat('Data transferred');
    const root = stats(requests, errors, latency, clients, data_);
    return {
        root,
        clear: () => [requests, errors, latency, clients, data_].forEach((each) => each.set(format.NOTHING)),
        show({ usage, usageBefore, change }) {
            const against = (before: string): string => `before: ${before}`;
            requests.set(format.count(usage.totalRequests), {
                change: change.totalRequests,
                note: against(format.compact(usageBefore.totalRequests)),
            });
            errors.set(
                [
                    format.count(usage.failedRequests),
                    el('span', { class: 'stat-side' }, format.share(usage.failedRequests, usage.totalRequests)),
                ],
                {
                    change: change.failedRequests,
                    good: 'down',
                    note: against(format.share(usageBefore.failedRequests, usageBefore.totalRequests)),
                },
            );
            latency.set(format.ms(usage.p95Latency), {
                change: change.p95Latency,
                good: 'down',
                note: against(format.ms(usageBefore.p95Latency)),
            });
            clients.set(format.count(usage.activeClients), { note: against(format.count(usageBefore.activeClients)) });
            data_.set(format.bytes(usage.dataTransferred), {
                change: change.dataTransferred,
                note: against(format.bytes(usageBefore.dataTransferred)),
            });
        },
    };
}

// ---- requests over time ----

function showSeries(chart: Chart, usage: Usage, zone: string, hourly: boolean): void {
    const points = usage.timeSeries;
    const title = (point: Point): string =>
        hourly ? format.time(point.timestamp, zone, 'short') : format.day(dateIn(zone, Date.parse(point.timestamp)), 'long');
    const provisional = points.map((point) => point.provisional ?? false);
    chart.update({
        labels: points.map((point) =>
            hourly ? format.time(point.timestamp, zone, 'time') : format.day(dateIn(zone, Date.parse(point.timestamp)), 'short'),
        ),
        titles: points.map((point) => title(point)),
        series: [
            {
                name: 'Successful',
                color: '--series-1',
                values: points.map((point) => point.successfulRequests),
                provisional,
                hint: 'Answers below 400',
            },
            {
                name: 'Failed',
                color: '--status-500',
                values: points.map((point) => point.failedRequests),
                provisional,
                hint: 'Answers of 400 and more',
            },
        ],
        total: (i) => format.count(points[i]?.requests ?? 0),
        details: (i) => (i === 0 && points.length > 1 ? [['Counted since', format.time(usage.window.from, zone, 'short')]] : []),
    });
}

// ---- the page ----

interface Parts {
    head: HTMLElement;
    numbers: ReturnType<typeof figures>;
    chart: Chart;
    series: Card;
    clients: Card;
    endpoints: Card;
    quotas: Card;
    alerts: Card;
    failing: Card;
    newest: Card;
}

const QUOTAS = 'Limits of which an alert level was reached, and plans whose requests of this month are used up or will be.';

function makeParts({ root, session }: View): Parts {
    const parts = {
        head: el('div', { class: 'notices' }),
        numbers: figures(),
        chart: barChart('Requests over time'),
        series: card('Requests over time', { wide: true, height: 300 }),
        clients: card('Top applications', { height: 280 }),
        endpoints: card('Top endpoints', { height: 280 }),
        quotas: card('Limits and quotas', { info: QUOTAS, height: 200 }),
        alerts: card('Unread alerts', { height: 200 }),
        failing: card('Failing endpoints', { height: 280 }),
        newest: card('Newest applications', { height: 200 }),
    };
    const { clients, endpoints, quotas: limits, alerts: unread, failing: bad, newest: fresh } = parts;
    const grid = [clients, endpoints, bad, limits, unread, fresh].map((each) => each.root);
    root.append(parts.head, parts.numbers.root, parts.series.root, el('div', { class: 'grid even' }, grid));
    parts.series.setChart(parts.chart);
    clients.setTotal(session.client ? null : el('a', { href: href({ page: '/top' }) }, 'All'));
    unread.setTotal(el('a', { href: href({ page: '/alerts' }) }, 'All'));
    return parts;
}

function seriesFile(usage: () => Usage | null): ExportFile {
    const columns = ['timestamp', 'requests', 'successful', 'failed', 'provisional'];
    const row = (point: Point): Cell[] => [
        point.timestamp,
        point.requests,
        point.successfulRequests,
        point.failedRequests,
        point.provisional ?? false,
    ];
    return rowsFile('requests-over-time', 'Requests over time', () => ({ columns, rows: (usage()?.timeSeries ?? []).map(row) }));
}

// What the page asks for, each when it is first needed.
function questions(view: View): {
    overview: () => Promise<Overview>;
    usage: () => Promise<Usage>;
    costs: () => Promise<Costs | null>;
} {
    const { organization, zone } = view.state;
    const asked = { timeframe: timeframe(view), organization, timeZone: zone };
    const series = {
        granularity: isHourly(view) ? 'hour' : 'day',
        includeErrors: false,
        includeLatency: false,
        sortBy: 'errors',
        limit: 6,
    };
    return {
        overview: shared(() => get<Overview>('/api/v2/usage/overview', asked, view.signal)),
        usage: shared(() => get<Usage>('/v1/developer/usage', { ...asked, ...series }, view.signal)),
        // Whoever may not see costs sees the limits without them.
        costs: () => get<Costs>('/api/v2/usage/costs', { organization }, view.signal).catch(() => null),
    };
}

async function showHead(parts: Parts, view: View, ask: () => Promise<Overview>): Promise<void> {
    try {
        const data = await ask();
        replace(parts.head, conditions(data), el('p', { class: 'notice' }, finality(data)));
        parts.numbers.show(data);
        parts.series.setSubtitle(format.timeRange(data.window.from, data.window.to, view.state.zone));
    } catch {
        parts.numbers.clear(); // the cards say why
    }
}

async function load(parts: Parts, view: View, keep: (usage: Usage) => void): Promise<void> {
    const { signal, state } = view;
    const ask = questions(view);
    const list = (into: Card, make: (data: Overview) => Child[]): Promise<void> =>
        into.load(signal, ask.overview, (data, body) => replace(body, make(data)));
    await Promise.all([
        showHead(parts, view, ask.overview),
        parts.series.load(signal, ask.usage, (usage, body) => {
            keep(usage);
            body.replaceChildren(parts.chart.root);
            showSeries(parts.chart, usage, state.zone, isHourly(view));
        }),
        parts.quotas.load(
            signal,
            () => Promise.all([ask.overview(), ask.costs()]),
            ([data, costs], body) => replace(body, quotas(view, data, costs)),
        ),
        parts.failing.load(signal, ask.usage, (usage, body) => replace(body, failing(usage))),
        list(parts.clients, (data) => [topClients(view, data)]),
        list(parts.endpoints, (data) => [topEndpoints(data)]),
        list(parts.alerts, (data) => alerts(data, state.zone)),
        list(parts.newest, (data) => newest(view, data)),
    ]);
}

export const overview: Page = {
    path: '/',
    title: 'Overview',
    group: 'Usage',
    icon: 'overview',
    live: true,
    closedOnly: false,
    presets: Object.keys(TIMEFRAMES),
    filters: { range: true, zone: true, organization: true },
    async render(view) {
        const parts = makeParts(view);
        let shown: Usage | null = null;
        const again = (): Promise<void> => load(parts, view, (usage) => (shown = usage));
        parts.chart.onPick((i) => {
            const point = shown?.timeSeries[i];
            if (point) {
                const date = dateIn(view.state.zone, Date.parse(point.timestamp));
                setState({ page: '/traffic', range: { preset: null, from: date, to: date } });
            }
        });
        view.exports(() => [seriesFile(() => shown)]);
        view.refresh(REFRESH_MS, again);
        await again();
    },
};

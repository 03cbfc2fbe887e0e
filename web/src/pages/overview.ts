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
import { emptyState } from '../status_view';
import { meter, table } from '../table';
import type { Cell } from '../xlsx';

interface Totals {
    totalRequests: number;
    failedRequests: number;
    p95Latency: number | null;
    dataTransferred: number;
    activeClients: number;
}
interface Client {
    organization: string;
    clientId: string;
    name: string;
}
interface TopClient extends Client {
    requests: number;
    failedRequests: number;
    share: number;
    p95Latency: number | null;
}
interface TopEndpoint {
    endpoint: string;
    requests: number;
    failedRequests: number;
    share: number;
    p95Latency: number | null;
}
interface Limit extends Client {
    metric: string;
    period: string;
    level: number;
    limit: number;
    value: number;
    from: string;
    to: string;
}
interface Alert {
    id: string;
    kind: string;
    message: string;
    clientId?: string | null;
    metric?: string;
    period?: string;
    limit?: number;
    value?: number;
    level?: number | null;
    createdAt: string;
}
interface Condition {
    type: string;
    subject: string;
    message: string;
    since: string;
}
interface Overview {
    window: { from: string; to: string };
    windowBefore: { from: string; to: string };
    usage: Totals;
    usageBefore: Totals;
    change: { totalRequests: number; failedRequests: number; dataTransferred: number; p95Latency: number | null };
    topClients: TopClient[];
    topEndpoints: TopEndpoint[];
    reachingLimits: Limit[];
    reachingLimitsCount: number;
    newestClients: {
        registered: (Client & { keyCreatedAt: string; requests: number })[];
        appeared: (Client & { requests: number })[];
        appearedCount: number;
    };
    alerts: { unread: number; newest: Alert[] };
    finality: { finalizedThrough: string | null; provisionalDays: string[] };
    health: { status: string; conditions: Condition[] } | null;
}
interface Point {
    timestamp: string;
    successfulRequests: number;
    failedRequests: number;
    requests: number;
    provisional?: boolean;
}
interface Usage {
    timeSeries: Point[];
    window: { from: string; to: string };
}
interface Account {
    organization: string;
    clientId?: string | null;
    plan: { title: string; name: string } | null;
    used: number;
    included: number | null;
    projected?: { used: number } | null;
}
interface Costs {
    month: string;
    entities: Account[];
}

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

// ---- lists ----

function of(view: View, client: Client): Child {
    const more = view.state.organization || !client.organization ? null : el('span', { class: 'faint' }, ` ${client.organization}`);
    return [el('span', {}, client.name || client.clientId), more];
}

function topClients(view: View, data: Overview): HTMLElement {
    const most = data.topClients[0]?.requests ?? 0;
    return table(
        'Top applications',
        [
            { key: 'client', label: 'Application', cell: (row) => of(view, row) },
            {
                key: 'requests',
                label: 'Requests',
                align: 'right',
                cell: (row) => meter(row.requests, most, format.count(row.requests)),
            },
            { key: 'share', label: 'Share', align: 'right', secondary: true, cell: (row) => format.percent(row.share / 100) },
            { key: 'failed', label: 'Failed', align: 'right', cell: (row) => format.share(row.failedRequests, row.requests) },
        ],
        data.topClients.slice(0, 6),
    );
}

function topEndpoints(data: Overview): HTMLElement {
    const most = data.topEndpoints[0]?.requests ?? 0;
    return table(
        'Top endpoints',
        [
            {
                key: 'endpoint',
                label: 'Endpoint',
                cell: (row) => el('a', { href: href({ page: '/endpoints', params: { endpoint: row.endpoint } }) }, row.endpoint),
            },
            {
                key: 'requests',
                label: 'Requests',
                align: 'right',
                cell: (row) => meter(row.requests, most, format.count(row.requests)),
            },
            { key: 'failed', label: 'Failed', align: 'right', cell: (row) => format.share(row.failedRequests, row.requests) },
            { key: 'p95', label: 'p95', align: 'right', secondary: true, cell: (row) => format.ms(row.p95Latency) },
        ],
        data.topEndpoints.slice(0, 6),
    );
}

// How much it will be at the end of the period if it goes on so; what was noticed is at least what there is now.
function pace(limit: Limit): number {
    const [from, to] = [Date.parse(limit.from), Date.parse(limit.to)];
    const elapsed = Math.max(0.02, Math.min(1, (Date.now() - from) / (to - from)));
    return limit.value / elapsed;
}

function quotaBadge(used: number, limit: number, expected: number): HTMLElement {
    return used >= limit
        ? el('span', { class: 'badge bad' }, 'Over')
        : expected > limit
          ? el('span', { class: 'badge warn' }, 'Will be over')
          : el('span', { class: 'badge' }, format.percent(used / limit, 0));
}

function quotaRow(name: Child, what: string, used: number, limit: number, expected: number): HTMLElement {
    return el(
        'li',
        {},
        el(
            'div',
            { class: 'grow' },
            el('div', {}, name),
            el(
                'div',
                { class: 'hint' },
                `${format.count(used)} of ${format.count(limit)} ${what}`,
                used < limit && expected > limit ? `, about ${format.compact(expected)} at its end` : null,
            ),
        ),
        meter(used, limit, '', used >= limit ? '--bad' : expected > limit ? '--warn' : '--accent'),
        quotaBadge(used, limit, expected),
    );
}

function quotas(view: View, data: Overview, costs: Costs | null): Child[] {
    const plans = (costs?.entities ?? [])
        .filter((each) => each.included && (each.projected?.used ?? each.used) >= each.included)
        .map((each) =>
            quotaRow(
                [
                    each.clientId ?? each.organization,
                    el('span', { class: 'faint' }, ` plan ${each.plan?.title || each.plan?.name || ''}`),
                ],
                'included this month',
                each.used,
                each.included ?? 0,
                each.projected?.used ?? each.used,
            ),
        );
    const limits = data.reachingLimits.map((each) =>
        quotaRow(
            of(view, each),
            `${each.metric === 'hits' ? 'requests' : each.metric} this ${each.period}`,
            each.value,
            each.limit,
            pace(each),
        ),
    );
    return [...plans, ...limits].length
        ? [el('ul', { class: 'list' }, plans, limits)]
        : [emptyState('No limit is near', 'Limits and plans appear here from their first alert level on.')];
}

function newest(view: View, data: Overview): Child[] {
    const { registered, appeared } = data.newestClients;
    const known = new Set(registered.map((each) => each.clientId));
    const row = (client: Client & { requests: number }, note: string): HTMLElement =>
        el(
            'li',
            {},
            el('div', { class: 'grow' }, el('div', {}, of(view, client)), el('div', { class: 'hint' }, note)),
            el('span', {}, format.plural(client.requests, 'request')),
        );
    const rows = [
        ...appeared.filter((each) => !known.has(each.clientId)).map((each) => row(each, 'First requests in this period')),
        ...registered.map((each) => row(each, `Key made ${format.ago(each.keyCreatedAt)}`)),
    ].slice(0, 6);
    return rows.length
        ? [el('ul', { class: 'list' }, rows)]
        : [emptyState('No new applications', 'None was registered, and all that made requests did so before.')];
}

function alertText(alert: Alert): string {
    if (alert.kind === 'system' || !alert.clientId || !alert.limit) {
        return alert.message;
    }
    const what = alert.metric === 'hits' ? 'requests' : `requests of ${alert.metric}`;
    return `${alert.clientId}: ${format.count(alert.value)} of ${format.count(alert.limit)} ${what} a ${alert.period}`;
}

function alerts(data: Overview, zone: string): Child[] {
    const kind = (alert: Alert): HTMLElement =>
        el(
            'span',
            { class: ['badge', alert.kind === 'alert' ? 'warn' : 'bad'] },
            alert.kind === 'system' ? 'System' : format.percent((alert.level ?? 0) / 100, 0),
        );
    const rows = data.alerts.newest.map((alert) =>
        el(
            'li',
            {},
            el(
                'div',
                { class: 'grow' },
                el('div', {}, alertText(alert)),
                el('div', { class: 'hint', title: format.time(alert.createdAt, zone, 'full') }, format.ago(alert.createdAt)),
            ),
            kind(alert),
        ),
    );
    return rows.length
        ? [el('ul', { class: 'list' }, rows)]
        : [emptyState('No unread alerts', 'Limits, plans and the system itself raise alerts.')];
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
    newest: Card;
}

const QUOTAS = 'Limits of which an alert level was reached, and plans whose requests of this month are used up or will be.';

function makeParts(root: HTMLElement): Parts {
    const parts = {
        head: el('div', { class: 'notices' }),
        numbers: figures(),
        chart: barChart('Requests over time'),
        series: card('Requests over time', { wide: true, height: 300 }),
        clients: card('Top applications', { height: 280 }),
        endpoints: card('Top endpoints', { height: 280 }),
        quotas: card('Limits and quotas', { info: QUOTAS, height: 200 }),
        alerts: card('Unread alerts', { height: 200 }),
        newest: card('Newest applications', { wide: true, height: 160 }),
    };
    const { clients, endpoints, quotas: limits, alerts: unread, newest: fresh } = parts;
    const grid = [clients, endpoints, limits, unread, fresh].map((each) => each.root);
    root.append(parts.head, parts.numbers.root, parts.series.root, el('div', { class: 'grid even' }, grid));
    parts.series.setChart(parts.chart);
    clients.setTotal(el('a', { href: href({ page: '/top' }) }, 'All'));
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
        includeEndpoints: false,
        includeErrors: false,
        includeLatency: false,
        limit: 1,
    };
    return {
        overview: shared(() => get<Overview>('/api/v2/usage/overview', asked, view.signal)),
        usage: () => get<Usage>('/v1/developer/usage', { ...asked, ...series }, view.signal),
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
        const parts = makeParts(view.root);
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

// The lists of the overview, and what the server answers for it.
import { el, type Child } from '../dom';
import * as format from '../format';
import type { View } from '../page';
import { href } from '../state';
import { emptyState } from '../status_view';
import { byNumber, meter, table, type Column } from '../table';

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
export interface Overview {
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
export interface Point {
    timestamp: string;
    successfulRequests: number;
    failedRequests: number;
    requests: number;
    provisional?: boolean;
}
interface Failing {
    endpoint: string;
    requests: number;
    failedRequests: number;
}
export interface Usage {
    timeSeries: Point[];
    window: { from: string; to: string };
    breakdown: { byEndpoint: Failing[] }; // those that failed most
}
interface Account {
    organization: string;
    clientId?: string | null;
    clientName?: string;
    plan: { title: string; name: string } | null;
    used: number;
    included: number | null;
    projected?: { used: number } | null;
}
export interface Costs {
    month: string;
    entities: Account[];
}

// Whose token is for one client sees no others, so there is nothing to go to.
function clientLink(view: View, { organization, clientId, name }: Client): Child {
    if (view.session.client) {
        return name || clientId;
    }
    const org = view.session.organization ? undefined : organization;
    return el('a', { href: href({ page: '/top', organization: org, params: { client: clientId } }) }, name || clientId);
}

function of(view: View, client: Client): Child {
    const isOne = view.state.organization || view.session.organization || !client.organization;
    return [clientLink(view, client), isOne ? null : el('span', { class: 'faint' }, ` ${client.organization}`)];
}

export function topClients(view: View, data: Overview): HTMLElement {
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

export function topEndpoints(data: Overview): HTMLElement {
    const most = data.topEndpoints[0]?.requests ?? 0;
    return table(
        'Top endpoints',
        [
            {
                key: 'endpoint',
                label: 'Endpoint',
                cell: (row) => endpointLink(row.endpoint),
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

function endpointLink(endpoint: string): HTMLElement {
    return el('a', { href: href({ page: '/endpoints', params: { endpoint } }) }, endpoint);
}

export function failing(usage: Usage): Child[] {
    const rows = usage.breakdown.byEndpoint.filter((row) => row.failedRequests > 0);
    if (!rows.length) {
        return [emptyState('Nothing failed', 'No request of this period was answered with 400 or more.')];
    }
    const most = rows[0]?.failedRequests ?? 0;
    const columns: Column<Failing>[] = [
        { key: 'endpoint', label: 'Endpoint', cell: (row) => endpointLink(row.endpoint) },
        {
            key: 'failed',
            label: 'Failed',
            align: 'right',
            sort: byNumber((row) => row.failedRequests),
            cell: (row) => meter(row.failedRequests, most, format.count(row.failedRequests), '--status-500'),
        },
        {
            key: 'share',
            label: 'Of its requests',
            align: 'right',
            sort: byNumber((row) => row.failedRequests / row.requests),
            cell: (row) => format.share(row.failedRequests, row.requests),
        },
    ];
    return [table('Failing endpoints', columns, rows, { sortBy: 'failed', descending: true })];
}

// How much it will be at the end of the period if it goes on so; what was noticed is at least what there is now.
function pace(limit: Limit): number {
    const [from, to] = [Date.parse(limit.from), Date.parse(limit.to)];
    const elapsed = Math.max(0.02, Math.min(1, (Date.now() - from) / (to - from)));
    return limit.value / elapsed;
}

function quotaBadge(used: number, limit: number, expected: number): HTMLElement {
    return used > limit
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

export function quotas(view: View, data: Overview, costs: Costs | null): Child[] {
    const plans = (costs?.entities ?? [])
        .filter((each) => each.included && (each.projected?.used ?? each.used) >= each.included)
        .map((each) =>
            quotaRow(
                [
                    el('a', { href: href({ page: '/costs' }) }, each.clientName || (each.clientId ?? each.organization)),
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

export function newest(view: View, data: Overview): Child[] {
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

export function alerts(data: Overview, zone: string): Child[] {
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
                el('a', { href: href({ page: '/alerts', params: { alert: alert.id } }) }, alertText(alert)),
                el('div', { class: 'hint', title: format.time(alert.createdAt, zone, 'full') }, format.ago(alert.createdAt)),
            ),
            kind(alert),
        ),
    );
    return rows.length
        ? [el('ul', { class: 'list' }, rows)]
        : [emptyState('No unread alerts', 'Limits, plans and the system itself raise alerts.')];
}

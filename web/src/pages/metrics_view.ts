// How the page of one endpoint shows what was found.
import type { Chart } from '../chart';
import { el } from '../dom';
import * as format from '../format';
import type { View } from '../page';
import { href } from '../state';
import { stat, stats } from '../stat';
import { codeMeaning, statusOf } from '../statuses';
import { byNumber, byText, meter, table, type Column } from '../table';
import { allCodes, rates } from './metrics_data';
import { pointNames, type Caller, type CodeCount, type Usage, type UsagePoint } from './usage_window';

export function figures(): { root: HTMLElement; show(found: Usage): void; clear(): void } {
    const requests = stat('Requests');
    const failed = stat('Failed requests', 'Answers of 400 and more');
    const rate = stat('Requests a minute', 'On average');
    const p95 = stat('p95 latency', '95 of 100 requests were answered within this time');
    const data = stat('Data transferred');
    const all = [requests, failed, rate, p95, data];
    return {
        root: stats(...all),
        clear: () => all.forEach((each) => each.set(format.NOTHING)),
        show({ usage, latency }) {
            const any = usage.totalRequests > 0;
            const perMinute = usage.requestsPerMinute;
            requests.set(format.count(usage.totalRequests));
            failed.set([
                format.count(usage.failedRequests),
                el('span', { class: 'stat-side' }, any ? format.share(usage.failedRequests, usage.totalRequests) : ''),
            ]);
            rate.set(format.decimal(perMinute, perMinute < 10 ? 2 : 0), {
                note: `at most ${format.count(usage.peakRequestsPerHour)} an hour`,
            });
            p95.set(any ? format.ms(latency.p95) : format.NOTHING, {
                note: any ? `average: ${format.ms(usage.averageLatency)}` : '',
                title: `Longest: ${format.ms(usage.peakLatency)}`,
            });
            data.set(format.bytes(usage.dataTransferred));
        },
    };
}

export function showRequests(chart: Chart, points: UsagePoint[], zone: string, hourly: boolean): void {
    const provisional = points.map((point) => point.provisional);
    chart.update({
        ...pointNames(points, zone, hourly),
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
    });
}

function perMinute(n: number): string {
    return format.decimal(n, n < 1 ? 3 : n < 100 ? 1 : 0);
}

export function showRate(chart: Chart, found: Usage, zone: string, hourly: boolean): void {
    const points = found.timeSeries;
    chart.update({
        ...pointNames(points, zone, hourly),
        series: [
            {
                name: 'Requests a minute',
                color: '--series-1',
                values: rates(found),
                provisional: points.map((point) => point.provisional),
            },
        ],
        unit: perMinute,
    });
}

const FAILED = 400;

// What the chart of codes shows: beside successes failures can hardly be seen, so they are shown alone, too.
export function chartCodes(found: Usage, failedOnly: boolean): CodeCount[] {
    return allCodes(found.breakdown.byStatusCode).filter((each) => !failedOnly || each.statusCode >= FAILED);
}

export function showCodes(chart: Chart, found: Usage, failedOnly: boolean): void {
    const list = chartCodes(found, failedOnly);
    const all = found.usage.totalRequests;
    chart.update({
        labels: list.map((each) => String(each.statusCode)),
        titles: list.map((each) => `${each.statusCode} ${codeMeaning(each.statusCode)}`),
        series: [{ name: 'Requests', values: list.map((each) => each.requests) }],
        colors: list.map((each) => statusOf(each.statusCode).color),
        details: (i) => [['Share of all', format.share(list[i]?.requests ?? 0, all)]],
    });
}

export function codesTable(found: Usage, zone: string): HTMLElement {
    const list = allCodes(found.breakdown.byStatusCode);
    const all = found.usage.totalRequests;
    const most = Math.max(...list.map((each) => each.requests));
    const columns: Column<CodeCount>[] = [
        {
            key: 'code',
            label: 'Code',
            sort: byNumber((row) => row.statusCode),
            cell: (row) => el('a', { href: href({ page: '/codes', params: { code: String(row.statusCode) } }) }, row.statusCode),
        },
        { key: 'meaning', label: 'Meaning', cell: (row) => codeMeaning(row.statusCode) },
        {
            key: 'requests',
            label: 'Requests',
            align: 'right',
            sort: byNumber((row) => row.requests),
            cell: (row) => meter(row.requests, most, format.count(row.requests), statusOf(row.statusCode).color),
        },
        {
            key: 'share',
            label: 'Share',
            align: 'right',
            hint: 'Of the requests of this endpoint',
            cell: (row) => format.share(row.requests, all),
        },
        {
            key: 'seen',
            label: 'Last seen',
            align: 'right',
            secondary: true,
            hint: 'The quarter of an hour in which it was counted last',
            sort: byNumber((row) => (row.lastSeen ? Date.parse(row.lastSeen) : null)),
            cell: (row) => (row.lastSeen ? format.time(row.lastSeen, zone, 'short') : format.NOTHING),
        },
    ];
    return table('Status codes', columns, list);
}

export function callersTable(view: View, callers: Caller[]): HTMLElement {
    const most = Math.max(...callers.map((each) => each.requests));
    const columns: Column<Caller>[] = [
        {
            key: 'application',
            label: 'Application',
            sort: byText((row) => row.keyId),
            cell: (row) => {
                if (view.session.client) {
                    return row.keyId;
                }
                const organization = view.session.organization ? undefined : row.organization;
                const whose = organization && !view.state.organization ? el('span', { class: 'faint' }, ` ${organization}`) : null;
                return [el('a', { href: href({ page: '/top', organization, params: { client: row.keyId } }) }, row.keyId), whose];
            },
        },
        {
            key: 'requests',
            label: 'Requests',
            align: 'right',
            sort: byNumber((row) => row.requests),
            cell: (row) => meter(row.requests, most, format.count(row.requests)),
        },
        {
            key: 'failed',
            label: 'Failed',
            align: 'right',
            sort: byNumber((row) => row.failedRequests / row.requests),
            cell: (row) => format.share(row.failedRequests, row.requests),
        },
        {
            key: 'latency',
            label: 'Average latency',
            align: 'right',
            secondary: true,
            sort: byNumber((row) => row.averageLatency),
            cell: (row) => format.ms(row.averageLatency),
        },
    ];
    return table('Applications', columns, callers, { sortBy: 'requests', descending: true });
}

// How the page of one endpoint shows what was found.
import type { Chart } from '../chart';
import { el } from '../dom';
import * as format from '../format';
import type { View } from '../page';
import { href } from '../state';
import { stat, stats } from '../stat';
import { codeMeaning, statusOf } from '../statuses';
import { byNumber, byText, meter, table, type Column } from '../table';
import { allCodes, rates, type Figures, type Found } from './metrics_data';
import { pointNames, type Caller, type CodeCount } from './usage_window';

const NOT_ADDED_UP = 'Percentiles cannot be added up: see those of each point';

export function figures(): { root: HTMLElement; show(found: Figures): void; clear(): void } {
    const requests = stat('Requests');
    const failed = stat('Failed requests', 'Answers of 400 and more');
    const rate = stat('Requests a minute', 'On average');
    const p95 = stat('p95 latency', '95 of 100 requests were answered within this time');
    const data = stat('Data transferred');
    const all = [requests, failed, rate, p95, data];
    return {
        root: stats(...all),
        clear: () => all.forEach((each) => each.set(format.NOTHING)),
        show(found) {
            const any = found.requests > 0;
            const peak = found.peakPerHour;
            requests.set(format.count(found.requests));
            failed.set([
                format.count(found.failed),
                el('span', { class: 'stat-side' }, any ? format.share(found.failed, found.requests) : ''),
            ]);
            rate.set(format.decimal(found.perMinute, found.perMinute < 10 ? 2 : 0), {
                note: peak === null ? '' : `at most ${format.count(peak)} an hour`,
            });
            p95.set(any && found.latency ? format.ms(found.latency.p95) : format.NOTHING, {
                note: any ? `average: ${format.ms(found.average)}` : '',
                title: found.latency ? `Longest: ${format.ms(found.peak)}` : NOT_ADDED_UP,
            });
            data.set(format.bytes(found.data));
        },
    };
}

export function showRequests(chart: Chart, found: Found, zone: string): void {
    const { points, window } = found;
    const provisional = points.map((point) => point.provisional);
    chart.update({
        ...pointNames(points, zone, window.granularity === 'hour'),
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

export function showRate(chart: Chart, found: Found, zone: string): void {
    const { points, window } = found;
    chart.update({
        ...pointNames(points, zone, window.granularity === 'hour'),
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
export function chartCodes(found: Found, failedOnly: boolean): CodeCount[] {
    return allCodes(found.codes).filter((each) => !failedOnly || each.statusCode >= FAILED);
}

export function showCodes(chart: Chart, found: Found, failedOnly: boolean): void {
    const list = chartCodes(found, failedOnly);
    const all = found.codes.reduce((sum, each) => sum + each.requests, 0);
    chart.update({
        labels: list.map((each) => String(each.statusCode)),
        titles: list.map((each) => `${each.statusCode} ${codeMeaning(each.statusCode)}`),
        series: [{ name: 'Requests', values: list.map((each) => each.requests) }],
        colors: list.map((each) => statusOf(each.statusCode).color),
        details: (i) => [['Share of all', format.share(list[i]?.requests ?? 0, all)]],
    });
}

export function codesTable(found: Found, zone: string): HTMLElement {
    const list = allCodes(found.codes);
    const all = list.reduce((sum, each) => sum + each.requests, 0);
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
    ];
    if (list.some((row) => row.lastSeen)) {
        columns.push({
            key: 'seen',
            label: 'Last seen',
            align: 'right',
            secondary: true,
            hint: 'The quarter of an hour in which it was counted last',
            sort: byNumber((row) => (row.lastSeen ? Date.parse(row.lastSeen) : null)),
            cell: (row) => (row.lastSeen ? format.time(row.lastSeen, zone, 'short') : format.NOTHING),
        });
    }
    return table('Status codes', columns, list);
}

export function callersTable(view: View, found: Found): HTMLElement {
    const most = Math.max(...found.callers.map((each) => each.requests));
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
    return table('Applications', columns, found.callers, { sortBy: 'requests', descending: true });
}

// One application on the page of the top ones: its requests over time, its metrics, its response codes.
import { get, shared } from '../api';
import { card } from '../card';
import { barChart } from '../chart';
import { el, keep, replace, type Child } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import { iconButton } from '../icon';
import type { View } from '../page';
import { href, setState } from '../state';
import { statsPath } from '../stats';
import { codeMeaning, statusOf } from '../statuses';
import { byNumber, meter, table } from '../table';
import { axis, datesQuery, seriesPoints, seriesQuery, type SeriesPoint, type StatsSeries } from './series';

interface Metric {
    name: string;
    system_name: string;
    data: { total: number; previous_total?: number; change?: number };
}
interface Code {
    code: string;
    total: number;
}
interface Summary {
    application: { name: string; plan: { id: string; name: string }; account: { id: string; name: string } };
    metrics: Metric[];
    response_codes: Code[];
}

export interface Details {
    root: HTMLElement;
    load(): Promise<void>;
    files(): ExportFile[];
}

function metrics(data: Summary): Child {
    const most = data.metrics[0]?.data.total ?? 0;
    return table(
        'Requests by metric',
        [
            { key: 'metric', label: 'Metric', cell: (row) => row.name },
            {
                key: 'total',
                label: 'Requests',
                align: 'right',
                sort: byNumber((row) => row.data.total),
                cell: (row) => meter(row.data.total, most, format.count(row.data.total)),
            },
            {
                key: 'change',
                label: 'Change',
                align: 'right',
                hint: 'Against as many days just before',
                sort: byNumber((row) => row.data.change),
                cell: (row) => (row.data.previous_total ? format.change(row.data.change) : format.NOTHING),
            },
        ],
        data.metrics,
    );
}

function codes(client: string, data: Summary): Child {
    const all = data.response_codes.reduce((sum, each) => sum + each.total, 0);
    const most = Math.max(...data.response_codes.map((each) => each.total));
    return table(
        'Requests by response code',
        [
            {
                key: 'code',
                label: 'Response code',
                sort: byNumber((row) => Number(row.code)),
                cell: ({ code }) =>
                    el('a', { href: href({ page: '/codes', params: { code, client } }) }, `${code} ${codeMeaning(code)}`),
            },
            {
                key: 'total',
                label: 'Requests',
                align: 'right',
                sort: byNumber((row) => row.total),
                cell: (row) => meter(row.total, most, format.count(row.total), statusOf(row.code).color),
            },
            { key: 'share', label: 'Share', align: 'right', cell: (row) => format.share(row.total, all) },
        ],
        data.response_codes,
    );
}

function about(client: string, { application: { account, plan } }: Summary): string {
    return [client, account.name || account.id, plan.name && `plan ${plan.name}`].filter(Boolean).join(' · ');
}

export function clientDetails(view: View, client: string, metric: string): Details {
    const { signal, state } = view;
    const chart = barChart(`Requests of ${client} over time`);
    const time = card('Requests over time', { wide: true, empty: 'It made no such request on these dates' });
    const summary = card('Metrics', { height: 200 });
    const answers = card('Response codes', { height: 200, empty: 'It made no request on these dates' });
    let shown: { series: StatsSeries; points: SeriesPoint[] } | null = null;
    let sums: Summary | null = null;
    time.setChart(chart);
    chart.onPick((i) => {
        const range = shown?.points[i]?.range;
        if (range && range.from !== state.range.from) {
            setState({ range });
        }
    });
    const close = iconButton(`Close ${client}`, 'close', () => setState({ params: { client: null } }), { title: 'Close' });
    const name = el('h2', {}, client);
    const heading = el('div', { class: 'row between' }, name, close);
    const root = el(
        'section',
        { class: 'page', 'aria-label': `Application ${client}`, style: { width: '100%' } },
        heading,
        el('div', { class: 'grid' }, time.root, summary.root, answers.root),
    );
    const showTime = (series: StatsSeries, body: HTMLElement): void => {
        const points = seriesPoints(series, state.zone);
        shown = { series, points };
        const provisional = points.map((point) => point.provisional);
        time.setTotal(format.plural(series.total, 'request'));
        keep(body, chart.root);
        chart.update({ ...axis(points), series: [{ name: 'Requests', color: '--series-1', values: series.values, provisional }] });
    };
    const load = async (): Promise<void> => {
        const usage = { ...seriesQuery(state), metric_name: metric };
        const asked = shared(async () => {
            const query = { ...datesQuery(state), skip_change: false };
            const data = await get<Summary>(statsPath(view, 'summary', client), query, signal);
            sums = data;
            name.textContent = data.application.name || client;
            time.setSubtitle(about(client, data));
            return data;
        });
        await Promise.all([
            time.load(signal, () => get<StatsSeries>(statsPath(view, 'usage', client), usage, signal), showTime),
            summary.load(signal, asked, (data, body) => replace(body, metrics(data))),
            answers.load(signal, asked, (data, body) => replace(body, codes(client, data)), (data) => !data.response_codes.length),
        ]);
    };
    const files = (): ExportFile[] => [
        rowsFile(`${client}-requests`, `${client}: requests over time`, () => ({
            columns: ['time', 'application', 'metric', 'requests', 'provisional'],
            rows: (shown?.points ?? []).map((point, i) => [
                point.stamp,
                client,
                metric,
                shown?.series.values[i],
                point.provisional,
            ]),
        })),
        rowsFile(`${client}-codes`, `${client}: response codes`, () => ({
            columns: ['application', 'code', 'meaning', 'requests'],
            rows: (sums?.response_codes ?? []).map((each) => [client, each.code, codeMeaning(each.code), each.total]),
        })),
    ];
    return { root, load, files };
}

// Who makes the most requests, of all or of one method; and what one of them requests, when it is chosen.
import { get } from '../api';
import { card, type Card } from '../card';
import { barChart, type Chart } from '../chart';
import { el, keep, replace, type Child } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import type { Page, View } from '../page';
import { setState } from '../state';
import { HITS, loadMetrics, metricChoice, statsPath } from '../stats';
import { emptyState } from '../status_view';
import { byNumber, byText, meter, table, type Column } from '../table';
import { reveal } from './reveal';
import { datesQuery, type StatsSeries } from './series';
import { together } from './together';
import { clientDetails } from './top_client';

interface Application {
    id: string;
    name: string;
    value: number;
    plan: { id: string; name: string };
    account: { id: string; name: string };
}
interface Answer {
    applications: Application[];
    metric: { name: string };
    provisional: boolean;
    total: number; // of all applications
}

const REFRESH_MS = 10_000;
const BAR_PX = 42; // as a row of the table beside it
const AXIS_PX = 30;
const SHOWN_MAX = 10;

function pick(application: Application | undefined): void {
    if (application) {
        setState({ params: { client: application.id } });
    }
}

function columns(view: View, most: number, total: number): Column<Application>[] {
    const list: Column<Application>[] = [
        { key: 'name', label: 'Application', sort: byText((row) => row.name || row.id), cell: (row) => row.name || row.id },
        {
            key: 'requests',
            label: 'Requests',
            align: 'right',
            sort: byNumber((row) => row.value),
            cell: (row) => meter(row.value, most, format.count(row.value)),
        },
        {
            key: 'share',
            label: 'Share',
            align: 'right',
            hint: 'Of all requests here',
            cell: (row) => format.share(row.value, total),
        },
    ];
    if (!view.state.organization && !view.session.organization) {
        list.splice(1, 0, {
            key: 'organization',
            label: 'Organization',
            secondary: true,
            sort: byText((row) => row.account.name || row.account.id),
            cell: (row) => row.account.name || row.account.id,
        });
    }
    return list;
}

function showChart(chart: Chart, data: Answer): void {
    chart.setHeight(data.applications.length * BAR_PX + AXIS_PX);
    chart.update({
        labels: data.applications.map((each) => each.name || each.id),
        titles: data.applications.map((each) => [each.name || each.id, each.account.id].filter(Boolean).join(' · ')),
        series: [{ name: data.metric.name, color: '--series-1', values: data.applications.map((each) => each.value) }],
        details: (i) => [['Share of all', format.share(data.applications[i]?.value ?? 0, data.total)]],
    });
}

function files(data: () => Answer | null): ExportFile[] {
    return [
        rowsFile('top-applications', 'Top applications', () => ({
            columns: ['rank', 'application', 'name', 'organization', 'metric', 'requests', 'share'],
            rows: (data()?.applications ?? []).map((each, i) => [
                i + 1,
                each.id,
                each.name,
                each.account.id,
                data()?.metric.name,
                each.value,
                data()?.total ? each.value / data()!.total : null,
            ]),
        })),
    ];
}

function subtitle(view: View, data: Answer): Child {
    const { range, zone } = view.state;
    return [format.dayRange(range.from, range.to), ' · ', zone, data.provisional ? ' · provisional' : ''];
}

async function ask(view: View, metric: string): Promise<Answer> {
    const query = { ...datesQuery(view.state), metric_name: metric };
    const [top, all] = await Promise.all([
        get<Answer>(statsPath(view, 'top_applications'), query, view.signal),
        get<StatsSeries>(statsPath(view, 'usage'), { ...query, granularity: 'eternity' }, view.signal),
    ]);
    return { ...top, total: all.total };
}

function show(view: View, data: Answer, parts: { ranking: Card; numbers: Card; chart: Chart }, body: HTMLElement): void {
    const listed = data.applications.reduce((sum, each) => sum + each.value, 0);
    const rest = data.total - listed;
    const others = rest > 0 ? `${format.count(rest)} more requests by others (${format.share(rest, data.total)})` : null;
    parts.ranking.setSubtitle(subtitle(view, data));
    parts.ranking.setTotal(format.plural(data.total, 'request'));
    const list = table('Top applications', columns(view, data.applications[0]?.value ?? 0, data.total), data.applications, {
        onPick: pick,
    });
    replace(body, list, others && el('p', { class: 'hint' }, others));
}

function makeControls(view: View, metric: string): HTMLElement {
    const controls = el('div', { class: 'row', role: 'group', 'aria-label': 'What is counted' });
    const choose = (name: string): void => setState({ params: { metric: name === HITS.name ? null : name } });
    controls.append(metricChoice([HITS], metric, choose));
    void loadMetrics(view).then((metrics) => view.signal.aborted || replace(controls, metricChoice(metrics, metric, choose)));
    return controls;
}

export const top: Page = {
    path: '/top',
    title: 'Top applications',
    group: 'Usage',
    icon: 'top',
    live: true,
    closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    offered: ({ client }) => !client,
    async render(view) {
        const { root, session, signal, state } = view;
        if (session.client) {
            root.append(emptyState('Not permitted', 'This token is for one application, and sees no others.'));
            return;
        }
        const metric = state.params.get('metric') ?? HITS.name;
        const client = state.params.get('client');
        const chart = barChart('Requests by application', { horizontal: true, height: SHOWN_MAX * BAR_PX + AXIS_PX });
        const empty = 'No application made such a request on these dates';
        const parts = {
            chart,
            ranking: card('Most active applications', { height: 370, empty }),
            numbers: card('Numbers', { height: 370, empty, subtitle: 'Choose one to see what it requests' }),
        };
        parts.ranking.setChart(chart);
        const details = client ? clientDetails(view, client, metric) : null;
        const grid = el('div', { class: 'grid even' }, parts.ranking.root, parts.numbers.root);
        root.append(makeControls(view, metric), grid, ...(details ? [details.root] : []));
        reveal(client && `client ${client}`, details?.root);
        let shown: Answer | null = null;
        chart.onPick((i) => pick(shown?.applications[i]));
        view.exports(() => [...files(() => shown), ...(details?.files() ?? [])]);
        const again = async (): Promise<void> => {
            const asked = together(() => ask(view, metric), again);
            const isEmpty = (data: Answer): boolean => !data.applications.length;
            await Promise.all([
                parts.ranking.load(
                    signal,
                    asked,
                    (data, body) => {
                        shown = data;
                        keep(body, chart.root);
                        showChart(chart, data);
                    },
                    isEmpty,
                ),
                parts.numbers.load(signal, asked, (data, body) => show(view, data, parts, body), isEmpty),
                details?.load(),
            ]);
        };
        view.refresh(REFRESH_MS, again);
        await again();
    },
};

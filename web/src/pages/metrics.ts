// One endpoint, or one method, chosen from a list that can be searched: usage by status code, request rate, latency.
import { get } from '../api';
import { card, type Card } from '../card';
import { barChart, lineChart, type Chart } from '../chart';
import { choice } from '../choice';
import { el, keep, replace } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import type { Page, View } from '../page';
import { setState } from '../state';
import { HITS, loadMetrics, type Metric } from '../stats';
import { emptyState, errorState, skeleton } from '../status_view';
import { codeMeaning } from '../statuses';
import { segmented } from '../tabs';
import { latencyFile, showLatency } from './latency';
import { allCodes, askEndpoint, rates } from './metrics_data';
import { callersTable, chartCodes, codesTable, figures, showCodes, showRate, showRequests } from './metrics_view';
import { together } from './together';
import { isHourly, PERCENTILES, pointDate, type Usage, type UsagePoint } from './usage_window';

const REFRESH_MS = 10_000;
const ENDPOINTS_MAX = 1000;
const FAILED = 'failed';

function isFailedOnly(view: View): boolean {
    return view.state.params.get('codes') === FAILED;
}

interface Choices {
    endpoints: string[]; // most requests first
    methods: Metric[];
}

async function askChoices(view: View): Promise<Choices> {
    const { organization } = view.state;
    const query = { timeframe: '90d', granularity: 'month', organization, limit: ENDPOINTS_MAX, includeErrors: false };
    const [usage, metrics] = await Promise.all([
        get<Usage>('/v1/developer/usage', query, view.signal),
        loadMetrics(view),
    ]);
    return {
        endpoints: (usage.breakdown.byEndpoint ?? []).map((each) => each.endpoint),
        methods: metrics.filter((metric) => metric.name !== HITS.name),
    };
}

function chooser({ endpoints, methods }: Choices, chosen: string): HTMLElement {
    const titles = methods.map((each): [string, string] => [each.name, `${each.title} (method)`]);
    const names = new Map(titles);
    return choice({
        label: 'Endpoint',
        icon: 'metrics',
        shown: names.get(chosen) ?? chosen,
        items: [...new Set([...methods.map((each) => each.name), ...endpoints, chosen])],
        chosen,
        search: { names, placeholder: 'Search endpoints and methods' },
        begin: true,
        hint: `${format.plural(endpoints.length, 'endpoint')} of the last 90 days, and ${format.plural(methods.length, 'method')}`,
        onChange: (endpoint) => setState({ params: { endpoint } }),
    });
}

// ---- the cards ----

interface Parts {
    numbers: ReturnType<typeof figures>;
    requests: Card;
    requestsChart: Chart;
    codes: Card;
    codesChart: Chart;
    codesList: Card;
    rate: Card;
    rateChart: Chart;
    latency: Card;
    latencyChart: Chart;
    callers: Card;
}

function makeParts(view: View): Parts {
    const { root, state } = view;
    const empty = 'It was not requested on these dates';
    const parts: Parts = {
        numbers: figures(),
        requestsChart: barChart('Requests of the endpoint over time'),
        requests: card('Requests', { height: 300, empty }),
        rateChart: lineChart('Request rate', { area: true }),
        rate: card('Request rate', { height: 300, empty, info: 'Requests a minute, on average over each point' }),
        codesChart: barChart('Usage by status code', { height: 280 }),
        codes: card('Usage by status code', { wide: true, height: 320, empty }),
        codesList: card('Status codes', { height: 320, empty }),
        latencyChart: lineChart('Latency of the endpoint', { height: 280 }),
        latency: card('Latency', { wide: true, height: 320, empty, info: PERCENTILES }),
        callers: card('Applications', { height: 320, empty }),
    };
    parts.requests.setChart(parts.requestsChart);
    parts.rate.setChart(parts.rateChart);
    parts.codes.setChart(parts.codesChart);
    const which = [
        { id: 'all', label: 'All' },
        { id: FAILED, label: 'Failed only' },
    ];
    const chosen = isFailedOnly(view) ? FAILED : 'all';
    parts.codes.setTotal(segmented('Codes', which, chosen, (id) => setState({ params: { codes: id === FAILED ? id : null } })));
    parts.latency.setChart(parts.latencyChart);
    const cards = [parts.codes, parts.requests, parts.rate, parts.latency, parts.codesList, parts.callers];
    cards.forEach((each) => each.setSubtitle(format.dayRange(state.range.from, state.range.to)));
    root.append(
        parts.numbers.root,
        el(
            'div',
            { class: 'grid even' },
            cards.map((each) => each.root),
        ),
    );
    return parts;
}

async function load(view: View, parts: Parts, asked: () => Promise<Usage>): Promise<void> {
    const { signal, state } = view;
    const hourly = isHourly(state.range);
    const none = (found: Usage): boolean => !found.usage.totalRequests;
    const draw = (into: Card, chart: Chart, show: (found: Usage) => void): Promise<void> =>
        into.load(
            signal,
            asked,
            (found, body) => {
                keep(body, chart.root);
                show(found);
            },
            none,
        );
    await Promise.all([
        draw(parts.requests, parts.requestsChart, (found) =>
            showRequests(parts.requestsChart, found.timeSeries, state.zone, hourly),
        ),
        draw(parts.rate, parts.rateChart, (found) => showRate(parts.rateChart, found, state.zone, hourly)),
        draw(parts.codes, parts.codesChart, (found) => showCodes(parts.codesChart, found, isFailedOnly(view))),
        draw(parts.latency, parts.latencyChart, (found) =>
            showLatency(parts.latencyChart, found.timeSeries, state.zone, hourly),
        ),
        parts.codesList.load(signal, asked, (found, body) => replace(body, codesTable(found, state.zone)), none),
        parts.callers.load(signal, asked, (found, body) => replace(body, callersTable(view, found.breakdown.byKey)), none),
        asked().catch(() => parts.numbers.clear()), // the cards say why
    ]);
}

function files(endpoint: string, found: () => Usage | null): ExportFile[] {
    const points = (): UsagePoint[] => found()?.timeSeries ?? [];
    return [
        rowsFile('status-codes', 'Usage by status code', () => ({
            columns: ['endpoint', 'code', 'meaning', 'requests'],
            rows: allCodes(found()?.breakdown.byStatusCode ?? []).map((each) => [
                endpoint,
                each.statusCode,
                codeMeaning(each.statusCode),
                each.requests,
            ]),
        })),
        rowsFile('requests', 'Requests and rate over time', () => {
            const perMinute = found() ? rates(found()!) : [];
            return {
                columns: ['timestamp', 'endpoint', 'requests', 'successful', 'failed', 'perMinute', 'provisional'],
                rows: points().map((each, i) => [
                    each.timestamp,
                    endpoint,
                    each.requests,
                    each.successfulRequests,
                    each.failedRequests,
                    perMinute[i],
                    each.provisional,
                ]),
            };
        }),
        latencyFile('latency', points),
        rowsFile('applications', 'Applications', () => ({
            columns: ['endpoint', 'application', 'organization', 'requests', 'failed', 'averageLatency'],
            rows: (found()?.breakdown.byKey ?? []).map((each) => [
                endpoint,
                each.keyId,
                each.organization,
                each.requests,
                each.failedRequests,
                each.averageLatency,
            ]),
        })),
    ];
}

function drillDown(view: View, parts: Parts, found: () => Usage | null): void {
    const toDay = (i: number): void => {
        const point = found()?.timeSeries[i];
        const date = point && pointDate(point, view.state.zone);
        if (date && (date !== view.state.range.from || date !== view.state.range.to)) {
            setState({ range: { preset: null, from: date, to: date } });
        }
    };
    [parts.requestsChart, parts.rateChart, parts.latencyChart].forEach((chart) => chart.onPick(toDay));
    parts.codesChart.onPick((i) => {
        const shown = found();
        const code = shown && chartCodes(shown, isFailedOnly(view))[i];
        if (code) {
            setState({ page: '/codes', params: { code: String(code.statusCode) } });
        }
    });
}

// ---- the page ----

// What was asked for in order to choose the first; the page that is drawn with it need not ask again.
let handedOn: Choices | null = null;

async function showEndpoint(view: View, endpoint: string, controls: HTMLElement): Promise<void> {
    const parts = makeParts(view);
    let shown: Usage | null = null;
    drillDown(view, parts, () => shown);
    view.exports(() => files(endpoint, () => shown));
    const ask = async (): Promise<Usage> => {
        shown = await askEndpoint(view, endpoint);
        parts.numbers.show(shown);
        return shown;
    };
    const again = (): Promise<void> => load(view, parts, together(ask, again));
    const known = handedOn;
    handedOn = null;
    (known ? Promise.resolve(known) : askChoices(view)).then(
        (found) => view.signal.aborted || replace(controls, chooser(found, endpoint)),
        () => undefined, // what is chosen stays
    );
    view.refresh(REFRESH_MS, again);
    await again();
}

// Without one in the address it is the one with the most requests; then the address names it.
async function chooseFirst(view: View, waiting: HTMLElement): Promise<void> {
    try {
        const choices = await askChoices(view);
        const first = choices.endpoints[0] ?? choices.methods[0]?.name;
        if (view.signal.aborted) {
            return;
        }
        if (first) {
            handedOn = choices;
            setState({ params: { endpoint: first } }, 'replace');
        } else {
            waiting.replaceWith(emptyState('No endpoint was requested yet', 'What is requested in 90 days can be chosen here.'));
        }
    } catch (error) {
        if (!view.signal.aborted) {
            waiting.replaceWith(errorState(error, () => setState({}, 'replace')));
        }
    }
}

export const metrics: Page = {
    path: '/endpoints',
    title: 'API metrics',
    group: 'Usage',
    icon: 'metrics',
    live: true,
    closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    async render(view) {
        const endpoint = view.state.params.get('endpoint');
        if (!endpoint) {
            const waiting = skeleton(400);
            view.root.append(waiting);
            await chooseFirst(view, waiting);
            return;
        }
        const controls = el('div', { class: 'row', role: 'group', 'aria-label': 'What is shown' });
        controls.append(chooser({ endpoints: [endpoint], methods: [] }, endpoint));
        view.root.append(controls);
        await showEndpoint(view, endpoint, controls);
    },
};

// Every exact response code, grouped by class; and one of them over time, when it is chosen.
import { get, shared } from '../api';
import { card, type Card } from '../card';
import { barChart, type Chart } from '../chart';
import { el, keep, replace, type Child } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import type { Page, View } from '../page';
import { setState, type Range } from '../state';
import { HITS, statsPath, whenChanged } from '../stats';
import { codeMeaning, OTHER, statusOf, STATUSES, type Status } from '../statuses';
import { byNumber, meter, table } from '../table';
import { clientChip } from './client_chip';
import { codeDetails } from './codes_one';
import { reveal } from './reveal';
import { axis, datesQuery, rangeBefore, seriesPoints, seriesQuery, type SeriesPoint, type StatsSeries } from './series';
import { together } from './together';

interface Code {
    code: string;
    total: number;
    before: number;
}
interface Summary {
    response_codes: { code: string; total: number }[];
}
interface Part {
    status: Status;
    values: number[];
}
interface Series {
    points: SeriesPoint[];
    parts: Part[];
    total: number;
}

const REFRESH_MS = 10_000;
const CLASSES = STATUSES.filter((status) => status.key !== 'status429');
const ASKED: Record<string, string> = { status200: '2XX', status300: '3XX', status400: '4XX', status429: '429', status500: '5XX' };

// ---- classes over time ----

function chosenClient(view: View): string | null {
    return view.state.params.get('client');
}

function sumOf(codes: Code[], key: string): number {
    const isOne = ({ code }: Code): boolean => (key === 'status429' ? statusOf(code).key : classOf(code)) === key;
    return codes.filter(isOne).reduce((sum, { total }) => sum + total, 0);
}

// 4xx and 429 are asked for each; in the stack 4xx is without 429, and last comes what is in no class.
async function askSeries(view: View, codes: Code[], part: ReturnType<typeof whenChanged<StatsSeries>>): Promise<Series> {
    const query = seriesQuery(view.state);
    const of = (code: string): Promise<StatsSeries> =>
        get(statsPath(view, 'usage_response_code', chosenClient(view)), { ...query, response_code: code }, view.signal);
    const [all, ...answers] = await Promise.all([
        get<StatsSeries>(statsPath(view, 'usage', chosenClient(view)), { ...query, metric_name: HITS.name }, view.signal),
        ...STATUSES.map(({ key }) => part(key, sumOf(codes, key), () => of(ASKED[key]!))),
    ]);
    const values = new Map(STATUSES.map((status, k) => [status.key, answers[k]?.values ?? []]));
    const value = (key: string, i: number): number => values.get(key)?.[i] ?? 0;
    const parts = STATUSES.map((status) =>
        status.key === 'status400'
            ? {
                  status: { ...status, name: '4xx without 429' },
                  values: all.values.map((_, i) => value('status400', i) - value('status429', i)),
              }
            : { status, values: all.values.map((_, i) => value(status.key, i)) },
    );
    const rest = all.values.map((n, i) => Math.max(0, n - CLASSES.reduce((sum, status) => sum + value(status.key, i), 0)));
    return {
        points: seriesPoints(all, view.state.zone),
        parts: rest.some((n) => n > 0) ? [...parts, { status: OTHER, values: rest }] : parts,
        total: all.total,
    };
}

function showSeries(chart: Chart, data: Series): void {
    const provisional = data.points.map((point) => point.provisional);
    chart.update({
        ...axis(data.points),
        series: data.parts.map(({ status, values }) => ({
            name: status.name,
            color: status.color,
            values,
            provisional,
            hint: status.meaning,
        })),
        total: (i) => format.count(data.parts.reduce((sum, part) => sum + (part.values[i] ?? 0), 0)),
    });
}

// ---- codes ----

function askSummary(view: View, range: Range): Promise<Summary> {
    return get(statsPath(view, 'summary', chosenClient(view)), datesQuery({ ...view.state, range }), view.signal);
}

async function askCodes(view: View, before: () => Promise<Summary>): Promise<Code[]> {
    const [now, past] = await Promise.all([askSummary(view, view.state.range), before()]);
    const earlier = new Map(past.response_codes.map(({ code, total }) => [code, total]));
    return now.response_codes.map(({ code, total }) => ({ code, total, before: earlier.get(code) ?? 0 }));
}

// 429 is a part of 4xx.
function classOf(code: string): string {
    const { key } = statusOf(code);
    return key === 'status429' ? 'status400' : key;
}

function pick(code: string): void {
    setState({ params: { code } });
}

function changeCell(row: Code): Child {
    const change = format.changeBetween(row.total, row.before);
    return el('span', { title: `${format.count(row.before)} before` }, change === null ? 'new' : format.change(change));
}

function codesTable(status: Status, rows: Code[], all: number): HTMLElement {
    const most = Math.max(...rows.map((row) => row.total));
    return table(
        status.name,
        [
            {
                key: 'code',
                label: 'Code',
                sort: byNumber((row) => Number(row.code)),
                cell: (row) => row.code,
            },
            { key: 'meaning', label: 'Meaning', cell: (row) => codeMeaning(row.code) },
            {
                key: 'requests',
                label: 'Requests',
                align: 'right',
                sort: byNumber((row) => row.total),
                cell: (row) => meter(row.total, most, format.count(row.total), statusOf(row.code).color),
            },
            { key: 'share', label: 'Share', align: 'right', hint: 'Of all requests', cell: (row) => format.share(row.total, all) },
            {
                key: 'change',
                label: 'Change',
                align: 'right',
                secondary: true,
                hint: 'Against as many days just before',
                sort: byNumber((row) => format.changeBetween(row.total, row.before)),
                cell: changeCell,
            },
        ],
        rows,
        { onPick: (row) => pick(row.code) },
    );
}

function heading(status: Status): HTMLElement {
    return el('span', {}, el('span', { class: 'swatch', style: { '--swatch': `var(${status.color})` } }), status.meaning);
}

interface Group {
    status: Status;
    card: Card;
}

function makeGroups(): Group[] {
    return [...CLASSES, OTHER].map((status) => {
        const group = card(status.name, { height: 160, empty: 'No request was answered so' });
        group.setSubtitle(heading(status));
        return { status, card: group };
    });
}

async function loadGroup(view: View, { status, card: group }: Group, ask: () => Promise<Code[]>): Promise<void> {
    const mine = (codes: Code[]): Code[] => codes.filter(({ code }) => classOf(code) === status.key);
    await group.load(
        view.signal,
        ask,
        (codes, body) => {
            const all = codes.reduce((sum, each) => sum + each.total, 0);
            const rows = mine(codes);
            group.setTotal(format.count(rows.reduce((sum, each) => sum + each.total, 0)));
            group.root.hidden = false;
            replace(body, codesTable(status, rows, all));
        },
        (codes) => !mine(codes).length,
    );
}

// ---- the page ----

function files(codes: () => Code[], series: () => Series | null): ExportFile[] {
    return [
        rowsFile('response-codes', 'Response codes', () => ({
            columns: ['code', 'meaning', 'class', 'requests', 'requestsBefore'],
            rows: codes().map((each) => [
                Number(each.code),
                codeMeaning(each.code),
                statusOf(each.code).name,
                each.total,
                each.before,
            ]),
        })),
        rowsFile('response-classes', 'Classes over time', () => ({
            columns: ['time', ...(series()?.parts.map(({ status }) => status.name) ?? []), 'provisional'],
            rows: (series()?.points ?? []).map((point, i) => [
                point.stamp,
                ...(series()?.parts.map(({ values }) => values[i] ?? 0) ?? []),
                point.provisional,
            ]),
        })),
    ];
}

export const codes: Page = {
    path: '/codes',
    title: 'Response codes',
    group: 'Usage',
    icon: 'codes',
    live: true,
    closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    async render(view) {
        const { root, signal, state } = view;
        const code = state.params.get('code');
        const chart = barChart('Response codes over time', { height: 280 });
        const time = card('Response codes over time', { wide: true, height: 320, empty: 'No requests on these dates' });
        const groups = makeGroups();
        const details = code && /^[1-5]\d\d$/.test(code) ? codeDetails(view, code) : null;
        time.setChart(chart);
        time.setSubtitle(format.dayRange(state.range.from, state.range.to));
        const client = chosenClient(view);
        root.append(
            ...(client ? [el('div', { class: 'row' }, clientChip(client))] : []),
            time.root,
            ...(details ? [details.root] : []),
            el(
                'div',
                { class: 'grid even' },
                groups.map((group) => group.card.root),
            ),
        );
        groups.at(-1)!.card.root.hidden = true; // until there is such a code, which is seldom
        reveal(details && `code ${code}`, details?.root);
        const before = shared(() => askSummary(view, rangeBefore(state.range)));
        const part = whenChanged<StatsSeries>();
        let shown: Series | null = null;
        let counted: Code[] = [];
        chart.onPick((i) => {
            const range = shown?.points[i]?.range;
            if (range && (range.from !== state.range.from || range.to !== state.range.to)) {
                setState({ range });
            }
        });
        view.exports(() => [...files(() => counted, () => shown), ...(details?.files() ?? [])]);
        const again = async (): Promise<void> => {
            const asked = together(async () => (counted = await askCodes(view, before)), again);
            const draw = (data: Series, body: HTMLElement): void => {
                shown = data;
                time.setTotal(format.plural(data.total, 'request'));
                keep(body, chart.root);
                showSeries(chart, data);
            };
            await Promise.all([
                time.load(signal, async () => askSeries(view, await asked(), part), draw, (data) => !data.total),
                ...groups.map((group) => loadGroup(view, group, asked)),
                details?.load(),
            ]);
        };
        view.refresh(REFRESH_MS, again);
        await again();
    },
};

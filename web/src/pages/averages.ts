// What is usual: requests of an average Monday, Tuesday, … and of an average hour of the day, and how many days each is made of.
import { shared } from '../api';
import { card } from '../card';
import { barChart, type Chart } from '../chart';
import { addDays, dateIn, weekday } from '../dates';
import { el, keep, replace, type Child } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import { icon } from '../icon';
import type { Page, View } from '../page';
import { href, setState } from '../state';
import { stat, stats } from '../stat';
import { HITS, loadMetrics, metricChoice, type Metric } from '../stats';
import { byNumber, meter, table, type Column } from '../table';
import { askAverages, chosenMetric, type Averages, type Kind } from './averages_data';

const REFRESH_MS = 60_000; // an average hardly moves
const HOURS = 24;

// One bar: an average Monday, or an average hour from eight to nine.
interface Row {
    index: number; // 0 is Sunday; or the hour
    label: string;
    title: string;
    average: number | null; // null: there was no such day
    days: number;
    total: number;
}

function rowsOf(answer: Averages, order: number[], label: (i: number) => string, title: (i: number) => string): Row[] {
    return order.map((index) => {
        const days = answer.divisors[index] ?? 0;
        return {
            index,
            label: label(index),
            title: title(index),
            average: days ? (answer.values[index] ?? 0) : null,
            days,
            total: answer.totals[index] ?? 0,
        };
    });
}

function twoDigits(hour: number): string {
    return String(hour % HOURS).padStart(2, '0');
}

const WEEK = [1, 2, 3, 4, 5, 6, 0]; // from Monday on
const DAY = Array.from({ length: HOURS }, (_, hour) => hour);

function weekdayRows(answer: Averages): Row[] {
    return rowsOf(
        answer,
        WEEK,
        (i) => format.weekdayName(i, 'short'),
        (i) => format.weekdayName(i),
    );
}

function hourRows(answer: Averages): Row[] {
    return rowsOf(answer, DAY, twoDigits, (i) => `${twoDigits(i)}:00 – ${twoDigits(i + 1)}:00`);
}

// ---- what is shown ----

function average(n: number | null): string {
    return format.decimal(n, n !== null && n < 100 ? 1 : 0);
}

function daysText(rows: Row[], one: string): string {
    const counts = rows.map((row) => row.days);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    const range = least === most ? '' : `${format.count(least)} to `;
    return `${range}${format.plural(most, 'day')} behind each ${one}`;
}

function showBars(chart: Chart, rows: Row[], name: string): void {
    chart.update({
        labels: rows.map((row) => row.label),
        titles: rows.map((row) => row.title),
        series: [{ name, values: rows.map((row) => row.average) }],
        unit: average,
        details: (i) => [
            ['Days behind it', format.count(rows[i]?.days)],
            ['Requests on them', format.count(rows[i]?.total)],
        ],
    });
}

function rowsTable(caption: string, one: string, rows: Row[], pick: (row: Row) => void): HTMLElement {
    const most = Math.max(0, ...rows.map((row) => row.average ?? 0));
    const columns: Column<Row>[] = [
        {
            key: 'index',
            label: one === 'hour' ? 'Hour' : 'Weekday',
            cell: (row) => row.title,
            sort: byNumber((row) => rows.indexOf(row)),
        },
        {
            key: 'average',
            label: 'Average',
            align: 'right',
            cell: (row) => meter(row.average ?? 0, most, average(row.average)),
            sort: byNumber((row) => row.average),
        },
        { key: 'days', label: 'Days', align: 'right', cell: (row) => format.count(row.days), sort: byNumber((row) => row.days) },
        {
            key: 'total',
            label: 'Requests',
            align: 'right',
            cell: (row) => format.count(row.total),
            sort: byNumber((row) => row.total),
        },
    ];
    return table(caption, columns, rows, { sortBy: 'index', onPick: pick });
}

// ---- the running day ----

// It counts as a whole day and is not over, so it draws its averages down.
function todayNotice(view: View): HTMLElement | null {
    const { range, zone } = view.state;
    const today = dateIn(zone);
    if (range.to < today) {
        return null;
    }
    const until = addDays(today, -1);
    const without: Child[] =
        range.from <= until
            ? [' ', el('a', { href: href({ range: { preset: null, from: range.from, to: until } }) }, 'Leave today out')]
            : [];
    return el(
        'p',
        { class: 'notice' },
        icon('info'),
        el('span', {}, `Today counts as a whole ${format.weekdayName(weekday(today))} although it is not over.`, without),
    );
}

// ---- the page ----

interface PartSpec {
    kind: Kind;
    title: string;
    one: string;
    rowsOf(answer: Averages): Row[];
    pick(row: Row): void;
    tell(rows: Row[] | null, answer?: Averages): void; // null: there is no answer
}

interface Part {
    roots: HTMLElement[];
    load(metricName: string): Promise<void>;
    file: ExportFile;
}

function makePart(view: View, spec: PartSpec): Part {
    const { title, one } = spec;
    const chart = barChart(title, { height: 300 });
    const into = card(title, { height: 320 });
    const list = card(`${title}: numbers`, { height: 320 });
    let shown: Row[] = [];
    into.setChart(chart);
    chart.onPick((i) => shown[i] && spec.pick(shown[i]));
    const load = async (metricName: string): Promise<void> => {
        const answer = shared(() => askAverages(view, spec.kind));
        const isEmpty = (found: Averages): boolean => found.total === 0;
        answer().then(
            (found) => {
                shown = spec.rowsOf(found);
                spec.tell(isEmpty(found) ? null : shown, found);
            },
            () => spec.tell(null), // the cards say why
        );
        await Promise.all([
            into.load(
                view.signal,
                answer,
                (found, body) => {
                    const rows = spec.rowsOf(found);
                    into.setSubtitle(daysText(rows, one));
                    keep(body, chart.root);
                    showBars(chart, rows, metricName);
                },
                isEmpty,
            ),
            list.load(
                view.signal,
                answer,
                (found, body) => replace(body, rowsTable(title, one, spec.rowsOf(found), spec.pick)),
                isEmpty,
            ),
        ]);
    };
    list.root.classList.add('short-list');
    return { roots: [into.root, list.root], load, file: partFile(view, spec, () => shown) };
}

function partFile(view: View, { title, one }: PartSpec, rows: () => Row[]): ExportFile {
    return rowsFile(`averages-by-${one}`, title, () => ({
        columns: ['metric', one, 'average', 'days', 'requests'],
        rows: rows().map((row) => [chosenMetric(view), row.title, row.average, row.days, row.total]),
    }));
}

function figures(): { root: HTMLElement; week(rows: Row[] | null, answer?: Averages): void; day(rows: Row[] | null): void } {
    const perDay = stat('Average day', 'Of all days of the range');
    const most = stat('Busiest weekday');
    const least = stat('Quietest weekday');
    const hour = stat('Busiest hour');
    const best = (rows: Row[] | null, sign: number): Row | undefined =>
        rows
            ?.filter((row) => row.average !== null)
            .sort((a, b) => sign * ((b.average ?? 0) - (a.average ?? 0)))
            .at(0);
    const show = (into: typeof most, row: Row | undefined): void =>
        into.set(row?.title ?? format.NOTHING, { note: row ? `${average(row.average)} on average` : null });
    return {
        root: stats(perDay, most, least, hour),
        week: (rows, answer) => {
            const days = rows?.reduce((sum, row) => sum + row.days, 0) ?? 0;
            perDay.set(days && answer ? average(answer.total / days) : format.NOTHING, {
                note: days ? format.plural(days, 'day') : null,
            });
            show(most, best(rows, 1));
            show(least, best(rows, -1));
        },
        day: (rows) => show(hour, best(rows, 1)),
    };
}

function controls(view: View): { root: HTMLElement; names: Promise<Metric[]> } {
    const choice = el('span', {});
    const show = (metrics: Metric[]): Metric[] => {
        const change = (name: string): void => setState({ params: { metric: name === HITS.name ? null : name } });
        replace(choice, metricChoice(metrics, chosenMetric(view), change));
        return metrics;
    };
    show([HITS]);
    return { root: el('div', { class: 'row' }, choice), names: loadMetrics(view).then(show) };
}

export const averages: Page = {
    path: '/averages',
    title: 'Averages',
    group: 'Usage',
    icon: 'averages',
    live: true,
    closedOnly: false,
    filters: { range: true, zone: true, organization: true },
    async render(view) {
        const overTime = (by: string): void =>
            setState({ page: '/traffic', params: { by, metric: view.state.params.get('metric') ?? HITS.name } });
        const numbers = figures();
        const week = makePart(view, {
            kind: 'daily',
            title: 'By day of the week',
            one: 'weekday',
            rowsOf: weekdayRows,
            pick: () => overTime('day'),
            tell: numbers.week,
        });
        const day = makePart(view, {
            kind: 'hourly',
            title: 'By hour of the day',
            one: 'hour',
            rowsOf: hourRows,
            pick: () => overTime('hour'),
            tell: numbers.day,
        });
        const bar = controls(view);
        view.root.append(
            bar.root,
            ...[todayNotice(view)].filter((each) => each !== null),
            numbers.root,
            el('div', { class: 'grid even' }, week.roots, day.roots),
        );
        view.exports(() => [week.file, day.file]);
        const load = async (): Promise<void> => {
            const metrics = await bar.names;
            const name = metrics.find((metric) => metric.name === chosenMetric(view))?.title ?? chosenMetric(view);
            await Promise.all([week.load(name), day.load(name)]);
        };
        if (view.state.range.to >= dateIn(view.state.zone)) {
            view.refresh(REFRESH_MS, load);
        }
        await load();
    },
};

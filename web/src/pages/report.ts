// The API usage report, over closed days only: who asks most, OAuth clients, URLs. Each section has its own selection, which all of
// its graphs follow.
import { download } from '../api';
import { barChart, type Chart } from '../chart';
import { dateIn } from '../dates';
import { el, replace, type Child } from '../dom';
import type { ExportFile } from '../export';
import * as format from '../format';
import { icon } from '../icon';
import type { Page, View } from '../page';
import { href, setState } from '../state';
import { segmented } from '../tabs';
import {
    bars,
    chartCard,
    ring,
    shownOf,
    showClients,
    showClientUrls,
    showDays,
    showStatuses,
    showUrls,
    type ChartCard,
} from './report_charts';
import {
    ask,
    isLocal,
    keepSelections,
    question,
    restoreSelections,
    select,
    selectionOf,
    type Report,
    type ReportClient,
    type SectionId,
    type Selection,
} from './report_data';
import { sectionHead, type SectionHead } from './report_selection';

const TOP_ACTIVE = 5;
const TOP = 10;
const HEIGHT = 250;
const DAY_MS = 86_400_000;

// ---- what is in it, and what is not ----

function daysSwitch(view: View): HTMLElement {
    const items = [
        { id: 'utc', label: 'Billing days (UTC)', title: 'Days of UTC, as they are billed' },
        { id: 'local', label: 'Local days', title: `True days of ${view.state.zone}` },
    ];
    return segmented('Days', items, isLocal(view) ? 'local' : 'utc', (id) =>
        setState({ params: { days: id === 'local' ? id : null } }),
    );
}

function whyNotToday(report: Report | null): Child[] {
    const through = report?.finalizedThrough;
    return [
        'Only closed days are counted, so what stands here does not change any more. A day is closed about an hour after its end ' +
            '(UTC); the current day is never in a report. ',
        through ? el('strong', {}, `Final through ${format.day(through)}. `) : null,
        el('a', { href: href({ page: '/traffic' }) }, 'Traffic'),
        ' has today.',
    ];
}

function whyOtherDate(view: View): string {
    const { zone, range } = view.state;
    if (isLocal(view)) {
        return `Days are true days of ${zone}, by its clock. Bills count days of UTC, which begin at another time.`;
    }
    const begin = Date.parse(`${range.to}T00:00:00Z`);
    const end = begin + DAY_MS;
    if (dateIn(zone, begin) === range.to && dateIn(zone, end - 1) === range.to) {
        return 'Billing days are days of UTC.';
    }
    return (
        `Billing days are days of UTC. In ${zone} that of ${format.day(range.to, 'short')} runs from ` +
        `${format.time(begin, zone)} to ${format.time(end, zone)}, so a request can belong to another day than its local date says.`
    );
}

function intervalText(interval: string): string {
    const [from = '', to = from] = interval.split('/');
    return format.dayRange(from, to);
}

// What the reader would else wonder about: days that are missing, restated or incomplete.
function remarks(report: Report): string[] {
    const omitted = report.omittedDays.map(
        ({ interval, reason }) =>
            `${intervalText(interval)} left out: ${reason === 'notClosed' ? 'not closed yet.' : 'not over yet.'}`,
    );
    const revised = report.revisions.map(({ day, revision }) => `${format.day(day)} was restated: revision ${revision} is used.`);
    const lost = report.incompleteDays.map((interval) => `${intervalText(interval)} is incomplete: something was lost on its way.`);
    const skipped = report.skippedDates.map((date) => `${format.day(date)} did not exist in this time zone.`);
    return [...omitted, ...lost, ...revised, ...skipped];
}

function showNotices(into: HTMLElement, view: View, report: Report | null): void {
    replace(
        into,
        el(
            'div',
            { class: 'notice' },
            icon('info'),
            el('div', {}, el('p', {}, whyNotToday(report)), el('p', {}, whyOtherDate(view))),
        ),
        report && remarks(report).length
            ? el(
                  'div',
                  { class: 'notice warn' },
                  icon('errors'),
                  el(
                      'div',
                      {},
                      remarks(report).map((text) => el('p', {}, text)),
                  ),
              )
            : null,
    );
}

// ---- sections ----

interface Section {
    id: SectionId;
    selection: Selection;
    head: SectionHead;
    root: HTMLElement;
    load(): Promise<void>;
}

interface Shown extends ChartCard {
    subtitle(report: Report): string;
    show(chart: Chart, report: Report): void;
}

interface SectionSpec {
    id: SectionId;
    title: string;
    dialog: string | null;
    top: number;
    charts: Shown[];
}

function isEmpty(report: Report): boolean {
    return report.totalRequests === 0;
}

function makeSection(view: View, spec: SectionSpec, onReport: (report: Report) => void): Section {
    const selection = selectionOf(view, spec.id);
    const choice = spec.id !== 'active' && spec.dialog ? { section: spec.id, title: spec.dialog, selection } : null;
    const head = sectionHead(view, spec.title, choice);
    const grid = el(
        'div',
        { class: 'grid three even' },
        spec.charts.map(({ card }) => card.root),
    );
    const totals = (report: Report): void => {
        head.showTotals(report.totalRequests, report.totalClients);
        onReport(report);
    };
    let failed = false;
    const answer = async (): Promise<Report> => {
        try {
            const report = await ask(view, selection, spec.top);
            if (failed) {
                failed = false;
                void load(); // what one card got when it tried again, the others get too
            }
            return report;
        } catch (error) {
            failed = true;
            throw error;
        }
    };
    const load = async (): Promise<void> => {
        answer()
            .then((report) => view.signal.aborted || totals(report))
            .catch(() => head.clear()); // the cards say why
        await Promise.all(
            spec.charts.map(({ card, chart, subtitle, show }) =>
                card.load(
                    view.signal,
                    answer,
                    (report, body) => {
                        card.setSubtitle(subtitle(report));
                        body.replaceChildren(chart.root);
                        show(chart, report);
                    },
                    isEmpty,
                ),
            ),
        );
    };
    const root = el('section', { class: 'report-section', 'aria-label': spec.title }, head.root, grid);
    return { id: spec.id, selection, head, root, load };
}

// The section to go to when the page is drawn anew, because what was clicked is shown there.
let goingTo: SectionId | null = null;

function narrow(section: 'clients' | 'urls', selection: Selection): void {
    goingTo = section;
    select(section, selection);
}

// Shown again for a click: which client or URL a bar is.
function pickClient(shown: Shown, report: () => Report | null, pick: (client: ReportClient) => void): Shown {
    shown.chart.onPick((i) => {
        const client = report()?.clients[i];
        if (client) {
            pick(client);
        }
    });
    return shown;
}

function pickUrl(shown: Shown, report: () => Report | null, pick: (url: string) => void): Shown {
    shown.chart.onPick((i) => {
        const url = report()?.urls[i];
        if (url) {
            pick(url.templateUri);
        }
    });
    return shown;
}

const STATUS_INFO = 'Answers by their status. What each means is said on hover. 429 is shown apart from the other 4xx.';

function statuses(title: string): Shown {
    const made = chartCard(title, ring(title), STATUS_INFO, HEIGHT);
    made.chart.onPick(() => setState({ page: '/codes' }));
    return {
        ...made,
        subtitle: (report) => format.plural(report.totalRequests, 'request'),
        show: (chart, report) => showStatuses(chart, report.statuses),
    };
}

function clientBars(title: string, rows: number, info: string): Shown {
    return {
        ...chartCard(title, bars(title, rows), info, HEIGHT),
        subtitle: (report) => shownOf(report.clients.length, report.totalClients, 'client'),
        show: (chart, report) => showClients(chart, report.clients, report.totalRequests),
    };
}

function urlBars(title: string, rows: number, info: string): Shown {
    return {
        ...chartCard(title, bars(title, rows), info, HEIGHT),
        subtitle: (report) => shownOf(report.urls.length, report.totalUrls, 'URL'),
        show: (chart, report) => showUrls(chart, report.urls, report.totalRequests),
    };
}

function clientUrlBars(rows: number): Shown {
    const title = 'URL counts by client';
    return {
        ...chartCard(title, bars(title, rows), 'Each client by the URLs it requested. A click shows the client over time.', HEIGHT),
        subtitle: (report) => shownOf(report.clients.length, report.totalClients, 'client'),
        show: (chart, report) => showClientUrls(chart, report),
    };
}

function byDay(view: View, title: string, report: () => Report | null): Shown {
    const made = chartCard(
        title,
        barChart(title, { height: HEIGHT }),
        'Closed days, by status. A click shows a day alone.',
        HEIGHT,
    );
    made.chart.onPick((i) => {
        const date = report()?.days[i]?.date;
        if (date) {
            setState({ range: { preset: null, from: date, to: date } });
        }
    });
    return {
        ...made,
        subtitle: (answer) => `${format.plural(answer.days.length, 'day')}, ${isLocal(view) ? view.state.zone : 'UTC'}`,
        show: (chart, answer) => showDays(chart, answer.days, view.state.zone),
    };
}

function wide(shown: Shown): Shown {
    shown.card.root.classList.add('wide');
    return shown;
}

function makeSections(view: View, onReport: (id: SectionId, report: Report) => void): Section[] {
    const shown = new Map<SectionId, Report>();
    const of = (id: SectionId) => (): Report | null => shown.get(id) ?? null;
    const make = (spec: SectionSpec): Section =>
        makeSection(view, spec, (report) => {
            shown.set(spec.id, report);
            onReport(spec.id, report);
        });
    const showClient = ({ clientId }: ReportClient): void => narrow('clients', { clients: [clientId], urls: [] });
    const showOverTime = ({ clientId, organizationId }: ReportClient): void => {
        const organization = view.session.organization ? undefined : organizationId; // another may have the same id
        setState({ page: '/traffic', organization, params: { client: clientId } });
    };
    const whoAsks = (url: string): void => narrow('clients', { clients: [], urls: [url] });
    const clients = (title: string, rows: number, from: SectionId, pick: (client: ReportClient) => void, info: string): Shown =>
        pickClient(clientBars(title, rows, info), of(from), pick);
    return [
        make({
            id: 'active',
            title: 'Most active requests',
            dialog: null,
            top: TOP_ACTIVE,
            charts: [
                clients(
                    'Top 5 clients',
                    TOP_ACTIVE,
                    'active',
                    showClient,
                    'A click shows the client below, under OAuth client requests.',
                ),
                statuses('Response statuses'),
                pickUrl(
                    urlBars('Top 5 URLs', TOP_ACTIVE, 'A click shows the URL below, under URL requests.'),
                    of('active'),
                    (url) => narrow('urls', { clients: [], urls: [url] }),
                ),
                wide(byDay(view, 'Requests by day', of('active'))),
            ],
        }),
        make({
            id: 'clients',
            title: 'OAuth client requests',
            dialog: 'Client and URL selection',
            top: TOP,
            charts: [
                clients('Request counts by client', TOP, 'clients', showOverTime, 'A click shows the client over time.'),
                statuses('Statuses of client requests'),
                pickClient(clientUrlBars(TOP), of('clients'), showOverTime),
            ],
        }),
        make({
            id: 'urls',
            title: 'URL requests',
            dialog: 'URL selection',
            top: TOP,
            charts: [
                pickUrl(urlBars('Requests by URL', TOP, 'A click shows which clients request the URL.'), of('urls'), whoAsks),
                statuses('Statuses of URL requests'),
                byDay(view, 'URL requests by day', of('urls')),
            ],
        }),
    ];
}

// ---- exports ----

function exportFiles(view: View): ExportFile[] {
    const path = '/api/v2/usage/report.{format}';
    const file = (name: string, label: string, section: string, of: SectionId): ExportFile => ({
        name,
        label,
        formats: ['csv', 'jsonl', 'xlsx'],
        fetch: async (format_) => {
            const asked = question(view, selectionOf(view, of));
            return (await download(path.replace('{format}', format_), { ...asked, section })).blob;
        },
    });
    return [
        file('most-active-clients', 'Most active requests: clients', 'clients', 'active'),
        file('most-active-statuses', 'Most active requests: statuses by day', 'days', 'active'),
        file('most-active-urls', 'Most active requests: URLs', 'urls', 'active'),
        file('client-requests', 'OAuth client requests: counts by client', 'clients', 'clients'),
        file('client-statuses', 'OAuth client requests: statuses by day', 'days', 'clients'),
        file('client-urls', 'OAuth client requests: URL counts by client', 'clientUrls', 'clients'),
        file('url-requests', 'URL requests: requests by URL', 'urls', 'urls'),
        file('url-statuses', 'URL requests: statuses by day', 'days', 'urls'),
    ];
}

function goToSection(sections: Section[]): void {
    const section = sections.find(({ id }) => id === goingTo);
    goingTo = null;
    if (section) {
        section.head.heading.focus({ preventScroll: true });
        section.root.scrollIntoView({ block: 'start' });
    }
}

export const report: Page = {
    path: '/report',
    title: 'API usage report',
    group: 'Reports',
    icon: 'report',
    live: false,
    closedOnly: true,
    needs: ['usage:organization:view', 'usage:client:view', 'oauth:client:view'],
    filters: { range: true, zone: true, organization: true },
    async render(view) {
        if (restoreSelections(view)) {
            return;
        }
        keepSelections(view);
        const notices = el('div', { class: 'notices' });
        showNotices(notices, view, null);
        const sections = makeSections(view, (id, answer) => {
            if (id === 'active') {
                showNotices(notices, view, answer);
            }
        });
        view.root.append(
            el(
                'div',
                { class: 'row between' },
                daysSwitch(view),
                el('span', { class: 'faint' }, `Today, ${format.day(dateIn('UTC'))} (UTC), is not included`),
            ),
            notices,
            ...sections.map(({ root }) => root),
        );
        view.exports(() => exportFiles(view));
        const loaded = Promise.all(sections.map((section) => section.load()));
        goToSection(sections);
        await loaded;
    },
};

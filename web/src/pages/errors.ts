// Integration errors: what collectors and imports refused, why, and how it was built. Samples show the shape of what was sent,
// never what was in it.
import { allPages, get, send } from '../api';
import { card, type Card } from '../card';
import { dateIn } from '../dates';
import { el, replace, type Child } from '../dom';
import { rowsFile, serverFile, type ExportFile } from '../export';
import { openForm, textOf } from '../form';
import * as format from '../format';
import { icon } from '../icon';
import type { Page, View } from '../page';
import { may } from '../session';
import { setState } from '../state';
import { stat, stats } from '../stat';
import { emptyState } from '../status_view';
import { byNumber, byText, meter, table, type Column } from '../table';
import { toast } from '../toast';
import { together } from './together';

interface Sample {
    time: string;
    refusedAt: string | null;
    collector: string;
    reason: string;
    count: number;
    message: string;
    sample: string;
}
interface ByReason {
    reason: string;
    count: number;
}
interface ByCollector {
    collector: string;
    count: number;
}
interface Errors {
    entities: Sample[];
    total: number;
    samplesKept: number;
    samplesPurged: number;
    byReason: ByReason[];
    byCollector: ByCollector[];
}

const PATH = '/api/v2/usage/integration-errors';
const REFRESH_MS = 10_000;
const STEP = 50;
const SHOWN_MAX = 1000;
const EXPORTED_MAX = 10_000;
const REDACTED =
    'How an event was built: names of fields and what may be known stay, all else is its length, as (12) for 12 bytes. ' +
    'Each stands for all that were refused for the same reason in the same moment.';
const OF_ALL = 'What is refused is of no organization yet. Who may see all organizations sees it here: sign in with such a token.';
// A body is counted once, however many events were in it.
const OF_BODIES = /(_body|_type|_encoding|_events|too_large)$/;

function shownOf({ state }: View): number {
    return Math.min(SHOWN_MAX, Math.max(STEP, Number(state.params.get('show')) || STEP));
}

function queryOf({ state }: View): Record<string, string | null> {
    const { range, params } = state;
    return { from: range.from, to: range.to, reason: params.get('reason') || null, collector: params.get('collector') || null };
}

function choose(name: string, value: string | null): void {
    setState({ params: { [name]: value, show: null } });
}

function reasonName(reason: string): string {
    return reason.replaceAll('_', ' ');
}

// ---- filters and purge ----

function chip(label: string, name: string, value: string | null): Child {
    return value
        ? el(
              'button',
              { type: 'button', class: 'button small', title: 'Show all again', onclick: () => choose(name, null) },
              `${label}: ${value}`,
              icon('close'),
          )
        : null;
}

function purge(done: () => Promise<void>): void {
    openForm(
        'Purge samples',
        [
            {
                name: 'before',
                label: 'Remove samples counted before',
                kind: 'date',
                required: true,
                value: dateIn('UTC'),
                hint: 'The first day (UTC) whose samples stay. Counts are kept. It cannot be undone.',
            },
        ],
        async (values) => {
            const before = textOf(values, 'before');
            const { samplesPurged } = await send<{ samplesPurged: number }>('DELETE', `${PATH}?before=${before}`);
            toast(`${format.plural(samplesPurged, 'sample')} purged.`);
            await done();
        },
        { action: 'Purge' },
    );
}

function filterBar(view: View, again: () => Promise<void>): HTMLElement | null {
    const { params } = view.state;
    const mayPurge = may(view.session);
    const chips = [chip('Reason', 'reason', params.get('reason')), chip('Collector', 'collector', params.get('collector'))].filter(
        Boolean,
    );
    const button = mayPurge
        ? el('button', { type: 'button', class: 'button', onclick: () => purge(again) }, icon('remove'), 'Purge samples')
        : null;
    return chips.length || button
        ? el(
              'div',
              { class: 'page-filters', role: 'group', 'aria-label': 'Filters of errors' },
              chips.length
                  ? chips
                  : el('span', { class: 'faint' }, 'Days are days of UTC. Choose a reason or a collector to see only that.'),
              el('div', { class: 'end' }, button),
          )
        : null;
}

// ---- the parts ----

function counts<T extends { count: number }>(
    caption: string,
    name: string,
    of: (row: T) => string,
    shown: (row: T) => Child,
    rows: T[],
): HTMLElement {
    const most = Math.max(1, ...rows.map((row) => row.count));
    const all = rows.reduce((sum, row) => sum + row.count, 0);
    const columns: Column<T>[] = [
        { key: name, label: caption, cell: shown, sort: byText(of) },
        {
            key: 'count',
            label: 'Refused',
            align: 'right',
            sort: byNumber((row) => row.count),
            cell: (row) => meter(row.count, most, format.count(row.count), '--status-500'),
        },
        { key: 'share', label: 'Share', align: 'right', secondary: true, cell: (row) => format.share(row.count, all) },
    ];
    return table(caption, columns, rows, { sortBy: 'count', descending: true, onPick: (row) => choose(name, of(row)) });
}

function sampleColumns(zone: string): Column<Sample>[] {
    return [
        {
            key: 'time',
            label: 'Counted',
            width: '130px',
            secondary: true,
            cell: (row) => {
                const refused = row.refusedAt
                    ? `Refused ${format.time(row.refusedAt, zone, 'full')} by the collector's clock`
                    : null;
                return el('span', { title: refused }, format.time(row.time, zone));
            },
        },
        {
            key: 'what',
            label: 'What was wrong',
            cell: (row) => [
                el(
                    'div',
                    { class: 'narrow-only hint' },
                    `${format.time(row.time, zone)} · ${row.collector} · ${reasonName(row.reason)}`,
                ),
                el('div', {}, row.message),
                row.sample
                    ? el('code', { class: 'sample' }, row.sample)
                    : el('span', { class: 'hint' }, 'There was nothing to show.'),
            ],
        },
        { key: 'reason', label: 'Reason', secondary: true, cell: (row) => el('span', { class: 'badge' }, reasonName(row.reason)) },
        { key: 'collector', label: 'Collector', secondary: true, cell: (row) => row.collector },
        { key: 'count', label: 'Times', align: 'right', cell: (row) => format.count(row.count) },
    ];
}

function samples(view: View, data: Errors): Child {
    const wider = (): void => setState({ params: { show: String(shownOf(view) + STEP) } }, 'replace');
    const left = data.samplesKept - data.entities.length;
    const more =
        shownOf(view) < SHOWN_MAX
            ? el('button', { type: 'button', class: 'button small', onclick: wider }, 'Show more')
            : 'Export has all of them.';
    return data.entities.length
        ? [
              table('Samples', sampleColumns(view.state.zone), data.entities),
              left > 0
                  ? el(
                        'div',
                        { class: 'more-line' },
                        `The newest ${format.count(data.entities.length)} of ${format.count(data.samplesKept)}`,
                        more,
                    )
                  : null,
          ]
        : emptyState(
              data.total ? 'No samples are kept of these' : 'Nothing was refused',
              data.total
                  ? 'They were purged, or newer ones took their place. The counts above are exact.'
                  : 'All events of these days were counted.',
          );
}

class ErrorsPage {
    private readonly refused = stat('Refused', 'Events and bodies that were refused on these days; exact');
    private readonly kinds = stat('Reasons');
    private readonly collectors = stat('Collectors');
    private readonly kept = stat('Samples kept');
    private readonly reasons: Card = card('By reason', { height: 200, empty: 'Nothing was refused' });
    private readonly sources: Card = card('By collector', { height: 200, empty: 'Nothing was refused' });
    private readonly list: Card = card('Samples', { wide: true, height: 300, info: REDACTED });

    constructor(private readonly view: View) {
        const bar = filterBar(view, () => this.load());
        view.root.append(...(bar ? [bar] : []), stats(this.refused, this.kinds, this.collectors, this.kept));
        view.root.append(el('div', { class: 'grid even' }, this.reasons.root, this.sources.root), this.list.root);
    }

    async load(): Promise<void> {
        const { signal } = this.view;
        const query = { ...queryOf(this.view), pageSize: shownOf(this.view) };
        const ask = together(
            () => get<Errors>(PATH, query, signal),
            () => this.load(),
        );
        const none = (data: Errors): boolean => data.total === 0;
        await Promise.all([
            this.showFigures(ask),
            this.reasons.load(signal, ask, (data, body) => replace(body, this.byReason(data)), none),
            this.sources.load(signal, ask, (data, body) => replace(body, this.byCollector(data)), none),
            this.list.load(signal, ask, (data, body) => replace(body, samples(this.view, data))),
        ]);
    }

    private byReason(data: Errors): HTMLElement {
        const name = (row: ByReason): Child => [
            reasonName(row.reason),
            OF_BODIES.test(row.reason) ? el('span', { class: 'faint', title: 'Bodies, each counted once' }, ' bodies') : null,
        ];
        return counts('Reason', 'reason', (row) => row.reason, name, data.byReason);
    }

    private byCollector(data: Errors): HTMLElement {
        return counts<ByCollector>(
            'Collector',
            'collector',
            (row) => row.collector,
            (row) => row.collector,
            data.byCollector,
        );
    }

    private async showFigures(ask: () => Promise<Errors>): Promise<void> {
        const all = [this.refused, this.kinds, this.collectors, this.kept];
        try {
            const data = await ask();
            this.refused.set(format.count(data.total));
            this.kinds.set(format.count(data.byReason.length));
            this.collectors.set(format.count(data.byCollector.length));
            this.kept.set(format.count(data.samplesKept), {
                note: data.samplesPurged ? `${format.compact(data.samplesPurged)} purged or overwritten, ever` : null,
            });
        } catch {
            all.forEach((each) => each.set(format.NOTHING)); // the cards say why
        }
    }
}

function files(view: View): ExportFile[] {
    const query = queryOf(view);
    const ask = (): Promise<Errors> => get<Errors>(PATH, { ...query, pageSize: 1 });
    const columns = ['time', 'refusedAt', 'collector', 'reason', 'count', 'message', 'sample'] as const;
    const excel = rowsFile('samples', 'Samples', async () => {
        const rows = await allPages<Sample>(PATH, query, EXPORTED_MAX);
        return { columns: [...columns], rows: rows.map((row) => columns.map((name) => row[name])) };
    });
    const made = serverFile('samples', 'Samples', `${PATH}.{format}`, query, ['csv', 'jsonl']);
    return [
        { ...excel, fetch: (wanted) => (wanted === 'xlsx' ? excel : made).fetch(wanted) },
        rowsFile('by-reason', 'By reason', async () => ({
            columns: ['reason', 'count'],
            rows: (await ask()).byReason.map((row) => [row.reason, row.count]),
        })),
        rowsFile('by-collector', 'By collector', async () => ({
            columns: ['collector', 'count'],
            rows: (await ask()).byCollector.map((row) => [row.collector, row.count]),
        })),
    ];
}

export const errors: Page = {
    path: '/errors',
    title: 'Integration errors',
    group: 'Operation',
    icon: 'errors',
    live: true,
    closedOnly: false,
    needs: ['usage:organization:view', 'oauth:client:view'],
    filters: { range: true, zone: true, organization: false },
    offered: ({ organization }) => !organization,
    async render(view) {
        if (view.session.organization) {
            view.root.append(emptyState('Not permitted', OF_ALL));
            return;
        }
        const page = new ErrorsPage(view);
        const again = (): Promise<void> => page.load();
        view.exports(() => files(view));
        view.refresh(REFRESH_MS, again);
        await again();
    },
};

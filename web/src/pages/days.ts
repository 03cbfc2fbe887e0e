// The ledger: which days are final, which were revised, which are incomplete, and the checksum of each.
import { card } from '../card';
import { addDays, dateIn } from '../dates';
import { el, replace, type Child } from '../dom';
import { rowsFile, type ExportFile } from '../export';
import * as format from '../format';
import { icon } from '../icon';
import type { Page, View } from '../page';
import { setState } from '../state';
import { stat, stats } from '../stat';
import { byNumber, byText, table, type Column } from '../table';
import { askDays, REASONS, type Day, type Days, type DayState, type Revision } from './days_data';
import { openRevision, shortChecksum } from './days_revision';

const REFRESH_MS = 60_000;
interface Look {
    label: string;
    kind: string;
    meaning: string;
}
const STATES: Record<DayState, Look> = {
    final: { label: 'Final', kind: 'good', meaning: 'Closed and complete. Only another revision could change its numbers.' },
    revised: { label: 'Revised', kind: 'accent', meaning: 'Closed again for a reason; the newest revision restates the day.' },
    incomplete: { label: 'Incomplete', kind: 'bad', meaning: 'Closed, though something of it was lost on its way.' },
    open: { label: 'Provisional', kind: 'warn', meaning: 'Not closed yet: its numbers can still change.' },
    none: { label: 'Not closed', kind: '', meaning: 'The ledger has no entry of this day.' },
};

function badge(state: DayState): HTMLElement {
    const { label, kind, meaning } = STATES[state];
    return el('span', { class: ['badge', kind], title: meaning }, label);
}

// ---- above the table ----

function finality(data: Days): Child[] {
    const { finalizedThrough } = data;
    const today = dateIn('UTC');
    const text = finalizedThrough ? `Final through ${format.day(finalizedThrough)}.` : 'No day is final yet.';
    const open = finalizedThrough && addDays(finalizedThrough, 1) < today ? 'The days after it and today are' : 'Today is';
    return [
        icon(finalizedThrough ? 'check' : 'info'),
        el('span', {}, `${text} ${open} provisional. Days are those of UTC; a day is closed about an hour after its end.`),
    ];
}

function figures(): { root: HTMLElement; show(data: Days): void; clear(): void } {
    const final = stat('Final through', 'The last day up to which all days are closed');
    const closed = stat('Closed days', 'Of those on screen');
    const revised = stat('Revised', 'Days of which there is more than one revision');
    const incomplete = stat('Incomplete', 'Days of which something was lost on its way');
    const events = stat('Events', 'Of all organizations, as counted in the newest revision of each day');
    const all = [final, closed, revised, incomplete, events];
    return {
        root: stats(...all),
        clear: () => all.forEach((each) => each.set(format.NOTHING)),
        show({ days, finalizedThrough, total }) {
            const count = (is: (day: Day) => boolean): number => days.filter(is).length;
            final.set(finalizedThrough ? format.day(finalizedThrough, 'short') : format.NOTHING, {
                note: finalizedThrough ? format.day(finalizedThrough, 'long') : null,
            });
            closed.set(format.count(count((day) => day.newest !== null)), { note: `of ${format.plural(days.length, 'day')}` });
            revised.set(format.count(count((day) => day.revisions.length > 1)));
            const bad = count((day) => day.state === 'incomplete');
            incomplete.set(format.count(bad), { note: bad ? 'something is missing' : 'nothing is missing' });
            events.set(format.count(total), { note: total === null ? 'of all: not shown' : 'newest revisions' });
        },
    };
}

// ---- the table ----

function open(day: Day): void {
    setState({ params: { day: day.day, revision: day.newest && String(day.newest.revision) } });
}

function missing({ newest }: Day): Child {
    if (!newest || newest.gaps === undefined) {
        return newest ? (newest.complete ? 'Yes' : 'No') : format.NOTHING;
    }
    const parts = [
        newest.gaps ? format.plural(newest.gaps, 'gap') : '',
        newest.quarantined ? `${format.count(newest.quarantined)} quarantined` : '',
    ].filter(Boolean);
    return newest.complete ? 'Yes' : `No${parts.length ? `: ${parts.join(', ')}` : ''}`;
}

function columns(zone: string, hasCounts: boolean): Column<Day>[] {
    const counts: Column<Day>[] = [
        {
            key: 'events',
            label: 'Events',
            align: 'right',
            sort: byNumber((row) => row.newest?.events),
            cell: (row) => format.count(row.newest?.events),
        },
        {
            key: 'late',
            label: 'Late',
            align: 'right',
            secondary: true,
            hint: 'Of the events, those that came after the first revision',
            sort: byNumber((row) => row.newest?.late),
            cell: (row) => format.count(row.newest?.late),
        },
    ];
    return [
        {
            key: 'day',
            label: 'Day (UTC)',
            sort: byText((row) => row.day),
            cell: (row) => el('span', { 'data-day': row.day }, format.day(row.day, 'long')),
        },
        { key: 'state', label: 'State', sort: byText((row) => STATES[row.state].label), cell: (row) => badge(row.state) },
        ...(hasCounts ? counts : []),
        {
            key: 'complete',
            label: 'Complete',
            secondary: true,
            hint: 'Nothing is missing, and every collector heard on the day was heard from after it',
            sort: byNumber((row) => Number(row.newest?.complete ?? -1)),
            cell: missing,
        },
        {
            key: 'revision',
            label: 'Revision',
            align: 'right',
            secondary: true,
            sort: byNumber((row) => row.newest?.revision),
            cell: (row) => format.count(row.newest?.revision),
        },
        {
            key: 'closed',
            label: 'Closed',
            secondary: true,
            sort: byText((row) => row.newest?.closedAt ?? ''),
            cell: (row) =>
                row.newest
                    ? el('span', { title: REASONS[row.newest.reason] }, format.time(row.newest.closedAt, zone, 'short'))
                    : format.NOTHING,
        },
        {
            key: 'checksum',
            label: 'Checksum',
            secondary: true,
            hint: 'SHA-256 of the newest entry of the ledger',
            cell: (row) => (row.newest ? shortChecksum(row.newest.checksum) : format.NOTHING),
        },
    ];
}

function showTable(data: Days, zone: string, body: HTMLElement): void {
    const hasCounts = data.days.some((day) => day.newest?.events !== undefined);
    replace(body, table('Days', columns(zone, hasCounts), data.days, { onPick: open, sortBy: 'day', descending: true }));
}

function files(data: () => Days | null): ExportFile[] {
    const row = (each: Revision): (string | number | boolean | null)[] => [
        each.day,
        each.revision,
        each.closedAt,
        each.reason,
        each.complete,
        each.events ?? null,
        each.late ?? null,
        each.gaps ?? null,
        each.duplicates ?? null,
        each.quarantined ?? null,
        each.checksum,
        each.previousChecksum,
        each.n,
    ];
    return [
        rowsFile('ledger', 'The ledger: every revision', () => ({
            columns: [
                'day',
                'revision',
                'closedAt',
                'reason',
                'complete',
                'events',
                'late',
                'gaps',
                'duplicates',
                'quarantined',
                'checksum',
                'previousChecksum',
                'n',
            ],
            rows: (data()?.days ?? []).flatMap((day) => day.revisions).map(row),
        })),
        rowsFile('days', 'Days and their state', () => ({
            columns: ['day', 'state', 'revision', 'events', 'checksum'],
            rows: (data()?.days ?? []).map((day) => [
                day.day,
                STATES[day.state].label,
                day.newest?.revision,
                day.newest?.events,
                day.newest?.checksum,
            ]),
        })),
    ];
}

// ---- the page ----

// The day that the address last named: where its dialog was closed the keyboard goes on.
let lastDay: string | null = null;

function follow(view: View, data: Days, body: HTMLElement): void {
    const asked = view.state.params.get('day');
    if (asked) {
        openRevision(view, asked, data.days.find((each) => each.day === asked)?.revisions ?? []);
    } else if (lastDay) {
        const at = body.querySelector(`[data-day="${CSS.escape(lastDay)}"]`);
        at?.closest<HTMLElement>('.cell-button')?.focus({ preventScroll: true });
    }
    lastDay = asked;
}

export const days: Page = {
    path: '/days',
    title: 'Days',
    group: 'Reports',
    icon: 'days',
    live: false,
    closedOnly: true,
    filters: { range: true, zone: true, organization: false },
    async render(view) {
        const { root, signal, state } = view;
        const numbers = figures();
        const notice = el('p', { class: 'notice' });
        notice.hidden = true;
        const list = card('Days', { wide: true, height: 300, empty: 'The ledger has no day of this range' });
        list.setSubtitle(`Newest first; choose one for its revisions. Times are of ${state.zone}.`);
        root.append(notice, numbers.root, list.root);
        let shown: Days | null = null;
        view.exports(() => files(() => shown));
        const again = async (): Promise<void> => {
            const show = (data: Days, body: HTMLElement): void => {
                const isFirst = !shown;
                shown = data;
                notice.hidden = false;
                replace(notice, finality(data));
                numbers.show(data);
                showTable(data, state.zone, body);
                if (isFirst) {
                    follow(view, data, body);
                }
            };
            await list.load(signal, () => askDays(view), show, (data) => !data.days.length);
            if (!shown) {
                numbers.clear();
            }
        };
        view.refresh(REFRESH_MS, again);
        await again();
    },
};

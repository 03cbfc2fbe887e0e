// A dialog with one revision of a day in full, and the day's other revisions beside it.
import { get } from '../api';
import { openDialog } from '../dialog';
import { el, replace, type Child } from '../dom';
import * as format from '../format';
import { iconButton } from '../icon';
import type { View } from '../page';
import { setState } from '../state';
import { errorState, skeleton } from '../status_view';
import { byNumber, byText, meter, table } from '../table';
import { segmented } from '../tabs';
import { toast, toastError } from '../toast';
import { REASONS, type Revision } from './days_data';

interface Stream {
    stream: string;
    collector: string;
    import: boolean;
    firstSequence: number;
    lastSequence: number;
    heardAt: string | null;
    reachedEndOfDay: boolean;
}
interface Partition {
    partition: number;
    events: number;
    late: number;
    duplicates: number;
    gaps: number;
    quarantined: number;
    rows: number;
    incomplete: boolean;
    sheetChecksum: string;
    streams: Stream[];
}
interface Full extends Revision {
    gapBatches: number;
    partitions: Partition[];
    organizations: { organization: string; requests: number }[];
    organizationsLeftOut: { organizations: number; requests: number };
    differences: { organization: string; client: string; requests: number }[];
    differencesLeftOut: { clients: number; requests: number };
}

const CHECKSUM_SHOWN = 12;
const NO_ENTRY =
    'The ledger has no entry of this day: it is not closed, or not within the dates on screen. What was counted so far is on the ' +
    'other pages; it can still change. A day is closed about an hour after its end (UTC).';

export function shortChecksum(checksum: string): HTMLElement {
    return el('code', { title: checksum }, `${checksum.slice(0, CHECKSUM_SHOWN)}…`);
}

function copy(text: string): void {
    const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('This browser has no clipboard here.'));
    written.then(() => toast('Checksum copied.'), toastError);
}

function wholeChecksum(checksum: string, name: string): HTMLElement {
    const label = `Copy ${name}`;
    const code = el('code', { style: { 'overflow-wrap': 'anywhere', 'min-width': '0', flex: '1' } }, checksum);
    return el('span', { class: 'row' }, code, iconButton(label, 'copy', () => copy(checksum), { title: label }));
}

function hint(text: string): HTMLElement {
    return el('p', { class: 'hint' }, text);
}

function facts(rows: [string, Child][]): HTMLElement {
    return el(
        'table',
        { class: 'table' },
        el(
            'tbody',
            {},
            rows.map(([name, value]) => {
                const head = el('th', { scope: 'row', class: 'faint', style: { 'overflow-wrap': 'normal' } }, name);
                return el('tr', {}, head, el('td', {}, value));
            }),
        ),
    );
}

const ERASED: [string, Child][] = [['Erased', 'A user was erased later; the sheets of this revision are gone.']];

// What any caller sees.
function entry(revision: Revision, zone: string): HTMLElement {
    const counts: [string, Child][] =
        revision.events === undefined
            ? []
            : [
                  ['Events', format.count(revision.events)],
                  ['Late', format.count(revision.late)],
                  ['Duplicates', format.count(revision.duplicates)],
                  ['Gaps', format.count(revision.gaps)],
                  ['Quarantined', format.count(revision.quarantined)],
              ];
    return facts([
        ['Closed', format.time(revision.closedAt, zone, 'full')],
        ['Reason', REASONS[revision.reason]],
        [
            'Complete',
            revision.complete ? 'Yes' : el('span', { class: 'badge bad' }, 'No: something was lost on its way'),
        ],
        ...(revision.erased ? ERASED : []),
        ...counts,
        ['Ledger entry', format.count(revision.n)],
        ['Checksum', wholeChecksum(revision.checksum, 'checksum')],
        [
            'Entry before',
            revision.previousChecksum
                ? wholeChecksum(revision.previousChecksum, 'checksum of the entry before')
                : 'It is the first one',
        ],
    ]);
}

function differences(full: Full): Child {
    if (full.revision === 1) {
        return null;
    }
    const left = full.differencesLeftOut.clients;
    return [
        el('h3', {}, `What changed against revision ${full.revision - 1}`),
        full.differences.length
            ? table(
                  'Differences',
                  [
                      { key: 'client', label: 'Application', sort: byText((row) => row.client), cell: (row) => row.client },
                      { key: 'organization', label: 'Organization', cell: (row) => row.organization },
                      {
                          key: 'requests',
                          label: 'Requests',
                          align: 'right',
                          sort: byNumber((row) => row.requests),
                          cell: (row) => `${row.requests < 0 ? '−' : '+'}${format.count(Math.abs(row.requests))}`,
                      },
                  ],
                  full.differences,
              )
            : el('p', { class: 'faint' }, 'No count is different.'),
        left ? hint(format.plural(left, 'more application')) : null,
    ];
}

function organizations(full: Full): Child {
    const most = Math.max(0, ...full.organizations.map((each) => each.requests));
    const left = full.organizationsLeftOut;
    return [
        el('h3', {}, 'Organizations'),
        table(
            'Organizations',
            [
                {
                    key: 'organization',
                    label: 'Organization',
                    sort: byText((row) => row.organization),
                    cell: (row) => row.organization,
                },
                {
                    key: 'requests',
                    label: 'Requests',
                    align: 'right',
                    sort: byNumber((row) => row.requests),
                    cell: (row) => meter(row.requests, most, format.count(row.requests)),
                },
            ],
            full.organizations,
            { sortBy: 'requests', descending: true },
        ),
        left.organizations
            ? hint(`${format.plural(left.organizations, 'more organization')}: ${format.count(left.requests)}`)
            : null,
    ];
}

function partitions(full: Full): Child {
    const silent = (row: Partition): number => row.streams.filter((each) => !each.import && !each.reachedEndOfDay).length;
    return [
        el('h3', {}, 'Partitions'),
        table(
            'Partitions',
            [
                { key: 'partition', label: 'Partition', sort: byNumber((row) => row.partition), cell: (row) => row.partition },
                {
                    key: 'events',
                    label: 'Events',
                    align: 'right',
                    sort: byNumber((row) => row.events),
                    cell: (row) => format.count(row.events),
                },
                {
                    key: 'gaps',
                    label: 'Gaps',
                    align: 'right',
                    sort: byNumber((row) => row.gaps),
                    cell: (row) => format.count(row.gaps),
                },
                {
                    key: 'state',
                    label: 'State',
                    cell: (row) =>
                        row.incomplete
                            ? el('span', { class: 'badge bad' }, 'Incomplete')
                            : silent(row)
                              ? el('span', { class: 'badge warn' }, format.plural(silent(row), 'silent collector'))
                              : el('span', { class: 'badge good' }, 'Complete'),
                },
                {
                    key: 'streams',
                    label: 'Streams',
                    align: 'right',
                    secondary: true,
                    cell: (row) => format.count(row.streams.length),
                },
                { key: 'sheet', label: 'Sheet', secondary: true, cell: (row) => shortChecksum(row.sheetChecksum) },
            ],
            full.partitions,
        ),
    ];
}

// Opens it and keeps the address in step: closing it takes the day out of the address, and going back closes it.
export function openRevision(view: View, day: string, revisions: Revision[]): void {
    const asked = Number(view.state.params.get('revision'));
    const chosen = revisions.find((each) => each.revision === asked) ?? revisions[0];
    const rest = el('div', { class: 'form' });
    const choose =
        revisions.length > 1 && chosen
            ? segmented(
                  'Revision',
                  [...revisions].reverse().map((each) => ({ id: String(each.revision), label: `Revision ${each.revision}` })),
                  String(chosen.revision),
                  (revision) => setState({ params: { day, revision } }, 'replace'),
              )
            : null;
    const body = el(
        'div',
        { class: 'form' },
        choose,
        chosen ? entry(chosen, view.state.zone) : el('p', {}, NO_ENTRY),
        rest,
    );
    const title = `${format.day(day, 'long')}${chosen ? `, revision ${chosen.revision}` : ''}`;
    const dialog = openDialog(title, body, [{ label: 'Close' }], {
        wide: true,
        onClose: () => {
            if (!view.signal.aborted) {
                setState({ params: { day: null, revision: null } });
            }
        },
    });
    view.signal.addEventListener('abort', () => dialog.close());
    if (chosen) {
        void load(view, chosen, rest);
    }
}

async function load(view: View, chosen: Revision, rest: HTMLElement): Promise<void> {
    if (chosen.events === undefined) {
        rest.append(hint('Counts and partitions are of all organizations, and shown to those who see all of them.'));
        return;
    }
    rest.replaceChildren(skeleton());
    try {
        const path = `/api/v2/usage/days/${encodeURIComponent(chosen.day)}/revisions/${chosen.revision}`;
        const full = await get<Full>(path, {}, view.signal);
        replace(rest, differences(full), organizations(full), partitions(full));
    } catch (error) {
        if (!view.signal.aborted) {
            rest.replaceChildren(errorState(error, () => void load(view, chosen, rest)));
        }
    }
}

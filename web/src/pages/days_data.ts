// The ledger as the page of days shows it: each day of the range with all of its revisions, also days that are not closed.
import { get } from '../api';
import { addDays } from '../dates';
import type { View } from '../page';

export type Reason = 'day_end' | 'late' | 'requested' | 'erasure';
export interface Revision {
    day: string;
    revision: number;
    closedAt: string;
    reason: Reason;
    complete: boolean;
    checksum: string;
    previousChecksum: string | null;
    n: number;
    erased?: true;
    // Not for those who see one organization only:
    events?: number;
    late?: number;
    gaps?: number;
    duplicates?: number;
    quarantined?: number;
}
interface Ledger {
    entities: Revision[];
    finalizedThrough: string | null;
    nextUri?: string;
}
export type DayState = 'final' | 'revised' | 'incomplete' | 'open' | 'none';
export interface Day {
    day: string;
    state: DayState;
    newest: Revision | null;
    revisions: Revision[];
}
export interface Days {
    days: Day[]; // newest first
    finalizedThrough: string | null;
    total: number | null; // events; null where they are not shown
}

export const REASONS: Record<Reason, string> = {
    day_end: 'The day ended',
    late: 'Late events',
    requested: 'On request',
    erasure: 'A user was erased',
};
const PAGE_SIZE = 1000;
const PAGES_MAX = 10;

function stateOf(day: string, newest: Revision | null, through: string | null): DayState {
    if (!newest) {
        return through && day <= through ? 'none' : 'open';
    }
    return !newest.complete ? 'incomplete' : newest.revision > 1 ? 'revised' : 'final';
}

async function askLedger(view: View): Promise<Ledger> {
    const { from, to } = view.state.range;
    let page = await get<Ledger>('/api/v2/usage/days', { from, to, pageSize: PAGE_SIZE }, view.signal);
    const entities = [...page.entities];
    for (let i = 1; page.nextUri && i < PAGES_MAX; i++) {
        page = await get<Ledger>(page.nextUri, {}, view.signal);
        entities.push(...page.entities);
    }
    return { entities, finalizedThrough: page.finalizedThrough };
}

// The days of the range, which are those of UTC; not before the first one that there is.
export async function askDays(view: View): Promise<Days> {
    const { entities, finalizedThrough } = await askLedger(view);
    const byDay = new Map<string, Revision[]>();
    entities.forEach((each) => byDay.set(each.day, [each, ...(byDay.get(each.day) ?? [])]));
    const { from, to } = view.state.range;
    const isBefore = !entities.length && finalizedThrough !== null && to <= finalizedThrough;
    const first = isBefore ? addDays(to, 1) : (entities[0]?.day ?? from); // the oldest day comes first
    const days: Day[] = [];
    for (let day = to; day >= from && day >= first; day = addDays(day, -1)) {
        const revisions = byDay.get(day) ?? []; // the newest one first
        const newest = revisions[0] ?? null;
        days.push({ day, newest, revisions, state: stateOf(day, newest, finalizedThrough) });
    }
    const counted = days.filter(({ newest }) => newest);
    const isKnown = counted.every(({ newest }) => newest?.events !== undefined);
    return { days, finalizedThrough, total: isKnown ? counted.reduce((sum, { newest }) => sum + (newest?.events ?? 0), 0) : null };
}

// The numbers of the traffic page: values of days and hours as the statistics have them, put together to weeks and months, and the
// period before laid beside them.
import { get, shared } from '../api';
import { addDays, dateIn, daysBetween, earlier, monthEnd, weekday } from '../dates';
import type { View } from '../page';
import type { Range } from '../state';
import { askTotals, HITS, statsPath, whenChanged, type Metric, type Total } from '../stats';

export type Step = 'hour' | 'day' | 'week' | 'month';

export interface Usage {
    period: { since: string; until: string };
    total: number;
    values: number[];
    provisional: boolean;
    finalized_through: string | null;
}

// A bar: the dates it is about, and which of the values (of hours or days) are its parts.
export interface Slot {
    from: string;
    to: string;
    begin?: number; // of an hour, ms
    first: number;
    last: number;
}

const HOUR_MS = 3_600_000;
const HOURS_DAYS_MAX = 31; // further apart, hours are too many bars
const DAYS_MAX = 92;
const WEEKS_MAX = 366;

// Of an hour one, so that averages are of hours there.
export function daysOf({ from, to }: { from: string; to: string }): number {
    return daysBetween(from, to) + 1;
}

export function stepsFor(range: Range): Step[] {
    const days = daysOf(range);
    const steps: [Step, boolean][] = [
        ['hour', days <= HOURS_DAYS_MAX],
        ['day', true],
        ['week', days > 7],
        ['month', days > 28],
    ];
    return steps.filter(([, fits]) => fits).map(([step]) => step);
}

export function stepOf(asked: string | null, range: Range): Step {
    const days = daysOf(range);
    const usual: Step = days <= 2 ? 'hour' : days <= DAYS_MAX ? 'day' : days <= WEEKS_MAX ? 'week' : 'month';
    return stepsFor(range).find((step) => step === asked) ?? usual;
}

function lastOf(step: Step, date: string): string {
    return step === 'month' ? monthEnd(date) : step === 'week' ? addDays(date, (7 - weekday(date)) % 7) : date;
}

// The bars of a range of days. Weeks begin on Monday; the first and the last may be cut by the range.
export function daySlots({ from, to }: Range, step: Step): Slot[] {
    const slots: Slot[] = [];
    for (let at = from; at <= to;) {
        const end = earlier(lastOf(step, at), to);
        slots.push({ from: at, to: end, first: daysBetween(from, at), last: daysBetween(from, end) });
        at = addDays(end, 1);
    }
    return slots;
}

// Hours are what the clocks show: a day may have 23 or 25. Those to come are left out.
export function hourSlots(since: string, count: number, zone: string, now: number): Slot[] {
    const begin = Date.parse(since);
    return Array.from({ length: count }, (_, i) => {
        const at = begin + i * HOUR_MS;
        const date = dateIn(zone, at);
        return { from: date, to: date, begin: at, first: i, last: i };
    }).filter((slot) => slot.begin <= now);
}

export function sums(values: number[], slots: Slot[]): number[] {
    return slots.map(({ first, last }) => values.slice(first, last + 1).reduce((sum, value) => sum + value, 0));
}

// Whether all of it has passed, by the clocks of the zone.
export function isOver(slot: Slot, zone: string, now: number): boolean {
    return slot.begin !== undefined ? slot.begin + HOUR_MS <= now : slot.to < dateIn(zone, now);
}

// Days are closed by UTC: a date of the zone is final when the next day of UTC that it reaches into is.
export function isFinal(slot: Slot, zone: string, through: string | null): boolean {
    const reaches =
        slot.begin !== undefined
            ? dateIn('UTC', slot.begin + HOUR_MS - 1)
            : isBehindUtc(zone, slot.to)
              ? addDays(slot.to, 1)
              : slot.to;
    return through !== null && reaches <= through;
}

// Whether the zone's date ends later than that of UTC.
function isBehindUtc(zone: string, date: string): boolean {
    return dateIn(zone, Date.parse(`${addDays(date, 1)}T00:00:00Z`)) <= date;
}

export function rangeBefore(range: Range): Range {
    const days = daysOf(range);
    return { preset: null, from: addDays(range.from, -days), to: addDays(range.from, -1) };
}

// ---- questions ----

export interface Asking {
    view: View;
    client: string | null;
    step: Step;
    before: () => Promise<Usage | null>; // asked once
    part: ReturnType<typeof whenChanged<Usage>>; // of the methods
}

function inRange(view: View, range: Range): { since: string; until: string; timezone: string } {
    return { since: range.from, until: range.to, timezone: view.state.zone };
}

export function askUsage({ view, client, step }: Asking, metric: string, range: Range): Promise<Usage> {
    const asked = { ...inRange(view, range), metric_name: metric, granularity: step === 'hour' ? 'hour' : 'day' };
    return get<Usage>(statsPath(view, 'usage', client), asked, view.signal);
}

// ---- all that the page shows ----

const METHODS_MAX = 7; // as many as there are colours; the others are in "Other requests"
export const STACKED: Metric = { name: '', title: 'All, by method' };

export interface Traffic {
    slots: Slot[];
    totals: Total[];
    hits: number[]; // of what is chosen: all requests, or those of the method
    parts: { metric: Metric; values: number[] }[]; // the methods that are stacked
    before: number[] | null;
    over: boolean[];
    final: boolean[];
    provisional: boolean;
}

export function chosenMetric(view: View): string {
    return view.state.params.get('metric') ?? STACKED.name;
}

export function hasBefore(view: View): boolean {
    return view.state.params.get('before') !== 'off';
}

function methodsShown(totals: Total[]): Total[] {
    const methods = totals.filter(({ name, total }) => name !== HITS.name && total > 0);
    const most = [...methods].sort((a, b) => b.total - a.total).slice(0, METHODS_MAX);
    return methods.filter((method) => most.includes(method)); // in their own order: a colour stays a method's
}

export async function askTraffic(asking: Asking): Promise<Traffic> {
    const { view, step } = asking;
    const { range, zone } = view.state;
    const metric = chosenMetric(view);
    const totals = await askTotals(view, inRange(view, range), asking.client);
    const methods = metric === STACKED.name ? methodsShown(totals) : [];
    const [usage, previous, ...others] = await Promise.all([
        askUsage(asking, metric || HITS.name, range),
        asking.before(),
        ...methods.map(({ name, total }) => asking.part(name, total, () => askUsage(asking, name, range))),
    ]);
    const now = Date.now();
    const slots = step === 'hour' ? hourSlots(usage.period.since, usage.values.length, zone, now) : daySlots(range, step);
    return {
        slots,
        totals,
        hits: sums(usage.values, slots),
        parts: methods.map((method, i) => ({ metric: method, values: sums(others[i]?.values ?? [], slots) })),
        before: previous && sums(previous.values, slots),
        over: slots.map((slot) => isOver(slot, zone, now)),
        final: slots.map((slot) => isFinal(slot, zone, usage.finalized_through)),
        provisional: usage.provisional,
    };
}

// Of the same metric, for as many days before. It does not change while the page is shown.
async function askBefore(asking: Asking): Promise<Usage | null> {
    const { view } = asking;
    return hasBefore(view) ? askUsage(asking, chosenMetric(view) || HITS.name, rangeBefore(view.state.range)) : null;
}

export function makeAsking(view: View, step: Step): Asking {
    const asking: Asking = {
        view,
        client: view.state.params.get('client'),
        step,
        before: shared(() => askBefore(asking)),
        part: whenChanged(),
    };
    return asking;
}

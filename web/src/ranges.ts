// Which dates a preset means. It is a rule and not a list of dates, so a bookmark of "last 7 days" stays that; a link that is made
// with "Copy link" holds the dates themselves.
import { addDays, addMonths, dateIn, earlier, isDate, monthBegin, monthEnd, weekday } from './dates';

export interface Range {
    preset: string | null;
    from: string; // local dates, both included
    to: string;
}

interface Preset {
    id: string;
    label: string;
    dates(today: string, last: string): [string, string]; // last: the last date that may be chosen
}

const lastDays =
    (n: number) =>
    (_today: string, last: string): [string, string] => [addDays(last, 1 - n), last];

function lastWeek(today: string): [string, string] {
    const sunday = addDays(today, -(weekday(today) || 7)); // weeks begin on Monday
    return [addDays(sunday, -6), sunday];
}

export const PRESETS: Preset[] = [
    { id: 'today', label: 'Today', dates: (today) => [today, today] },
    { id: 'yesterday', label: 'Yesterday', dates: (today) => [addDays(today, -1), addDays(today, -1)] },
    { id: 'last24h', label: 'Last 24 hours', dates: (today) => [addDays(today, -1), today] },
    { id: 'lastWeek', label: 'Last week', dates: lastWeek },
    { id: 'last7', label: 'Last 7 days', dates: lastDays(7) },
    { id: 'last30', label: 'Last 30 days', dates: lastDays(30) },
    { id: 'last90', label: 'Last 90 days', dates: lastDays(90) },
    { id: 'thisMonth', label: 'This month', dates: (today, last) => [monthBegin(today), last] },
    { id: 'lastMonth', label: 'Last month', dates: (today) => [addMonths(today, -1), monthEnd(addMonths(today, -1))] },
];
export const USUAL_PRESETS = ['today', 'yesterday', 'lastWeek', 'last7', 'last30', 'last90', 'thisMonth', 'lastMonth'];

export interface RangeRules {
    closedOnly: boolean;
    presets: string[]; // those offered, the first choice being 'last7' or else the first
    custom: boolean;
}

// The last date that may be chosen. Days are closed by UTC, so where only closed days count it is over both by UTC and in the zone.
export function lastDate(rules: RangeRules, zone: string): string {
    const today = dateIn(zone);
    return rules.closedOnly ? addDays(earlier(today, dateIn('UTC')), -1) : today;
}

// Null for one that holds no date which may be chosen, as this month on its first day where only closed days count.
export function presetRange(id: string, rules: RangeRules, zone: string): Range | null {
    const preset = PRESETS.find((each) => each.id === id && rules.presets.includes(id));
    if (!preset) {
        return null;
    }
    const last = lastDate(rules, zone);
    const [from, to] = preset.dates(dateIn(zone), last);
    const end = earlier(to, last);
    return from > end || (rules.closedOnly && id === 'today') ? null : { preset: id, from, to: end };
}

function usualRange(rules: RangeRules, zone: string): Range {
    for (const id of ['last7', ...rules.presets]) {
        const range = presetRange(id, rules, zone);
        if (range) {
            return range;
        }
    }
    const last = lastDate(rules, zone);
    return { preset: null, from: last, to: last };
}

// What the address asks for, made to fit the page: dates that it cannot show are left out.
export function readRange(params: URLSearchParams, rules: RangeRules, zone: string): Range {
    const preset = presetRange(params.get('range') ?? '', rules, zone);
    const from = params.get('from') ?? '';
    const to = params.get('to') ?? from;
    if (preset || !rules.custom || !isDate(from) || !isDate(to) || from > to) {
        return preset ?? usualRange(rules, zone);
    }
    const end = earlier(to, lastDate(rules, zone));
    return from > end ? usualRange(rules, zone) : { preset: null, from, to: end };
}

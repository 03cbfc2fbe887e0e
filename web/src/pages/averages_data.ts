// Averages by weekday and by hour, and how many days are behind each. The statistics have them for organizations; those of a single
// application are made here, in the same way, from its values.
import { get } from '../api';
import { addDays, weekday } from '../dates';
import type { View } from '../page';
import { HITS, statsPath } from '../stats';
import { hourSlots, type Usage } from './traffic_data';

export interface Averages {
    total: number;
    values: number[];
    divisors: number[];
    totals: number[];
}

export type Kind = 'daily' | 'hourly';

const BINS: Record<Kind, number> = { daily: 7, hourly: 24 };

export function chosenMetric(view: View): string {
    return view.state.params.get('metric') ?? HITS.name;
}

// The values by the bin that each is of; a bin's divisor is how many values it has.
export function averagesOf(values: number[], bins: number[], n: number): Averages {
    const divisors = Array.from({ length: n }, (_, bin) => bins.filter((each) => each === bin).length);
    const totals = Array.from({ length: n }, () => 0);
    bins.forEach((bin, i) => (totals[bin] = (totals[bin] ?? 0) + (values[i] ?? 0)));
    return {
        total: totals.reduce((sum, value) => sum + value, 0),
        values: totals.map((total, bin) => (divisors[bin] ? total / divisors[bin]! : 0)),
        divisors,
        totals,
    };
}

function hourIn(zone: string): (ms: number) => number {
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' });
    return (ms) => Number(clock.format(ms));
}

// The bins of a usage's values, those that are to come left out.
export function binsOf(kind: Kind, usage: Usage, from: string, zone: string, now: number): number[] {
    if (kind === 'daily') {
        return usage.values.map((_, i) => weekday(addDays(from, i)));
    }
    const hour = hourIn(zone);
    return hourSlots(usage.period.since, usage.values.length, zone, now).map((slot) => hour(slot.begin ?? 0));
}

export async function askAverages(view: View, kind: Kind): Promise<Averages> {
    const { range, zone } = view.state;
    const asked = { metric_name: chosenMetric(view), since: range.from, until: range.to, timezone: zone };
    if (!view.session.client) {
        return get<Averages>(statsPath(view, `${kind}_averages`), asked, view.signal);
    }
    const granularity = kind === 'daily' ? 'day' : 'hour';
    const usage = await get<Usage>(statsPath(view, 'usage'), { ...asked, granularity }, view.signal);
    return averagesOf(usage.values, binsOf(kind, usage, range.from, zone, Date.now()), BINS[kind]);
}

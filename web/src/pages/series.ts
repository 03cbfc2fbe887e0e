// A series of the statistics: how fine it is for a range, what its points are called, and which of them can still change.
import { addDays, addMonths, dateIn, dayBegin, daysBetween } from '../dates';
import type { ChartData } from '../chart';
import type { Query } from '../api';
import * as format from '../format';
import type { Range, State } from '../state';

export interface StatsSeries {
    total: number;
    values: number[];
    previous_total?: number;
    change?: number;
    finalized_through: string | null;
    period: { since: string; until: string; granularity: string };
}

export type Unit = 'hour' | 'day' | 'month';

const HOUR_MS = 3_600_000;
const HOURLY_DAYS = 2;
const DAILY_DAYS = 190;

export function unitOf(range: Range): Unit {
    const days = daysBetween(range.from, range.to) + 1;
    return days <= HOURLY_DAYS ? 'hour' : days <= DAILY_DAYS ? 'day' : 'month';
}

// What the statistics are asked for, of the dates on screen.
export function datesQuery({ range, zone }: State): Query {
    return { since: range.from, until: range.to, timezone: zone };
}

export function seriesQuery(state: State): Query {
    return { ...datesQuery(state), granularity: unitOf(state.range) };
}

// As many dates just before.
export function rangeBefore({ from, to }: Range): Range {
    const days = daysBetween(from, to) + 1;
    return { preset: null, from: addDays(from, -days), to: addDays(from, -1) };
}

export interface SeriesPoint {
    label: string;
    title: string;
    stamp: string; // for files: a date, or a moment
    range: Range; // the dates that it holds
    provisional: boolean;
}

// The first and the last date of a point, and its begin where it is shorter than a day.
function place(unit: string, since: string, i: number, zone: string): { from: string; to: string; begin?: number } {
    const first = since.slice(0, 10);
    if (unit === 'hour') {
        const begin = Date.parse(since) + i * HOUR_MS;
        const date = dateIn(zone, begin);
        return { from: date, to: date, begin };
    }
    if (unit === 'month') {
        const from = addMonths(first, i);
        return { from, to: addDays(addMonths(from, 1), -1) };
    }
    const date = addDays(first, i);
    return { from: date, to: date };
}

export function seriesPoints(series: StatsSeries, zone: string): SeriesPoint[] {
    const { since, granularity } = series.period;
    return series.values.map((_, i) => {
        const { from, to, begin } = place(granularity, since, i, zone);
        const last = begin === undefined ? dayBegin(zone, addDays(to, 1)) - 1 : begin;
        const style = granularity === 'month' ? 'month' : 'long';
        return {
            label: begin !== undefined ? format.time(begin, zone, 'time') : format.day(from, style === 'month' ? 'month' : 'short'),
            title: begin !== undefined ? format.time(begin, zone, 'short') : format.day(from, style),
            stamp: begin !== undefined ? new Date(begin).toISOString() : from,
            range: { preset: null, from, to },
            provisional: dateIn('UTC', last) > (series.finalized_through ?? ''),
        };
    });
}

export function axis(points: SeriesPoint[]): Pick<ChartData, 'labels' | 'titles'> {
    return { labels: points.map((point) => point.label), titles: points.map((point) => point.title) };
}

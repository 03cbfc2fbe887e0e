// The usage of a window that ends now, cut to the dates on screen: what the pages of latency and of one endpoint ask for.
import { get, type Query } from '../api';
import { dateIn, daysBetween } from '../dates';
import * as format from '../format';
import type { View } from '../page';
import type { Range } from '../state';
import { dayBegin } from './series';

export interface Latency {
    p50: number | null;
    p90: number | null;
    p95: number | null;
    p99: number | null;
}
export interface UsagePoint {
    timestamp: string;
    requests: number;
    successfulRequests: number;
    failedRequests: number;
    averageLatency: number;
    peakLatency: number;
    dataTransferred: number;
    latency: Latency;
    provisional: boolean;
}
export interface Endpoint {
    endpoint: string;
    requests: number;
    failedRequests: number;
    averageLatency: number;
    latency: Latency;
}
export interface CodeCount {
    statusCode: number;
    requests: number;
    lastSeen?: string;
}
export interface Caller {
    keyId: string;
    organization: string;
    requests: number;
    failedRequests: number;
    averageLatency: number;
}
export interface Usage {
    usage: {
        totalRequests: number;
        failedRequests: number;
        averageLatency: number;
        peakLatency: number;
        requestsPerMinute: number;
        peakRequestsPerHour: number;
        dataTransferred: number;
    };
    timeSeries: UsagePoint[];
    breakdown: { byEndpoint?: Endpoint[]; byStatusCode: CodeCount[]; byKey: Caller[] };
    latency: Latency & { errorPercent: number };
    window: { from: string; to: string };
    finalizedThrough: string | null;
    pagination: { total: number };
}

export interface Window {
    timeframe: string;
    granularity: 'hour' | 'day';
    whole: boolean; // all of it is shown; else it holds the dates, and more
}

const HOUR_MS = 3_600_000;
const WHOLE: Record<string, string> = { last24h: '24h', last7: '7d', last30: '30d', last90: '90d' };
const TIMEFRAMES: [string, number][] = [
    ['24h', 24],
    ['7d', 168],
    ['30d', 720],
    ['90d', 2160],
    ['1y', 8760],
];
const HOURLY_DAYS = 2;

// The shortest that holds the dates.
export function windowOf(range: Range, zone: string): Window {
    const whole = WHOLE[range.preset ?? ''];
    if (whole) {
        return { timeframe: whole, granularity: whole === '24h' ? 'hour' : 'day', whole: true };
    }
    const age_h = (Date.now() - dayBegin(range.from, zone)) / HOUR_MS;
    const timeframe = TIMEFRAMES.find(([, hours]) => hours >= age_h)?.[0] ?? 'all';
    const isShort = daysBetween(range.from, range.to) < HOURLY_DAYS && timeframe !== 'all';
    return { timeframe, granularity: isShort ? 'hour' : 'day', whole: false };
}

export function askUsage(view: View, window: Window, more: Query): Promise<Usage> {
    const { organization, zone } = view.state;
    const { timeframe, granularity } = window;
    return get('/v1/developer/usage', { timeframe, granularity, organization, timeZone: zone, ...more }, view.signal);
}

export function pointDate(point: UsagePoint, zone: string): string {
    return dateIn(zone, Date.parse(point.timestamp));
}

export function pointsOf(usage: Usage, window: Window, { range, zone }: { range: Range; zone: string }): UsagePoint[] {
    const within = (point: UsagePoint): boolean => {
        const date = pointDate(point, zone);
        return date >= range.from && date <= range.to;
    };
    return window.whole ? usage.timeSeries : usage.timeSeries.filter(within);
}

export function pointNames(points: UsagePoint[], zone: string, hourly: boolean): { labels: string[]; titles: string[] } {
    const long = points.length > 30;
    const name = (point: UsagePoint, isTitle: boolean): string =>
        hourly
            ? format.time(point.timestamp, zone, isTitle || long ? 'short' : 'time')
            : format.day(pointDate(point, zone), isTitle ? 'long' : 'short');
    return { labels: points.map((point) => name(point, false)), titles: points.map((point) => name(point, true)) };
}

// Without requests there is no latency; it is not 0.
export function measured(point: UsagePoint, value: number | null): number | null {
    return point.requests ? value : null;
}

export const PERCENTILES =
    'From a histogram: each is at most 4.5 % away from a latency that was really measured. Averages and peaks are exact.';

// The usage of the dates on screen: what the pages of latency and of one endpoint ask for.
import { get, type Query } from '../api';
import { dateIn, daysBetween } from '../dates';
import * as format from '../format';
import type { View } from '../page';
import type { Range } from '../state';

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

// Whether points are hours, else they are days.
export function isHourly({ from, to }: Range, most_days = 2): boolean {
    return daysBetween(from, to) < most_days;
}

export function askUsage(view: View, hourly: boolean, more: Query): Promise<Usage> {
    const { organization, range, zone } = view.state;
    const dates = { since: range.from, until: range.to, timeZone: zone, granularity: hourly ? 'hour' : 'day' };
    return get('/v1/developer/usage', { ...dates, organization, ...more }, view.signal);
}

export function pointDate(point: UsagePoint, zone: string): string {
    return dateIn(zone, Date.parse(point.timestamp));
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

// What is known of one endpoint, or one method, on the dates on screen. The usage of a window that ends now has all of it. Of other
// dates the points within them are summed up, and exact codes come from the statistics; applications are of the whole window.
import { get } from '../api';
import type { View } from '../page';
import { statsPath } from '../stats';
import { datesQuery, dayBegin } from './series';
import { askUsage, pointsOf, windowOf } from './usage_window';
import type { Caller, CodeCount, Latency, Usage, UsagePoint, Window } from './usage_window';
import { addDays } from '../dates';

// Those which are always shown, before whatever else occurs.
export const USUAL_CODES = [200, 201, 400, 403, 404, 500, 504];

export interface Figures {
    requests: number;
    failed: number;
    perMinute: number;
    peakPerHour: number | null;
    average: number;
    peak: number;
    latency: Latency | null; // null: percentiles cannot be added up
    data: number;
}

export interface Found {
    window: Window;
    points: UsagePoint[];
    figures: Figures;
    codes: CodeCount[];
    callers: Caller[];
    from: string;
    to: string;
    windowFrom: string;
}

function ofWindow({ usage, latency }: Usage): Figures {
    return {
        requests: usage.totalRequests,
        failed: usage.failedRequests,
        perMinute: usage.requestsPerMinute,
        peakPerHour: usage.peakRequestsPerHour,
        average: usage.averageLatency,
        peak: usage.peakLatency,
        latency,
        data: usage.dataTransferred,
    };
}

function ofPoints(points: UsagePoint[], minutes: number, hourly: boolean): Figures {
    const sum = (of: (point: UsagePoint) => number): number => points.reduce((total, point) => total + of(point), 0);
    const requests = sum((point) => point.requests);
    return {
        requests,
        failed: sum((point) => point.failedRequests),
        perMinute: minutes > 0 ? requests / minutes : 0,
        peakPerHour: hourly ? Math.max(0, ...points.map((point) => point.requests)) : null,
        average: requests ? sum((point) => point.averageLatency * point.requests) / requests : 0,
        peak: Math.max(0, ...points.map((point) => point.peakLatency)),
        latency: null,
        data: sum((point) => point.dataTransferred),
    };
}

interface Summary {
    response_codes: { code: string; total: number }[];
}

async function codesOfDates(view: View, metric: string): Promise<CodeCount[]> {
    const query = { ...datesQuery(view.state), metric_name: metric };
    const { response_codes: codes } = await get<Summary>(statsPath(view, 'summary'), query, view.signal);
    return codes.map(({ code, total }) => ({ statusCode: Number(code), requests: total }));
}

export async function askEndpoint(view: View, endpoint: string): Promise<Found> {
    const { range, zone } = view.state;
    const window = windowOf(range, zone);
    const usage = await askUsage(view, window, { endpoint, includeEndpoints: false, includeErrors: false, limit: 1000 });
    const points = pointsOf(usage, window, view.state);
    const begin = dayBegin(range.from, zone);
    const end = Math.min(Date.now(), dayBegin(addDays(range.to, 1), zone));
    return {
        window,
        points,
        figures: window.whole ? ofWindow(usage) : ofPoints(points, (end - begin) / 60_000, window.granularity === 'hour'),
        codes: window.whole ? usage.breakdown.byStatusCode : await codesOfDates(view, endpoint),
        callers: usage.breakdown.byKey,
        from: window.whole ? usage.window.from : new Date(begin).toISOString(),
        to: window.whole ? usage.window.to : new Date(end).toISOString(),
        windowFrom: usage.window.from,
    };
}

// Every usual code, also where it did not occur, and all others.
export function allCodes(codes: CodeCount[]): CodeCount[] {
    const missing = USUAL_CODES.filter((code) => !codes.some(({ statusCode }) => statusCode === code));
    return [...codes, ...missing.map((statusCode) => ({ statusCode, requests: 0 }))].sort((a, b) => a.statusCode - b.statusCode);
}

// Requests a minute of each point: of as much of it as is within the dates, and over.
export function rates(found: Found): (number | null)[] {
    const [from, to] = [Date.parse(found.from), Date.parse(found.to)];
    return found.points.map((point, i) => {
        const next = found.points[i + 1];
        const begin = Math.max(from, Date.parse(point.timestamp));
        const minutes = (Math.min(to, next ? Date.parse(next.timestamp) : to) - begin) / 60_000;
        return minutes > 0 ? point.requests / minutes : null;
    });
}

// What is known of one endpoint, or one method, on the dates on screen. The usage of a window that ends now has all of it. Of other
// dates the points within them are summed up; exact codes of a method come from the statistics, those of one endpoint are known of
// the whole window only.
import { get } from '../api';
import type { View } from '../page';
import { statsPath, type Metric } from '../stats';
import { datesQuery, dayBegin, type StatsSeries } from './series';
import { askUsage, pointsOf, windowOf } from './usage_window';
import type { Caller, CodeCount, Latency, Usage, UsagePoint, Window } from './usage_window';
import { addDays } from '../dates';

// Those which are always shown, before whatever else occurs.
export const USUAL_CODES = [200, 201, 400, 403, 404, 500, 504];
const CODES_MAX = 40;

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
    codesOfWindow: boolean; // the codes are of all of the window, which is more than what is shown
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

async function codesOfMethod(view: View, method: string, codes: number[]): Promise<CodeCount[]> {
    const query = { ...datesQuery(view.state), metric_name: method, granularity: 'eternity' };
    const path = statsPath(view, 'usage_response_code');
    const counts = await Promise.all(
        codes.map(async (code) => {
            const { total } = await get<StatsSeries>(path, { ...query, response_code: code }, view.signal);
            return { statusCode: code, requests: total };
        }),
    );
    return counts.filter(({ requests }) => requests > 0);
}

export async function askEndpoint(view: View, endpoint: string, methods: Metric[]): Promise<Found> {
    const { range, zone } = view.state;
    const window = windowOf(range, zone);
    const usage = await askUsage(view, window, { endpoint, includeEndpoints: false, includeErrors: false, limit: 1000 });
    const points = pointsOf(usage, window, view.state);
    const begin = dayBegin(range.from, zone);
    const end = Math.min(Date.now(), dayBegin(addDays(range.to, 1), zone));
    const isMethod = methods.some((method) => method.name === endpoint);
    const ofDates = !window.whole && isMethod;
    const known = usage.breakdown.byStatusCode.map(({ statusCode }) => statusCode).slice(0, CODES_MAX);
    return {
        window,
        points,
        figures: window.whole ? ofWindow(usage) : ofPoints(points, (end - begin) / 60_000, window.granularity === 'hour'),
        codes: ofDates ? await codesOfMethod(view, endpoint, known) : usage.breakdown.byStatusCode,
        codesOfWindow: !window.whole && !isMethod,
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

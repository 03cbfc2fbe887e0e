// What is known of one endpoint, or one method, on the dates on screen.
import type { View } from '../page';
import { askUsage, isHourly, type CodeCount, type Usage } from './usage_window';

// Those which are always shown, before whatever else occurs.
export const USUAL_CODES = [200, 201, 400, 403, 404, 500, 504];

export function askEndpoint(view: View, endpoint: string): Promise<Usage> {
    const query = { endpoint, includeEndpoints: false, includeErrors: false, limit: 1000 };
    return askUsage(view, isHourly(view.state.range), query);
}

// Every usual code, also where it did not occur, and all others.
export function allCodes(codes: CodeCount[]): CodeCount[] {
    const missing = USUAL_CODES.filter((code) => !codes.some(({ statusCode }) => statusCode === code));
    return [...codes, ...missing.map((statusCode) => ({ statusCode, requests: 0 }))].sort((a, b) => a.statusCode - b.statusCode);
}

// Requests a minute of each point: of as much of it as is within the window.
export function rates({ timeSeries: points, window }: Usage): (number | null)[] {
    const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
    return points.map((point, i) => {
        const next = points[i + 1];
        const begin = Math.max(from, Date.parse(point.timestamp));
        const minutes = (Math.min(to, next ? Date.parse(next.timestamp) : to) - begin) / 60_000;
        return minutes > 0 ? point.requests / minutes : null;
    });
}

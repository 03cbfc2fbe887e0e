import assert from 'node:assert/strict';
import test from 'node:test';
import { addDays, dateIn } from '../src/dates';
import { allCodes, rates, type Found } from '../src/pages/metrics_data';
import { pointsOf, windowOf, type Usage, type UsagePoint } from '../src/pages/usage_window';

const zone = 'Asia/Kathmandu';
const today = dateIn(zone);

function point(timestamp: string, requests: number): UsagePoint {
    return {
        timestamp,
        requests,
        successfulRequests: requests,
        failedRequests: 0,
        averageLatency: 0,
        peakLatency: 0,
        dataTransferred: 0,
        latency: { p50: 0, p90: 0, p95: 0, p99: 0 },
        provisional: false,
    };
}

test('usual ranges are whole windows that end now', () => {
    const range = { preset: 'last30', from: addDays(today, -29), to: today };
    assert.deepEqual(windowOf(range, zone), { timeframe: '30d', granularity: 'day', whole: true });
});

test('other dates are within the shortest window that holds them', () => {
    const of = (from: number, to: number) => windowOf({ preset: null, from: addDays(today, from), to: addDays(today, to) }, zone);
    assert.equal(of(0, 0).timeframe, '24h');
    assert.equal(of(-5, -3).timeframe, '7d');
    assert.equal(of(-8, -6).timeframe, '30d');
    assert.equal(of(-40, -6).timeframe, '90d');
    assert.equal(of(-200, -6).timeframe, '1y');
    assert.equal(of(-800, -6).timeframe, 'all');
    assert.equal(of(-8, -7).granularity, 'hour');
    assert.equal(of(-8, -6).granularity, 'day');
    assert.equal(of(-8, -6).whole, false);
});

test('of a window the points of the dates are taken, by the clocks of the zone', () => {
    const timeSeries = ['2026-11-18', '2026-11-19', '2026-11-20'].map((date, i) => point(`${date}T00:00:00+05:45`, i));
    const window = { timeframe: '7d', granularity: 'day' as const, whole: false };
    const range = { preset: null, from: '2026-11-19', to: '2026-11-19' };
    assert.deepEqual(
        pointsOf({ timeSeries } as Usage, window, { range, zone }).map((each) => each.requests),
        [1],
    );
    assert.equal(pointsOf({ timeSeries } as Usage, { ...window, whole: true }, { range, zone }).length, 3);
});

test('the rate of a point is that of its part within the window', () => {
    const found = {
        from: '2026-11-19T12:00:00Z',
        to: '2026-11-20T06:00:00Z',
        points: [point('2026-11-19T00:00:00Z', 720), point('2026-11-20T00:00:00Z', 720)],
    } as Found;
    assert.deepEqual(rates(found), [1, 2]);
});

test('usual codes are always there, others where they occurred, by number', () => {
    const codes = allCodes([
        { statusCode: 503, requests: 2 },
        { statusCode: 200, requests: 9 },
    ]);
    assert.deepEqual(
        codes.map((each) => each.statusCode),
        [200, 201, 400, 403, 404, 500, 503, 504],
    );
    assert.equal(codes[0]!.requests, 9);
    assert.equal(codes[1]!.requests, 0);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { allCodes, rates } from '../src/pages/metrics_data';
import { isHourly, type Usage, type UsagePoint } from '../src/pages/usage_window';

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

test('points of few dates are hours', () => {
    const of = (from: string, to: string, most_days?: number) => isHourly({ preset: null, from, to }, most_days);
    assert.equal(of('2026-11-19', '2026-11-20'), true);
    assert.equal(of('2026-11-19', '2026-11-21'), false);
    assert.equal(of('2026-11-15', '2026-11-21', 7), true);
    assert.equal(of('2026-11-14', '2026-11-21', 7), false);
});

test('the rate of a point is that of its part within the window', () => {
    const found = {
        window: { from: '2026-11-19T12:00:00Z', to: '2026-11-20T06:00:00Z' },
        timeSeries: [point('2026-11-19T00:00:00Z', 720), point('2026-11-20T00:00:00Z', 720)],
    } as Usage;
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

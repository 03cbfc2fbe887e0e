import assert from 'node:assert/strict';
import test from 'node:test';
import { rangeBefore, seriesPoints, unitOf, type StatsSeries } from '../src/pages/series';

const range = (from: string, to: string) => ({ preset: null, from, to });

function series(since: string, granularity: string, n: number, finalized: string | null = null): StatsSeries {
    return {
        total: 0,
        values: Array.from({ length: n }, () => 0),
        finalized_through: finalized,
        period: { since, until: '', granularity },
    };
}

test('a longer range has coarser points', () => {
    assert.equal(unitOf(range('2026-11-20', '2026-11-20')), 'hour');
    assert.equal(unitOf(range('2026-11-19', '2026-11-20')), 'hour');
    assert.equal(unitOf(range('2026-11-18', '2026-11-20')), 'day');
    assert.equal(unitOf(range('2026-01-01', '2026-12-31')), 'month');
});

test('before a range there are as many dates', () => {
    assert.deepEqual(rangeBefore(range('2026-11-15', '2026-11-21')), range('2026-11-08', '2026-11-14'));
    assert.deepEqual(rangeBefore(range('2026-03-01', '2026-03-01')), range('2026-02-28', '2026-02-28'));
});

test('days have their dates, and are final when all of them is', () => {
    const points = seriesPoints(series('2026-11-19T00:00:00+01:00', 'day', 3, '2026-11-20'), 'Europe/Berlin');
    assert.deepEqual(
        points.map((point) => point.stamp),
        ['2026-11-19', '2026-11-20', '2026-11-21'],
    );
    assert.deepEqual(
        points.map((point) => point.provisional),
        [false, false, true],
    );
    // In New York the 20th goes on into the 21st of UTC.
    const west = seriesPoints(series('2026-11-19T00:00:00-05:00', 'day', 2, '2026-11-20'), 'America/New_York');
    assert.deepEqual(
        west.map((point) => point.provisional),
        [false, true],
    );
});

test('an hour that comes twice is two points', () => {
    const points = seriesPoints(series('2026-10-25T00:00:00+02:00', 'hour', 25), 'Europe/Berlin');
    assert.deepEqual(
        points.slice(1, 5).map((point) => point.label),
        ['01:00', '02:00', '02:00', '03:00'],
    );
    assert.equal(points[24]!.label, '23:00');
    assert.ok(points.every((point) => point.range.from === '2026-10-25' && point.provisional));
});

test('months end with their last day', () => {
    const points = seriesPoints(series('2026-01-01T00:00:00Z', 'month', 3, '2026-02-28'), 'UTC');
    assert.deepEqual(
        points.map(({ range: { from, to } }) => [from, to]),
        [
            ['2026-01-01', '2026-01-31'],
            ['2026-02-01', '2026-02-28'],
            ['2026-03-01', '2026-03-31'],
        ],
    );
    assert.deepEqual(
        points.map((point) => point.provisional),
        [false, false, true],
    );
});

import { deepEqual, equal } from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { lastDate, presetRange, readRange, USUAL_PRESETS, type RangeRules } from '../src/ranges';

const OPEN: RangeRules = { closedOnly: false, presets: USUAL_PRESETS, custom: true };
const CLOSED: RangeRules = { closedOnly: true, presets: USUAL_PRESETS.filter((id) => id !== 'today'), custom: true };

function itIs(time: string): void {
    mock.method(Date, 'now', () => Date.parse(time));
}

function dates(id: string, rules: RangeRules, zone = 'UTC'): string | null {
    const range = presetRange(id, rules, zone);
    return range && `${range.from} ${range.to}`;
}

beforeEach(() => itIs('2026-11-21T19:00:00Z'));
afterEach(() => mock.restoreAll());

test('presets where the current day counts', () => {
    equal(dates('today', OPEN), '2026-11-21 2026-11-21');
    equal(dates('yesterday', OPEN), '2026-11-20 2026-11-20');
    equal(dates('last7', OPEN), '2026-11-15 2026-11-21');
    equal(dates('last30', OPEN), '2026-10-23 2026-11-21');
    equal(dates('thisMonth', OPEN), '2026-11-01 2026-11-21');
    equal(dates('lastMonth', OPEN), '2026-10-01 2026-10-31');
    equal(dates('lastWeek', OPEN), '2026-11-09 2026-11-15'); // Monday to Sunday
    equal(dates('nonsense', OPEN), null);
});

test('presets of closed days never have the current one', () => {
    equal(dates('today', CLOSED), null);
    equal(dates('last7', CLOSED), '2026-11-14 2026-11-20');
    equal(dates('last90', CLOSED), '2026-08-23 2026-11-20');
    equal(dates('thisMonth', CLOSED), '2026-11-01 2026-11-20');
});

test('last week is over', () => {
    for (const [now, week] of [
        ['2026-11-22T10:00:00Z', '2026-11-09 2026-11-15'],
        ['2026-11-23T10:00:00Z', '2026-11-16 2026-11-22'],
    ] as const) {
        itIs(now);
        equal(dates('lastWeek', OPEN), week);
        equal(dates('lastWeek', CLOSED), week);
    }
    equal(dates('lastWeek', CLOSED, 'Pacific/Kiritimati'), '2026-11-16 2026-11-22');
});

test('on the first of a month this month has no closed day', () => {
    itIs('2026-12-01T10:00:00Z');
    equal(dates('thisMonth', CLOSED), null);
    equal(dates('thisMonth', OPEN), '2026-12-01 2026-12-01');
    equal(dates('lastMonth', CLOSED), '2026-11-01 2026-11-30');
});

test('a date counts as over when it is over in the zone and by UTC', () => {
    equal(lastDate(CLOSED, 'UTC'), '2026-11-20');
    equal(lastDate(CLOSED, 'Asia/Kathmandu'), '2026-11-20'); // there it is the 22nd already
    itIs('2026-11-21T03:00:00Z');
    equal(lastDate(CLOSED, 'America/New_York'), '2026-11-19'); // there it is the 20th still
});

test('what the address says is made to fit the page', () => {
    const read = (query: string, rules: RangeRules) => readRange(new URLSearchParams(query), rules, 'UTC');
    deepEqual(read('', OPEN), { preset: 'last7', from: '2026-11-15', to: '2026-11-21' });
    deepEqual(read('range=last30', OPEN), { preset: 'last30', from: '2026-10-23', to: '2026-11-21' });
    deepEqual(read('range=today', CLOSED), { preset: 'last7', from: '2026-11-14', to: '2026-11-20' });
    deepEqual(read('from=2026-11-10&to=2026-11-25', CLOSED), { preset: null, from: '2026-11-10', to: '2026-11-20' });
    deepEqual(read('from=2026-11-10&to=2026-11-25', OPEN), { preset: null, from: '2026-11-10', to: '2026-11-21' });
    deepEqual(read('from=2026-11-10', OPEN), { preset: null, from: '2026-11-10', to: '2026-11-10' });
    deepEqual(read('from=2027-01-01&to=2027-01-02', OPEN), { preset: 'last7', from: '2026-11-15', to: '2026-11-21' });
    deepEqual(read('from=2026-11-12&to=2026-11-10', OPEN), { preset: 'last7', from: '2026-11-15', to: '2026-11-21' });
    deepEqual(read('from=x&to=2026-11-10', OPEN), { preset: 'last7', from: '2026-11-15', to: '2026-11-21' });
    equal(read('from=2026-11-10&to=2026-11-11', { ...OPEN, presets: ['last24h'], custom: false }).preset, 'last24h');
});

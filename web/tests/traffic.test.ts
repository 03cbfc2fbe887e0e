import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { averagesOf, binsOf } from '../src/pages/averages_data';
import { daySlots, hourSlots, isFinal, isOver, rangeBefore, stepOf, stepsFor, sums } from '../src/pages/traffic_data';

const range = (from: string, to: string) => ({ preset: null, from, to });
const dates = (slots: { from: string; to: string }[]): string[] => slots.map(({ from, to }) => `${from} ${to}`);

test('which steps fit a range', () => {
    deepEqual(stepsFor(range('2026-11-21', '2026-11-21')), ['hour', 'day']);
    deepEqual(stepsFor(range('2026-11-01', '2026-11-30')), ['hour', 'day', 'week', 'month']);
    deepEqual(stepsFor(range('2026-08-01', '2026-11-30')), ['day', 'week', 'month']);
    equal(stepOf(null, range('2026-11-20', '2026-11-21')), 'hour');
    equal(stepOf(null, range('2026-11-15', '2026-11-21')), 'day');
    equal(stepOf('week', range('2026-11-01', '2026-11-21')), 'week');
    equal(stepOf('hour', range('2026-01-01', '2026-11-21')), 'week'); // hours would be too many bars
    equal(stepOf('nonsense', range('2026-11-15', '2026-11-21')), 'day');
});

test('weeks begin on Monday and are cut by the range', () => {
    const slots = daySlots(range('2026-11-14', '2026-11-24'), 'week'); // Saturday to Tuesday
    deepEqual(dates(slots), ['2026-11-14 2026-11-15', '2026-11-16 2026-11-22', '2026-11-23 2026-11-24']);
    deepEqual(sums([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], slots), [3, 42, 21]);
});

test('months are cut by the range', () => {
    const slots = daySlots(range('2026-01-30', '2026-03-02'), 'month');
    deepEqual(dates(slots), ['2026-01-30 2026-01-31', '2026-02-01 2026-02-28', '2026-03-01 2026-03-02']);
    deepEqual(
        sums(
            Array.from({ length: 32 }, () => 1),
            slots,
        ),
        [2, 28, 2],
    );
});

test('hours are those of the clock, and none is to come', () => {
    // Berlin puts its clocks back on this day, which has 25 hours.
    const slots = hourSlots('2026-10-25T00:00:00+02:00', 25, 'Europe/Berlin', Date.parse('2026-11-01T00:00:00Z'));
    equal(slots.length, 25);
    deepEqual(new Set(slots.map(({ from }) => from)), new Set(['2026-10-25']));
    equal(hourSlots('2026-11-21T00:00:00Z', 24, 'UTC', Date.parse('2026-11-21T19:30:00Z')).length, 20);
});

test('what is over and what is final', () => {
    const day = (date: string) => ({ from: date, to: date, first: 0, last: 0 });
    const now = Date.parse('2026-11-21T03:00:00Z');
    equal(isOver(day('2026-11-20'), 'UTC', now), true);
    equal(isOver(day('2026-11-20'), 'America/New_York', now), false); // it is ten in the evening there
    equal(isFinal(day('2026-11-20'), 'UTC', '2026-11-20'), true);
    equal(isFinal(day('2026-11-21'), 'UTC', '2026-11-20'), false);
    equal(isFinal(day('2026-11-20'), 'Europe/Berlin', '2026-11-20'), true);
    equal(isFinal(day('2026-11-20'), 'America/New_York', '2026-11-20'), false); // reaches into the 21st of UTC
    equal(isFinal(day('2026-11-20'), 'America/New_York', '2026-11-21'), true);
    equal(isFinal(day('2026-11-20'), 'UTC', null), false);
    const hour = { ...day('2026-11-20'), begin: Date.parse('2026-11-20T23:00:00Z') };
    equal(isFinal(hour, 'Asia/Kathmandu', '2026-11-20'), true);
});

test('the period before has as many days', () => {
    const { from, to } = rangeBefore(range('2026-11-15', '2026-11-21'));
    deepEqual([from, to], ['2026-11-08', '2026-11-14']);
});

test('averages of the values of days and hours', () => {
    const usage = (values: number[], since: string) => ({
        period: { since, until: '' },
        total: 0,
        values,
        provisional: false,
        finalized_through: null,
    });
    const now = Date.parse('2026-11-01T00:00:00Z');
    const days = usage([1, 2, 3, 4, 5, 6, 7, 8], '2026-10-18T00:00:00+02:00'); // Sunday to Sunday
    const week = averagesOf(days.values, binsOf('daily', days, '2026-10-18', 'Europe/Berlin', now), 7);
    deepEqual(week.divisors, [2, 1, 1, 1, 1, 1, 1]);
    deepEqual(week.values, [4.5, 2, 3, 4, 5, 6, 7]);
    equal(week.total, 36);
    // The clock shows the hour from two to three twice.
    const hours = usage(
        Array.from({ length: 25 }, () => 10),
        '2026-10-25T00:00:00+02:00',
    );
    const day = averagesOf(hours.values, binsOf('hourly', hours, '2026-10-25', 'Europe/Berlin', now), 24);
    deepEqual(day.divisors.slice(0, 4), [1, 1, 2, 1]);
    deepEqual(new Set(day.values), new Set([10]));
});

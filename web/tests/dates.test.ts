import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, addMonths, dateIn, dayBegin, daysBetween, isDate, isZone, monthEnd, weekday, zoneName } from '../src/dates';

test('dates go over ends of months, years and changes of the clock', () => {
    equal(addDays('2026-02-28', 1), '2026-03-01');
    equal(addDays('2024-02-28', 1), '2024-02-29');
    equal(addDays('2026-01-01', -1), '2025-12-31');
    equal(addDays('2026-03-28', 2), '2026-03-30');
    equal(addMonths('2026-01-31', 1), '2026-02-01');
    equal(addMonths('2026-01-15', -1), '2025-12-01');
    equal(monthEnd('2028-02-10'), '2028-02-29');
    equal(daysBetween('2026-10-24', '2026-10-26'), 2);
    equal(weekday('2026-11-22'), 0);
});

test('only dates that there are', () => {
    equal(isDate('2026-02-29'), false);
    equal(isDate('2024-02-29'), true);
    equal(isDate('2026-2-1'), false);
    equal(isDate(''), false);
    equal(isDate('2026-13-01'), false);
});

test('what day it is depends on the zone', () => {
    const moment = Date.parse('2026-11-20T18:20:00Z');
    equal(dateIn('UTC', moment), '2026-11-20');
    equal(dateIn('Asia/Kathmandu', moment), '2026-11-21');
    equal(dateIn('Pacific/Apia', Date.parse('2026-11-20T11:00:00Z')), '2026-11-21');
    equal(dateIn('America/New_York', Date.parse('2026-11-20T04:59:59Z')), '2026-11-19');
});

test('zones', () => {
    equal(isZone('Europe/Berlin'), true);
    equal(isZone('Europe/Nowhere'), false);
    equal(zoneName('Asia/Katmandu'), 'Asia/Kathmandu');
    equal(zoneName('Europe/Berlin'), 'Europe/Berlin');
});

test('a date begins by the clocks of its zone, also where they skip midnight', () => {
    const begin = (zone: string, date: string): string => new Date(dayBegin(zone, date)).toISOString();
    equal(begin('UTC', '2026-11-20'), '2026-11-20T00:00:00.000Z');
    equal(begin('Asia/Kathmandu', '2026-11-20'), '2026-11-19T18:15:00.000Z');
    equal(begin('America/New_York', '2026-11-01'), '2026-11-01T04:00:00.000Z');
    equal(begin('America/New_York', '2026-11-02'), '2026-11-02T05:00:00.000Z');
    equal(begin('Europe/Berlin', '2026-03-29'), '2026-03-28T23:00:00.000Z');
    equal(begin('Europe/Berlin', '2026-03-30'), '2026-03-29T22:00:00.000Z');
    equal(begin('Pacific/Kiritimati', '2026-11-20'), '2026-11-19T10:00:00.000Z');
    equal(begin('America/Sao_Paulo', '2018-11-04'), '2018-11-04T03:00:00.000Z'); // 00:00 was 01:00
});

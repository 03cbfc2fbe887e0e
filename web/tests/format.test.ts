import { equal } from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../src/format';

test('long names', () => {
    equal(format.shorten('v1/orders', 9), 'v1/orders');
    equal(format.shorten('v1/orders/{id}/items', 11), 'v1/or…items');
    equal(format.shorten('abcdef', 4), 'ab…f');
});

test('numbers', () => {
    equal(format.count(1234567), '1,234,567');
    equal(format.count(null), format.NOTHING);
    equal(format.compact(1234567), '1.2M');
    equal(format.percent(0.0512), '5.1%');
    equal(format.percent(0), '0.0%');
    equal(format.percent(0.00001), '< 0.1%');
    equal(format.percent(1), '100.0%');
    equal(format.share(1, 0), format.NOTHING);
    equal(format.change(12.34), '+12%');
    equal(format.change(-3.21), '−3.2%');
    equal(format.changeBetween(5, 0), null);
    equal(format.bytes(999), '999 B');
    equal(format.bytes(1500), '1.5 kB');
    equal(format.bytes(123_456_789), '123 MB');
    equal(format.ms(8.24), '8.2 ms');
    equal(format.ms(325), '325 ms');
    equal(format.ms(1234), '1.23 s');
    equal(format.plural(1, 'day'), '1 day');
    equal(format.plural(2000, 'day'), '2,000 days');
});

test('moments are shown by the clocks of the zone, dates by none', () => {
    equal(format.time('2026-11-20T18:20:00Z', 'Asia/Kathmandu', 'time'), '00:05');
    equal(format.time('2026-11-20T18:20:00Z', 'America/New_York', 'time'), '13:20');
    equal(format.day('2026-11-20', 'short'), 'Nov 20');
    equal(format.dayRange('2026-11-20', '2026-11-20'), 'Nov 20, 2026');
    equal(format.offset('Asia/Kathmandu'), 'UTC+05:45');
    equal(format.offset('UTC'), 'UTC');
    equal(format.offset('Europe/Berlin', '2026-07-01T00:00:00Z'), 'UTC+02:00');
    equal(format.weekdayName(0), 'Sunday');
});

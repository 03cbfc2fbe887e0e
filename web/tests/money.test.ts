// Amounts in millionths: what is typed is what is sent, exactly.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromMicros, toMicros } from '../src/money';

test('amounts are read exactly', () => {
    assert.equal(toMicros('1.50'), 1_500_000);
    assert.equal(toMicros(' 0,000001 '), 1);
    assert.equal(toMicros('999999999.999999'), 999_999_999_999_999);
    assert.equal(toMicros('12'), 12_000_000);
});

test('what is no amount is not guessed', () => {
    for (const text of ['', '-1', '1.', '.5', '1.1234567', '1e3', '1.000,50', 'x']) {
        assert.equal(toMicros(text), null, text);
    }
});

test('amounts are shown as they can be typed', () => {
    assert.equal(fromMicros(1_500_000), '1.50');
    assert.equal(fromMicros(0), '0.00');
    assert.equal(fromMicros(12_500), '0.0125');
    for (const micros of [1, 10, 12_500, 1_500_000, 999_999_999_999_999]) {
        assert.equal(toMicros(fromMicros(micros)), micros);
    }
});

// Days and currencies of several accounts together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byCurrency, byDay, idOf, type Account } from '../src/pages/costs_data';

const ACCOUNTS: Account[] = [
    {
        kind: 'organization',
        organization: 'acme',
        used: 30,
        overage: 10,
        currency: 'EUR',
        amountMicros: 5,
        projected: { used: 60, amountMicros: 12 },
        days: [
            { date: '2026-11-02', requests: 20, overage: 10, amountMicros: 5, provisional: true },
            { date: '2026-11-01', requests: 10, overage: 0, amountMicros: 0 },
        ],
    },
    {
        kind: 'client',
        organization: 'acme',
        clientId: 'c/1',
        used: 3,
        currency: 'USD',
        amountMicros: 7,
        projected: { used: 6, amountMicros: 8 },
        days: [{ date: '2026-11-02', requests: 3, overage: 0, amountMicros: 7 }],
    },
    {
        kind: 'unpriced',
        organization: 'globex',
        clientId: 'c-2',
        used: 4,
        projected: { used: 8 },
        days: [{ date: '2026-11-01', requests: 4 }],
    },
];

test('days of all accounts add up, in order', () => {
    assert.deepEqual(byDay(ACCOUNTS), [
        { date: '2026-11-01', requests: 14, overage: 0, amountMicros: 0, provisional: false },
        { date: '2026-11-02', requests: 23, overage: 10, amountMicros: 12, provisional: true },
    ]);
});

test('currencies are not added to each other', () => {
    assert.deepEqual([...byCurrency(ACCOUNTS)], [
        ['EUR', { now: 5, projected: 12 }],
        ['USD', { now: 7, projected: 8 }],
    ]);
});

test('an account is an organization, or a client of one', () => {
    assert.deepEqual(ACCOUNTS.map(idOf), ['acme', 'acme/c/1', 'globex/c-2']);
});

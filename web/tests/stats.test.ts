import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whenChanged } from '../src/stats';

test('a series is asked for again when its total changed', async () => {
    const part = whenChanged<{ total: number }>();
    let asked = 0;
    const ask = (total: number) => () => Promise.resolve({ total, asked: ++asked });
    await part('orders', 0, ask(7)); // the answer is newer than the total that was known
    assert.deepEqual(await part('orders', 7, ask(8)), { total: 7, asked: 1 });
    assert.deepEqual(await part('users', 7, ask(7)), { total: 7, asked: 2 });
    assert.deepEqual(await part('orders', 8, ask(8)), { total: 8, asked: 3 });
    await assert.rejects(part('orders', 9, () => Promise.reject(new Error('away'))));
    assert.deepEqual(await part('orders', 9, ask(9)), { total: 9, asked: 4 });
});

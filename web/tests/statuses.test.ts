import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { codeMeaning, statusOf, statusParts } from '../src/statuses';

test('parts of statuses add up to the requests: 429 is a part of 400', () => {
    const parts = statusParts({ status200: 90, status300: 4, status400: 10, status429: 3, status500: 2, requests: 107 });
    deepEqual(
        parts.map(({ status, value }) => [status.code, value]),
        [
            ['200', 90],
            ['300', 4],
            ['400', 7],
            ['429', 3],
            ['500', 2],
            ['other', 1],
        ],
    );
    equal(
        parts.reduce((sum, { value }) => sum + value, 0),
        107,
    );
    equal(statusParts({ status200: 1, requests: 1 }).length, 5);
});

test('the class of a code', () => {
    equal(statusOf(404).code, '400');
    equal(statusOf('429').code, '429');
    equal(statusOf(599).code, '500');
    equal(statusOf(101).code, 'other');
    equal(codeMeaning(404), 'Not found');
    equal(codeMeaning(418), '4xx Client error');
});

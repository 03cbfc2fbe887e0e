// Settings: access tokens, and keys of clients. A secret is shown once, when it is made.
import { get, send } from '../api';
import { el } from '../dom';
import { listOf, openForm, textOf, type FormField, type Values } from '../form';
import * as format from '../format';
import type { View } from '../page';
import { showSecret } from '../secret';
import { byText, type Column } from '../table';
import { ADMIN, inPath, isOfAll, organizationFields, orNull, TIERS } from './settings_common';
import { allOr, withOrganization, type Kind, type Listed } from './settings_list';

interface Access {
    name: string;
    permissions: string[];
    tier: string;
    createdAt: string | null;
    expiresAt: string | null;
    lastUsedAt: string | null;
    expired: boolean;
}
interface Token extends Access {
    id: string;
    organization: string | null;
    client: string | null;
}
interface Key extends Access {
    keyId: string;
    organization: string;
}

const TOKENS = `${ADMIN}/tokens`;
const KEYS = '/v1/developer/keys';
const KEYS_MAX = 1000;
const ID_SHOWN = 14; // of a token's id
const PERMISSIONS: [string, string][] = [
    ['usage:organization:view', 'usage:organization:view, usage of the organization'],
    ['usage:client:view', 'usage:client:view, usage of clients'],
    ['usage:simpleSearch:view', 'usage:simpleSearch:view, searches'],
    ['oauth:client:view', 'oauth:client:view, clients'],
    ['admin', 'admin, everything, and Settings'],
];

// ---- what both have ----

function ageColumns<T extends Access>(zone: string): Column<T>[] {
    return [
        {
            key: 'permissions',
            label: 'May',
            secondary: true,
            cell: (row) =>
                el(
                    'span',
                    { class: 'badges' },
                    row.permissions.map((name) => el('span', { class: ['badge', name === 'admin' && 'accent'] }, name)),
                ),
        },
        { key: 'tier', label: 'Tier', secondary: true, cell: (row) => row.tier },
        {
            key: 'used',
            label: 'Last used',
            cell: (row) =>
                row.lastUsedAt
                    ? el('span', { class: 'nowrap', title: format.time(row.lastUsedAt, zone, 'full') }, format.ago(row.lastUsedAt))
                    : el('span', { class: 'faint nowrap' }, 'not lately'),
        },
        {
            key: 'expires',
            label: 'Ends',
            secondary: true,
            cell: (row) =>
                row.expired
                    ? el('span', { class: 'badge bad' }, 'Ended')
                    : row.expiresAt
                      ? el('span', { class: 'nowrap' }, format.time(row.expiresAt, zone))
                      : el('span', { class: 'faint nowrap' }, 'never'),
        },
    ];
}

function accessFields(permissions: string[]): FormField[] {
    return [
        { name: 'permissions', label: 'Permissions', kind: 'several', options: PERMISSIONS, value: permissions },
        { name: 'tier', label: 'Tier', half: true, kind: 'select', options: TIERS, value: 'free', hint: 'How often it may ask.' },
        { name: 'expiresAt', label: 'Last day', half: true, kind: 'date', hint: 'Of UTC; empty: it never ends.' },
    ];
}

function accessOf(values: Values): { permissions: string[]; tier: string; expiresAt: string | null } {
    const day = textOf(values, 'expiresAt');
    return {
        permissions: listOf(values, 'permissions'),
        tier: textOf(values, 'tier'),
        expiresAt: day ? `${day}T23:59:59Z` : null,
    };
}

const SEES: [string, string][] = [
    ['one', 'One organization'],
    ['all', 'All organizations'],
];
const BEARER = 'Programs send it as “Authorization: Bearer …”; people sign in with it here.';

// ---- tokens ----

function newToken(view: View, saved: (said: string) => Promise<void>): void {
    openForm(
        'New token',
        [
            { name: 'name', label: 'Name', required: true, hint: 'By which people know it.' },
            ...(isOfAll(view)
                ? [{ name: 'sees', label: 'Sees', kind: 'select' as const, options: SEES, value: 'one', half: true }]
                : []),
            ...organizationFields(view, view.state.organization, {
                required: true,
                half: true,
                when: (values) => values['sees'] !== 'all',
            }),
            { name: 'client', label: 'Client', hint: 'If it is to see the usage of one client only.' },
            ...accessFields(['usage:organization:view', 'usage:client:view']),
        ],
        async (values) => {
            const name = textOf(values, 'name');
            const { token } = await send<{ token: string }>('POST', TOKENS, {
                name,
                ...(isOfAll(view) ? { organization: orNull(textOf(values, 'organization')) } : {}),
                client: orNull(textOf(values, 'client')),
                ...accessOf(values),
            });
            await saved('Token made.');
            return () => showSecret(`Token ${name}`, 'Token', token, BEARER);
        },
        { action: 'Make token' },
    );
}

export function tokens(view: View): Kind<Token> {
    return {
        title: 'Tokens',
        one: 'token',
        path: TOKENS,
        query: { organization: view.state.organization },
        about: 'What lets programs and people in. Last use is about a minute late.',
        columns: [
            {
                key: 'name',
                label: 'Token',
                sort: byText((row) => row.name),
                cell: (row) => [row.name, el('div', { class: 'hint wide-only', title: row.id }, `${row.id.slice(0, ID_SHOWN)}…`)],
            },
            {
                key: 'sees',
                label: 'Sees',
                cell: (row) => [allOr(row.organization), row.client ? el('div', { class: 'hint' }, `only ${row.client}`) : null],
            },
            ...ageColumns<Token>(view.state.zone),
        ],
        name: (row) => row.name,
        words: (row) => `${row.id} ${row.organization ?? ''} ${row.client ?? ''} ${row.permissions.join(' ')}`,
        edit: (_row, saved) => newToken(view, saved),
        fixed: true,
        remove: {
            verb: 'Revoke',
            path: (row) => `${TOKENS}/${inPath(row.id)}`,
            text: () => 'Whoever uses it is refused from now on, also with tokens that were made from it.',
        },
        empty: 'There are no tokens',
    };
}

// ---- keys of clients ----

async function listKeys(organization: string | null, signal?: AbortSignal): Promise<Listed<Key>> {
    const query = { organization, limit: KEYS_MAX };
    const { keys, pagination } = await get<{ keys: Key[]; pagination: { total: number } }>(KEYS, query, signal);
    return { entities: keys, total: pagination.total };
}

function newKey(view: View, saved: (said: string) => Promise<void>): void {
    openForm(
        'New key',
        [
            { name: 'keyId', label: 'Client', hint: 'Its id; it is registered if it is not yet. Empty: a random one.' },
            { name: 'name', label: 'Name', hint: 'For people.' },
            ...organizationFields(view, view.state.organization, { required: true }),
            ...accessFields(['usage:client:view']).map((each) =>
                each.name === 'permissions' ? { ...each, options: PERMISSIONS.filter(([name]) => name !== 'admin') } : each,
            ),
        ],
        async (values) => {
            const { keyId, secret } = await send<{ keyId: string; secret: string }>('POST', KEYS, {
                keyId: orNull(textOf(values, 'keyId')),
                name: orNull(textOf(values, 'name')),
                ...(isOfAll(view) ? { organization: textOf(values, 'organization') } : {}),
                ...accessOf(values),
            });
            await saved('Key made.');
            return () => showSecret(`Key of ${keyId}`, 'Secret', secret, BEARER);
        },
        { action: 'Make key' },
    );
}

export function keys(view: View): Kind<Key> {
    return {
        title: 'Keys of clients',
        one: 'key',
        path: KEYS,
        list: (signal) => listKeys(view.state.organization, signal),
        about: 'A key is a client with a token of its own, which sees what that client used.',
        columns: [
            {
                key: 'keyId',
                label: 'Client',
                sort: byText((row) => row.keyId),
                cell: (row) => [row.name || row.keyId, el('div', { class: 'hint' }, `${row.keyId} · ${row.organization}`)],
            },
            ...ageColumns<Key>(view.state.zone),
        ],
        name: (row) => row.name || row.keyId,
        words: (row) => `${row.keyId} ${row.organization}`,
        edit: (_row, saved) => newKey(view, saved),
        fixed: true,
        remove: {
            verb: 'Revoke',
            path: (row) => withOrganization(`${KEYS}/${inPath(row.keyId)}`, row.organization),
            text: () => 'The client is refused from now on. It stays registered, so what it used keeps its name.',
        },
        empty: 'There are no keys',
    };
}

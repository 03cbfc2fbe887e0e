// Settings: channels, which tell people and programs of alerts.
import { send } from '../api';
import { el } from '../dom';
import { numberOf, openForm, textOf, type Values } from '../form';
import * as format from '../format';
import { iconButton } from '../icon';
import type { View } from '../page';
import { showSecret } from '../secret';
import { byText } from '../table';
import { toast, toastError } from '../toast';
import { ADMIN, inPath, isOfAll, organizationFields, orNull } from './settings_common';
import { allOr, type Kind } from './settings_list';

export interface Channel {
    id: string;
    name: string;
    organization: string | null;
    kind: 'webhook' | 'email';
    target: string;
    minLevel: number;
    system: boolean;
}
interface Created extends Channel {
    secret: string;
}

export const CHANNELS = `${ADMIN}/channels`;
const KINDS: [string, string][] = [
    ['webhook', 'Webhook'],
    ['email', 'Mail'],
];
const SIGNED = 'Deliveries are signed with it (Standard Webhooks). The receiver checks the signature with this secret.';

function reveal(channel: Channel & { secret?: string }): void {
    if (channel.secret) {
        showSecret(`Secret of ${channel.name || channel.target}`, 'Secret', channel.secret, SIGNED);
    }
}

function edit(view: View, row: Channel | null, saved: (said: string) => Promise<void>): void {
    const isMail = (values: Values): boolean => values['kind'] === 'email';
    const ofAll = (values: Values): boolean => isOfAll(view) && !textOf(values, 'organization');
    openForm(
        row ? `Channel ${row.name || row.target}` : 'New channel',
        [
            { name: 'name', label: 'Name', half: true, value: row?.name ?? '' },
            {
                name: 'kind',
                label: 'Kind',
                half: true,
                kind: 'select',
                options: KINDS,
                value: row?.kind ?? 'webhook',
                fixed: row !== null,
            },
            {
                name: 'target',
                label: 'Address',
                value: row?.target ?? '',
                required: true,
                placeholder: 'https:// …',
                hint: 'Where events are sent to: https://…, or an address for mail.',
            },
            ...organizationFields(view, row ? row.organization : view.state.organization, {
                hint: 'Whose alerts; empty: those of all organizations.',
            }),
            {
                name: 'minLevel',
                label: 'From which level on (percent)',
                kind: 'number',
                value: row?.minLevel ?? 0,
                hint: '0: all alerts. 100: only when a limit is reached.',
            },
            { name: 'system', label: 'System alerts, too', kind: 'switch', value: row?.system ?? false, when: ofAll },
        ],
        async (values) => {
            const body = {
                name: orNull(textOf(values, 'name')),
                ...(isOfAll(view) ? { organization: orNull(textOf(values, 'organization')) } : {}),
                kind: isMail(values) ? 'email' : 'webhook',
                target: textOf(values, 'target'),
                minLevel: numberOf(values, 'minLevel'),
                system: values['system'] === true,
            };
            const made = row
                ? await send<Channel>('PUT', `${CHANNELS}/${inPath(row.id)}`, body)
                : await send<Created>('POST', CHANNELS, body);
            await saved(row ? 'Channel saved.' : 'Channel made.');
            return () => reveal(made);
        },
    );
}

async function test(channel: Channel): Promise<void> {
    toast(`A test is sent to ${channel.name || channel.target}.`);
    const path = `${CHANNELS}/${inPath(channel.id)}/test`;
    const { delivered, status, error } = await send<{ delivered: boolean; status?: number; error?: string }>('POST', path);
    const answer = status ? ` The receiver answered ${status}.` : '';
    toast(delivered ? `The test was delivered.${answer}` : `Not delivered: ${error ?? ''}${answer}`, delivered ? 'done' : 'error');
}

function renew(channel: Channel): void {
    openForm(
        `A new secret for ${channel.name || channel.target}?`,
        [],
        async () => {
            const renewed = await send<Created>('POST', `${CHANNELS}/${inPath(channel.id)}/secret`);
            return () => reveal(renewed);
        },
        { action: 'Renew', intro: 'What is sent from now on is signed with the new one; the receiver must know it.' },
    );
}

function actions(channel: Channel): HTMLElement[] {
    const name = channel.name || channel.target;
    const run = (): void => void test(channel).catch(toastError);
    return [
        iconButton(`Send a test to ${name}`, 'send', run, { title: 'Send a test' }),
        ...(channel.kind === 'webhook'
            ? [iconButton(`New secret for ${name}`, 'lock', () => renew(channel), { title: 'New secret' })]
            : []),
    ];
}

export function channels(view: View): Kind<Channel> {
    return {
        title: 'Channels',
        one: 'channel',
        path: CHANNELS,
        query: { organization: view.state.organization },
        about: 'Where alerts are told: webhooks and mail.',
        columns: [
            {
                key: 'name',
                label: 'Channel',
                sort: byText((row) => row.name || row.target),
                cell: (row) => [row.name || row.target, el('div', { class: 'hint' }, row.target)],
            },
            {
                key: 'kind',
                label: 'Kind',
                secondary: true,
                cell: (row) => el('span', { class: 'badge' }, row.kind === 'email' ? 'Mail' : 'Webhook'),
            },
            {
                key: 'organization',
                label: 'Alerts of',
                cell: (row) => [allOr(row.organization), row.system ? ' and of the system' : null],
            },
            {
                key: 'minLevel',
                label: 'From',
                secondary: true,
                cell: (row) =>
                    row.minLevel ? format.percent(row.minLevel / 100, 0) : el('span', { class: 'faint' }, 'all levels'),
            },
        ],
        name: (row) => row.name || row.target,
        words: (row) => `${row.target} ${row.organization ?? ''} ${row.kind}`,
        edit: (row, saved) => edit(view, row, saved),
        actions,
        remove: {
            verb: 'Remove',
            path: (row) => `${CHANNELS}/${inPath(row.id)}`,
            text: () => 'What was not delivered through it yet is dropped.',
        },
        empty: 'There are no channels',
    };
}

// Settings: clients, which are registered to have a name, a tier and a plan.
import { send } from '../api';
import { el } from '../dom';
import { openForm, textOf } from '../form';
import * as format from '../format';
import type { View } from '../page';
import { byText } from '../table';
import { ADMIN, inPath, isOfAll, organizationFields, orNull, planChoices, TIERS } from './settings_common';
import { importButton } from './settings_import';
import { withOrganization, type Kind } from './settings_list';

interface Client {
    id: string;
    name: string;
    organization: string;
    tier: string;
    platform: string;
    plan: string;
}

const PATH = `${ADMIN}/clients`;

async function edit(view: View, row: Client | null, saved: (said: string) => Promise<void>): Promise<void> {
    const all = isOfAll(view);
    const plans = await planChoices('None of its own', row?.plan ?? null);
    openForm(
        row ? `Client ${row.id}` : 'New client',
        [
            {
                name: 'id',
                label: 'Id',
                half: true,
                value: row?.id ?? '',
                required: true,
                fixed: row !== null,
                hint: 'As its requests say it.',
            },
            { name: 'name', label: 'Name', half: true, value: row?.name ?? '', hint: 'For people.' },
            ...organizationFields(view, row?.organization ?? view.state.organization, {
                required: true,
                fixed: row !== null,
                half: true,
            }),
            {
                name: 'tier',
                label: 'Tier',
                half: true,
                kind: 'select',
                options: TIERS,
                value: row?.tier ?? 'free',
                hint: 'How often it may ask.',
            },
            {
                name: 'platform',
                label: 'Platform',
                half: true,
                value: row?.platform ?? '',
                suggestions: ['web', 'ios', 'android', 'server'],
            },
            {
                name: 'plan',
                label: 'Plan',
                half: true,
                kind: 'select',
                options: plans,
                value: row?.plan ?? '',
                fixed: !all,
                hint: all
                    ? 'Without one it counts with its organization.'
                    : 'Plans are given by administrators of all organizations.',
            },
        ],
        async (values) => {
            const id = textOf(values, 'id');
            await send('PUT', `${PATH}/${inPath(id)}`, {
                name: orNull(textOf(values, 'name')),
                organization: orNull(textOf(values, 'organization')) ?? view.session.organization,
                tier: textOf(values, 'tier'),
                platform: orNull(textOf(values, 'platform')),
                plan: orNull(textOf(values, 'plan')),
            });
            await saved(`Client ${id} saved.`);
        },
    );
}

export function clients(view: View): Kind<Client> {
    const of = (name: keyof Client): { sort: (a: Client, b: Client) => number } => ({ sort: byText((row) => row[name]) });
    return {
        title: 'Clients',
        one: 'client',
        path: PATH,
        query: { organization: view.state.organization },
        about: 'Applications that are known by a name, a tier and a plan. Others are counted, too, under their ids.',
        columns: [
            {
                key: 'id',
                label: 'Client',
                ...of('id'),
                cell: (row) => [row.name || row.id, row.name ? el('div', { class: 'hint' }, row.id) : null],
            },
            { key: 'organization', label: 'Organization', ...of('organization'), cell: (row) => row.organization },
            { key: 'tier', label: 'Tier', secondary: true, ...of('tier'), cell: (row) => el('span', { class: 'badge' }, row.tier) },
            {
                key: 'platform',
                label: 'Platform',
                secondary: true,
                ...of('platform'),
                cell: (row) => row.platform || format.NOTHING,
            },
            { key: 'plan', label: 'Plan', secondary: true, ...of('plan'), cell: (row) => row.plan || format.NOTHING },
        ],
        name: (row) => row.name || row.id,
        words: (row) => `${row.id} ${row.organization} ${row.tier} ${row.platform} ${row.plan}`,
        edit: (row, saved) => edit(view, row, saved),
        remove: {
            verb: 'Forget',
            path: (row) => withOrganization(`${PATH}/${inPath(row.id)}`, row.organization),
            text: () => 'What it used stays, under its id.',
        },
        tools: (reload) => importButton('clients', `${PATH}.csv`, 'id, name, organization, tier, platform, plan', reload),
        empty: 'No client is registered',
    };
}

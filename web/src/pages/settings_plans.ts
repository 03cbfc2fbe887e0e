// Settings: plans, and the organizations that have them. Both are changed by administrators of all organizations only, because what
// was bought is for the seller to say.
import { send } from '../api';
import { el } from '../dom';
import { numberOf, openForm, textOf } from '../form';
import * as format from '../format';
import { fromMicros, money, toMicros } from '../money';
import type { View } from '../page';
import { byNumber, byText } from '../table';
import { ADMIN, inPath, isOfAll, organizationFields, orNull, planChoices } from './settings_common';
import { refusal } from './settings_limits';
import { allOr, withOrganization, type Kind } from './settings_list';

interface Plan {
    name: string;
    title: string;
    organization: string | null;
    currency: string;
    included: number;
    priceMicros: number;
    ceiling: number;
}
interface Organization {
    id: string;
    name: string;
    plan: string;
}

const PLANS = `${ADMIN}/plans`;
const ORGANIZATIONS = `${ADMIN}/organizations`;

function editPlan(view: View, row: Plan | null, saved: (said: string) => Promise<void>): void {
    openForm(
        row ? `Plan ${row.name}` : 'New plan',
        [
            {
                name: 'name',
                label: 'Name',
                half: true,
                value: row?.name ?? '',
                required: true,
                fixed: row !== null,
                hint: 'Letters, digits, dot, _ and -.',
            },
            { name: 'title', label: 'Title', half: true, value: row?.title ?? '', hint: 'For people.' },
            ...organizationFields(view, row?.organization ?? null, { fixed: row !== null, hint: 'Empty: for all organizations.' }),
            { name: 'included', label: 'Included requests a month', half: true, kind: 'number', value: row?.included ?? 0 },
            {
                name: 'ceiling',
                label: 'Fair use, requests a month',
                half: true,
                kind: 'number',
                value: row?.ceiling ?? 0,
                hint: '0: none.',
            },
            {
                name: 'priceMicros',
                label: 'Price of 1,000 more',
                half: true,
                value: row ? fromMicros(row.priceMicros) : '0.00',
                required: true,
                hint: 'At most six decimals.',
            },
            {
                name: 'currency',
                label: 'Currency',
                half: true,
                value: row?.currency ?? 'EUR',
                required: true,
                hint: 'ISO 4217, as EUR.',
            },
        ],
        async (values) => {
            const name = textOf(values, 'name');
            const price = toMicros(textOf(values, 'priceMicros'));
            if (price === null) {
                throw refusal('priceMicros', 'A price is a number with at most six decimals, as 1.50.');
            }
            await send('PUT', `${PLANS}/${inPath(name)}`, {
                title: orNull(textOf(values, 'title')),
                organization: orNull(textOf(values, 'organization')),
                currency: textOf(values, 'currency').toUpperCase(),
                included: numberOf(values, 'included'),
                priceMicros: price,
                ceiling: numberOf(values, 'ceiling'),
            });
            await saved(`Plan ${name} saved.`);
        },
        { intro: 'It holds at once, also for what was used before.' },
    );
}

const SELLER = ' Changed by administrators of all organizations.';

export function plans(view: View): Kind<Plan> {
    const all = isOfAll(view);
    return {
        title: 'Plans',
        one: 'plan',
        path: PLANS,
        query: { organization: view.state.organization },
        about: `What a month includes, and what more costs.${all ? '' : SELLER}`,
        columns: [
            {
                key: 'name',
                label: 'Plan',
                sort: byText((row) => row.name),
                cell: (row) => [row.title || row.name, row.title ? el('div', { class: 'hint' }, row.name) : null],
            },
            { key: 'organization', label: 'Organization', secondary: true, cell: (row) => allOr(row.organization) },
            {
                key: 'included',
                label: 'Included',
                hint: 'Requests of a month',
                align: 'right',
                sort: byNumber((row) => row.included),
                cell: (row) => format.count(row.included),
            },
            {
                key: 'price',
                label: '1,000 more',
                align: 'right',
                cell: (row) => money(row.priceMicros, row.currency, true),
            },
            {
                key: 'ceiling',
                label: 'Fair use',
                align: 'right',
                secondary: true,
                cell: (row) => (row.ceiling ? format.count(row.ceiling) : format.NOTHING),
            },
        ],
        name: (row) => row.title || row.name,
        words: (row) => `${row.name} ${row.organization ?? ''} ${row.currency}`,
        edit: all ? (row, saved) => editPlan(view, row, saved) : undefined,
        remove: all
            ? {
                  verb: 'Forget',
                  path: (row) => withOrganization(`${PLANS}/${inPath(row.name)}`, row.organization),
                  text: () => 'Only a plan that no client, organization or limit uses can be forgotten.',
              }
            : undefined,
        empty: 'There are no plans',
    };
}

async function editOrganization(row: Organization | null, saved: (said: string) => Promise<void>): Promise<void> {
    const choices = await planChoices('None', row?.plan ?? null);
    openForm(
        row ? `Organization ${row.id}` : 'New organization',
        [
            {
                name: 'id',
                label: 'Id',
                half: true,
                value: row?.id ?? '',
                required: true,
                fixed: row !== null,
                hint: 'As requests say it.',
            },
            { name: 'name', label: 'Name', half: true, value: row?.name ?? '', hint: 'For people.' },
            {
                name: 'plan',
                label: 'Plan',
                kind: 'select',
                options: choices,
                value: row?.plan ?? '',
                hint: 'Of all its clients that have none of their own, together.',
            },
        ],
        async (values) => {
            const id = textOf(values, 'id');
            const body = { name: orNull(textOf(values, 'name')), plan: orNull(textOf(values, 'plan')) };
            await send('PUT', `${ORGANIZATIONS}/${inPath(id)}`, body);
            await saved(`Organization ${id} saved.`);
        },
    );
}

export function organizations(view: View): Kind<Organization> {
    const all = isOfAll(view);
    return {
        title: 'Organizations',
        one: 'organization',
        path: ORGANIZATIONS,
        about: `Names of organizations, and the plans that they have.${all ? '' : SELLER}`,
        columns: [
            {
                key: 'id',
                label: 'Organization',
                sort: byText((row) => row.id),
                cell: (row) => [row.name || row.id, row.name ? el('div', { class: 'hint' }, row.id) : null],
            },
            { key: 'plan', label: 'Plan', sort: byText((row) => row.plan), cell: (row) => row.plan || format.NOTHING },
        ],
        name: (row) => row.name || row.id,
        words: (row) => `${row.id} ${row.plan}`,
        edit: all ? editOrganization : undefined,
        remove: all
            ? { verb: 'Forget', path: (row) => `${ORGANIZATIONS}/${inPath(row.id)}`, text: () => 'What it used stays.' }
            : undefined,
        empty: 'No organization is registered',
    };
}

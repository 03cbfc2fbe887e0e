// Settings: methods, names for several endpoints together.
import { send } from '../api';
import { el } from '../dom';
import { listOf, openForm, textOf } from '../form';
import type { View } from '../page';
import { byText } from '../table';
import { ADMIN, inPath, isOfAll, mayChangeOf, organizationFields, orNull } from './settings_common';
import { allOr, withOrganization, type Kind } from './settings_list';

interface Method {
    name: string;
    title: string;
    organization: string | null;
    endpoints: string[];
}

const PATH = `${ADMIN}/methods`;
const PATTERNS =
    'One a line, as ANY /v1/orders/**: a method or ANY, and a template. * is any one segment, ** at the end all the rest.';

function edit(view: View, row: Method | null, saved: (said: string) => Promise<void>): void {
    openForm(
        row ? `Method ${row.name}` : 'New method',
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
            { name: 'endpoints', label: 'Endpoints', kind: 'lines', value: row?.endpoints ?? [], required: true, hint: PATTERNS },
        ],
        async (values) => {
            const name = textOf(values, 'name');
            await send('PUT', `${PATH}/${inPath(name)}`, {
                title: orNull(textOf(values, 'title')),
                ...(isOfAll(view) ? { organization: orNull(textOf(values, 'organization')) } : {}),
                endpoints: listOf(values, 'endpoints'),
            });
            await saved(`Method ${name} saved.`);
        },
        { intro: 'It holds at once, for all days: nothing is counted anew.' },
    );
}

export function methods(view: View): Kind<Method> {
    return {
        title: 'Methods',
        one: 'method',
        path: PATH,
        query: { organization: view.state.organization },
        about: 'Names for several endpoints together, to chart, compare and limit as one.',
        columns: [
            {
                key: 'name',
                label: 'Method',
                sort: byText((row) => row.name),
                cell: (row) => [row.title || row.name, row.title ? el('div', { class: 'hint' }, row.name) : null],
            },
            { key: 'organization', label: 'Organization', secondary: true, cell: (row) => allOr(row.organization) },
            {
                key: 'endpoints',
                label: 'Endpoints',
                cell: (row) => row.endpoints.map((each) => el('div', {}, el('code', {}, each))),
            },
        ],
        name: (row) => row.title || row.name,
        words: (row) => `${row.name} ${row.organization ?? ''} ${row.endpoints.join(' ')}`,
        edit: (row, saved) => edit(view, row, saved),
        mayChange: mayChangeOf(view),
        remove: {
            verb: 'Forget',
            path: (row) => withOrganization(`${PATH}/${inPath(row.name)}`, row.organization),
            text: () => 'What was counted stays, under its endpoints. A method that a limit uses cannot be forgotten.',
        },
        empty: 'There are no methods',
    };
}

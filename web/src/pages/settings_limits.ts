// Settings: limits. Nothing is refused because of one; when a level is reached, that is an alert.
import { ApiError, send } from '../api';
import { el } from '../dom';
import { numberOf, openForm, textOf, type Values } from '../form';
import * as format from '../format';
import type { View } from '../page';
import { byNumber, byText } from '../table';
import { ADMIN, inPath, isOfAll, mayChangeOf, metricChoices, organizationFields, orNull, planChoices } from './settings_common';
import { importButton } from './settings_import';
import { allOr, type Kind } from './settings_list';

interface Limit {
    id: string;
    organization: string | null;
    client: string | null;
    plan: string | null;
    metric: string;
    period: string;
    value: number;
    levels: number[];
}

const PATH = `${ADMIN}/limits`;
const PERIODS: [string, string][] = ['minute', 'hour', 'day', 'week', 'month'].map((id) => [id, id]);
const TABLE = ['id', 'organization', 'client', 'plan', 'metric', 'period', 'value', 'levels'] as const;

export function refusal(field: string, message: string): ApiError {
    const error = new ApiError(400, 'invalid.value', message);
    error.field = field;
    return error;
}

function levelsOf(values: Values): number[] {
    const levels = textOf(values, 'levels')
        .split(/[\s,;%]+/)
        .filter(Boolean)
        .map(Number);
    if (levels.some((level) => !Number.isInteger(level))) {
        throw refusal('levels', 'Levels are whole numbers of percent, as 80, 100.');
    }
    return levels;
}

async function edit(view: View, row: Limit | null, saved: (said: string) => Promise<void>): Promise<void> {
    const [plans, metrics] = await Promise.all([planChoices(null, row?.plan ?? null), metricChoices(row?.metric ?? null)]);
    const ofClient = (values: Values): boolean => values['for'] !== 'plan';
    const kinds: [string, string][] = [
        ['client', 'One client'],
        ...(plans.length ? [['plan', 'Each client of a plan, by itself'] as [string, string]] : []),
    ];
    openForm(
        row ? `Limit ${row.id}` : 'New limit',
        [
            {
                name: 'id',
                label: 'Id',
                half: true,
                value: row?.id ?? '',
                required: true,
                fixed: row !== null,
                hint: 'Letters, digits, dot, _ and -.',
            },
            { name: 'for', label: 'For', half: true, kind: 'select', options: kinds, value: row?.plan ? 'plan' : 'client' },
            ...organizationFields(view, row ? row.organization : view.state.organization, {
                half: true,
                hint: 'Of the client; for all, with a plan: empty.',
            }),
            { name: 'client', label: 'Client', half: true, value: row?.client ?? '', required: true, when: ofClient },
            {
                name: 'plan',
                label: 'Plan',
                half: true,
                kind: 'select',
                options: plans,
                value: row?.plan ?? '',
                when: (values) => !ofClient(values),
            },
            { name: 'metric', label: 'What is counted', kind: 'select', options: metrics, value: row?.metric ?? 'hits' },
            { name: 'value', label: 'Requests', half: true, kind: 'number', least: 1, required: true, value: row?.value ?? null },
            {
                name: 'period',
                label: 'In a',
                half: true,
                kind: 'select',
                options: PERIODS,
                value: row?.period ?? 'month',
                hint: 'Of UTC; weeks begin on Monday.',
            },
            {
                name: 'levels',
                label: 'Alert at (percent)',
                value: row?.levels.join(', ') ?? '',
                placeholder: '80, 100',
                hint: 'Empty: the usual levels of this system.',
            },
        ],
        async (values) => {
            const id = textOf(values, 'id');
            await send('PUT', `${PATH}/${inPath(id)}`, {
                ...(isOfAll(view) ? { organization: orNull(textOf(values, 'organization')) } : {}),
                client: orNull(textOf(values, 'client')),
                plan: orNull(textOf(values, 'plan')),
                metric: textOf(values, 'metric'),
                period: textOf(values, 'period'),
                value: numberOf(values, 'value'),
                levels: levelsOf(values),
            });
            await saved(`Limit ${id} saved.`);
        },
        { intro: 'No request is refused because of a limit: when a level is reached, an alert is raised.' },
    );
}

export function limits(view: View): Kind<Limit> {
    return {
        title: 'Limits',
        one: 'limit',
        path: PATH,
        query: { organization: view.state.organization },
        about: 'How many requests are expected at most. When a level is reached, an alert is raised; nothing is refused.',
        columns: [
            { key: 'id', label: 'Limit', sort: byText((row) => row.id), cell: (row) => row.id },
            {
                key: 'for',
                label: 'For',
                sort: byText((row) => row.client ?? row.plan ?? ''),
                cell: (row) => row.client ?? ['each client of ', el('span', { class: 'badge' }, row.plan)],
            },
            { key: 'organization', label: 'Organization', secondary: true, cell: (row) => allOr(row.organization) },
            { key: 'metric', label: 'Of', secondary: true, cell: (row) => (row.metric === 'hits' ? 'all requests' : row.metric) },
            {
                key: 'value',
                label: 'Requests',
                align: 'right',
                sort: byNumber((row) => row.value),
                cell: (row) => [format.count(row.value), el('div', { class: 'hint' }, `a ${row.period}`)],
            },
            {
                key: 'levels',
                label: 'Alert at',
                secondary: true,
                cell: (row) =>
                    row.levels.length ? row.levels.map((level) => `${level}%`).join(', ') : el('span', { class: 'faint' }, 'usual'),
            },
        ],
        name: (row) => row.id,
        words: (row) => `${row.client ?? ''} ${row.plan ?? ''} ${row.organization ?? ''} ${row.metric} ${row.period}`,
        edit: (row, saved) => edit(view, row, saved),
        mayChange: mayChangeOf(view),
        remove: {
            verb: 'Forget',
            path: (row) => `${PATH}/${inPath(row.id)}`,
            text: () => 'Alerts that were raised because of it stay.',
        },
        tools: (reload) => importButton('limits', `${PATH}.csv`, TABLE.join(', '), reload),
        tableOf: (rows) => ({
            columns: [...TABLE],
            rows: rows.map((row) => TABLE.map((name) => (name === 'levels' ? row.levels.join(' ') : row[name]))),
        }),
        empty: 'There are no limits',
    };
}

// Alerts: what reached a level of a limit, and what is wrong with the system itself.
import { allPages, get, send } from '../api';
import { card, type Card } from '../card';
import { addDays, dayBegin } from '../dates';
import { el, replace, type Child } from '../dom';
import { rowsFile } from '../export';
import * as format from '../format';
import { icon, iconButton } from '../icon';
import type { Page, View } from '../page';
import { selectFilter } from '../select';
import { setState } from '../state';
import { emptyState } from '../status_view';
import { table, type Column } from '../table';
import { segmented } from '../tabs';
import { toast, toastError } from '../toast';
import { kindBadge, openAlert, subjectOf, type Alert } from './alert_details';

interface Alerts {
    entities: Alert[];
    total: number;
    unread: number;
}

const PATH = '/api/v2/usage/alerts';
const REFRESH_MS = 10_000;
const STEP = 100;
const SHOWN_MAX = 1000;
const EXPORTED_MAX = 20_000;
const STATES = [
    { id: '', label: 'All' },
    { id: 'unread', label: 'Unread' },
    { id: 'read', label: 'Read' },
    { id: 'deleted', label: 'Deleted' },
];
const KINDS: [string, string][] = [
    ['', 'Any'],
    ['alert', 'Below the limit'],
    ['violation', 'Over the limit'],
    ['system', 'System'],
];
const PERIODS: [string, string][] = [
    ['', 'Any'],
    ...['minute', 'hour', 'day', 'week', 'month'].map((id): [string, string] => [id, id]),
];
const ACTIVITY: [string, string][] = [
    ['', 'Any'],
    ['true', 'Still so'],
    ['false', 'Recovered'],
];

// What the list was when it was last drawn, so that it stays in place when details are opened or closed.
let kept: { asked: string; data: Alerts } | null = null;

function filtersOf({ state }: View): Record<string, string | null> {
    const { params, range, zone, organization } = state;
    const of = (name: string): string | null => params.get(name) || null;
    return {
        state: of('state'),
        kind: of('kind'),
        period: of('period'),
        active: of('active'),
        clientId: of('client'),
        organization,
        from: new Date(dayBegin(zone, range.from)).toISOString(),
        to: new Date(dayBegin(zone, addDays(range.to, 1))).toISOString(),
    };
}

function shownOf(view: View): number {
    return Math.min(SHOWN_MAX, Math.max(STEP, Number(view.state.params.get('show')) || STEP));
}

function filterBar(view: View, readAll: HTMLElement): HTMLElement {
    const { params } = view.state;
    const choose =
        (name: string) =>
        (value: string): void =>
            setState({ params: { [name]: value || null, show: null } });
    const client = params.get('client');
    const drop = client
        ? el(
              'button',
              { type: 'button', class: 'button small', onclick: () => choose('client')('') },
              `Application: ${client}`,
              icon('close'),
          )
        : null;
    return el(
        'div',
        { class: 'page-filters', role: 'group', 'aria-label': 'Filters of alerts' },
        segmented('State', STATES, params.get('state') ?? '', choose('state')),
        selectFilter('Kind', KINDS, params.get('kind') ?? '', choose('kind')),
        selectFilter('Period', PERIODS, params.get('period') ?? '', choose('period')),
        selectFilter('Now', ACTIVITY, params.get('active') ?? '', choose('active')),
        drop,
        el('div', { class: 'end' }, readAll),
    );
}

// ---- the list ----

function actions(alert: Alert, change: (alert: Alert, state: Alert['state']) => void): HTMLElement {
    const to = (state: Alert['state'], label: string, name: string): HTMLElement =>
        iconButton(`${label}: ${subjectOf(alert)}`, name, () => change(alert, state), { title: label });
    const buttons =
        alert.state === 'deleted'
            ? [to('read', 'Restore', 'reset')]
            : [
                  alert.state === 'unread' ? to('read', 'Mark as read', 'check') : to('unread', 'Mark as unread', 'alerts'),
                  to('deleted', 'Delete', 'remove'),
              ];
    return el('span', { class: 'row-actions' }, buttons);
}

function what(alert: Alert): Child {
    const text =
        alert.kind === 'system' || !alert.limit
            ? alert.message
            : `${format.count(alert.value)} of ${format.count(alert.limit)} ${
                  alert.metric === 'hits' ? 'requests' : `requests of ${alert.metric}`
              } a ${alert.period}`;
    return el('span', {}, text);
}

function columns(view: View, change: (alert: Alert, state: Alert['state']) => void): Column<Alert>[] {
    const { zone } = view.state;
    const several = !view.session.organization && !view.state.organization;
    return [
        {
            key: 'subject',
            label: 'About',
            cell: (alert) => [
                el('span', { class: ['subject', alert.state === 'unread' && 'strong'] }, subjectOf(alert)),
                alert.state === 'unread' ? el('span', { class: 'visually-hidden' }, ' (unread)') : null,
                el('span', { class: 'narrow-only' }, kindBadge(alert)),
            ],
        },
        { key: 'kind', label: 'Level', secondary: true, cell: kindBadge },
        { key: 'what', label: 'What happened', cell: what },
        ...(several
            ? [
                  {
                      key: 'organization',
                      label: 'Organization',
                      secondary: true,
                      cell: (alert: Alert) => alert.organization ?? format.NOTHING,
                  },
              ]
            : []),
        {
            key: 'raised',
            label: 'Raised',
            secondary: true,
            cell: (alert) => el('span', { title: format.time(alert.createdAt, zone, 'full') }, format.time(alert.createdAt, zone)),
        },
        {
            key: 'now',
            label: 'Now',
            secondary: true,
            cell: (alert) =>
                alert.active ? el('span', { class: 'badge warn' }, 'Still so') : el('span', { class: 'badge good' }, 'Recovered'),
        },
        {
            key: 'actions',
            label: 'Actions',
            align: 'right',
            cell: (alert) => actions(alert, change),
        },
    ];
}

function more(view: View, data: Alerts): Child {
    const shown = data.entities.length;
    if (shown >= data.total) {
        return null;
    }
    const wider = (): void => setState({ params: { show: String(shownOf(view) + STEP) } }, 'replace');
    return el(
        'div',
        { class: 'more-line' },
        `The newest ${format.count(shown)} of ${format.count(data.total)}`,
        shownOf(view) < SHOWN_MAX
            ? el('button', { type: 'button', class: 'button small', onclick: wider }, 'Show more')
            : 'Choose fewer dates or other filters to see the rest.',
    );
}

function nothing(view: View): HTMLElement {
    const { params } = view.state;
    const filtered = ['state', 'kind', 'period', 'active', 'client'].some((name) => params.get(name));
    return filtered
        ? emptyState('No alert is like that', 'Choose other filters, or a longer range.')
        : emptyState(
              'No alerts in this range',
              'Limits raise alerts when a level of them is reached, the system when something is wrong.',
          );
}

// ---- the page ----

class AlertsPage {
    private readonly list: Card = card('Alerts', { wide: true, height: 320 });
    private readonly readAll = el(
        'button',
        { type: 'button', class: 'button', disabled: true, onclick: () => void this.markAll().catch(toastError) },
        icon('check'),
        el('span', {}, 'Mark all as read'),
    );
    private readonly asked: string;

    constructor(private readonly view: View) {
        this.asked = JSON.stringify([filtersOf(view), shownOf(view)]);
        view.root.append(filterBar(view, this.readAll), this.list.root);
    }

    async load(): Promise<void> {
        const query = { ...filtersOf(this.view), pageSize: shownOf(this.view) };
        await this.list.load(
            this.view.signal,
            () => get<Alerts>(PATH, query, this.view.signal),
            (data) => this.show(data),
        );
    }

    async open(): Promise<void> {
        if (kept?.asked === this.asked) {
            const data = kept.data;
            await this.list.load(
                this.view.signal,
                () => Promise.resolve(data),
                () => this.show(data),
            );
        }
        const id = this.view.state.params.get('alert');
        if (id) {
            openAlert(this.view, id, (alert, state) => this.change(alert, state));
        }
        await this.load();
    }

    private show(data: Alerts): void {
        kept = { asked: this.asked, data };
        this.readAll.disabled = data.unread === 0;
        this.list.setSubtitle(
            data.total ? `${format.plural(data.total, 'alert')}, ${format.count(data.unread)} unread. The newest first.` : '',
        );
        const change = (alert: Alert, state: Alert['state']): void => void this.change(alert, state).catch(toastError);
        const pick = (alert: Alert): void => setState({ params: { alert: alert.id } });
        replace(
            this.list.body,
            data.total
                ? [table('Alerts', columns(this.view, change), data.entities, { onPick: pick }), more(this.view, data)]
                : nothing(this.view),
        );
    }

    private async change(alert: Alert, state: Alert['state']): Promise<void> {
        await send('PATCH', `${PATH}/${alert.id}`, { state });
        toast({ read: 'Marked as read.', unread: 'Marked as unread.', deleted: 'Deleted. It is among the deleted ones.' }[state]);
        await this.load();
    }

    private async markAll(): Promise<void> {
        const query = new URLSearchParams();
        for (const [name, value] of Object.entries(filtersOf(this.view))) {
            if (value) {
                query.set(name, value);
            }
        }
        const { changed } = await send<{ changed: number }>('POST', `${PATH}/read?${query.toString()}`);
        toast(`${format.plural(changed, 'alert')} marked as read.`);
        await this.load();
    }
}

const EXPORTED = [
    'createdAt',
    'kind',
    'organization',
    'clientId',
    'limitId',
    'metric',
    'period',
    'level',
    'limit',
    'value',
] as const;
const EXPORTED_TOO = ['type', 'subject', 'message', 'active', 'recoveredAt', 'state', 'id'] as const;

export const alerts: Page = {
    path: '/alerts',
    title: 'Alerts',
    group: 'Operation',
    icon: 'alerts',
    live: true,
    closedOnly: false,
    needs: ['usage:organization:view', 'usage:client:view', 'oauth:client:view'],
    filters: { range: true, zone: true, organization: true },
    async render(view) {
        const page = new AlertsPage(view);
        view.exports(() => [
            rowsFile('alerts', 'Alerts', async () => {
                const columns = [...EXPORTED, ...EXPORTED_TOO];
                const rows = await allPages<Alert>(PATH, filtersOf(view), EXPORTED_MAX);
                return { columns, rows: rows.map((alert) => columns.map((name) => alert[name] ?? null)) };
            }),
        ]);
        view.refresh(REFRESH_MS, () => page.load());
        await page.open();
    },
};

// One alert: what it is about, and what each channel got of it.
import { allPages, ApiError, get } from '../api';
import { openDialog } from '../dialog';
import { el, replace, type Child } from '../dom';
import * as format from '../format';
import type { View } from '../page';
import { may } from '../session';
import { href, setState } from '../state';
import { emptyState, errorState, skeleton } from '../status_view';

export interface Alert {
    id: string;
    kind: 'alert' | 'violation' | 'system';
    message: string;
    organization?: string;
    clientId?: string;
    limitId?: string;
    metric?: string;
    period?: string;
    window?: { from: string; to: string };
    level?: number;
    limit?: number;
    value?: number;
    type?: string;
    subject?: string;
    since?: string;
    createdAt: string;
    active: boolean;
    recoveredAt?: string;
    state: 'unread' | 'read' | 'deleted';
}
interface Channel {
    id: string;
    name: string;
    organization: string | null;
    kind: string;
    minLevel: number;
    system: boolean;
}
export interface Delivery {
    id: string;
    alertId: string;
    event: string;
    channelId: string;
    state: 'pending' | 'dead';
    attempts: number;
    lastAt?: string;
    lastError?: string;
    nextAt?: string;
    givenUpAt?: string;
}

const DELIVERIES_MAX = 5000;

const TYPES: Record<string, string> = {
    sequence_gap: 'Gap in what a collector sent',
    silent_collector: 'Silent collector',
    partition_not_sealed: 'Day that cannot be closed',
    journal_filling: 'Journal filling up',
    lag_without_progress: 'Reading does not go on',
};

export function subjectOf(alert: Alert): string {
    if (alert.kind === 'system') {
        const type = TYPES[alert.type ?? ''] ?? (alert.type ?? 'System').replaceAll('_', ' ');
        return alert.subject ? `${type}: ${alert.subject}` : type;
    }
    return alert.clientId ?? alert.message;
}

export function kindBadge(alert: Alert): HTMLElement {
    return el(
        'span',
        { class: ['badge', alert.kind === 'alert' ? 'warn' : 'bad'] },
        alert.kind === 'system' ? 'System' : format.percent((alert.level ?? 0) / 100, 0),
    );
}

function details(alert: Alert, zone: string): HTMLElement {
    const row = (label: string, value: Child): Child => (value ? [el('dt', {}, label), el('dd', {}, value)] : null);
    const time = (moment?: string): string | null =>
        moment ? `${format.time(moment, zone, 'full')} (${format.ago(moment)})` : null;
    const application = alert.clientId
        ? el('a', { href: href({ params: { client: alert.clientId, alert: null } }) }, alert.clientId)
        : null;
    return el(
        'dl',
        { class: 'details' },
        row('Level', kindBadge(alert)),
        row('Application', application),
        row('Organization', alert.organization),
        row('Limit', alert.limitId ? `${alert.limitId}: ${format.count(alert.limit)} a ${alert.period}` : null),
        row(
            'Counted',
            alert.value !== undefined
                ? `${format.count(alert.value)} ${alert.metric === 'hits' ? 'requests' : alert.metric}`
                : null,
        ),
        row('Window', alert.window ? format.timeRange(alert.window.from, alert.window.to, zone) : null),
        row('Since', time(alert.since)),
        row('Raised', time(alert.createdAt)),
        row('Now', alert.active ? 'Still so' : alert.recoveredAt ? `Recovered ${time(alert.recoveredAt)}` : 'Recovered'),
    );
}

// ---- what channels got ----

function takes(channel: Channel, alert: Alert): boolean {
    return alert.kind === 'system'
        ? channel.system
        : (channel.organization === null || channel.organization === alert.organization) && channel.minLevel <= (alert.level ?? 0);
}

function outcome(open: Delivery[], zone: string): Child {
    if (!open.length) {
        return [el('span', { class: 'badge good' }, 'Nothing left to send')];
    }
    return open.map((each) => {
        const event = each.event === 'alert.recovered' ? 'Recovery' : 'Alert';
        const when = each.nextAt ? `, next try ${format.time(each.nextAt, zone)}` : '';
        return el(
            'div',
            {},
            el(
                'span',
                { class: ['badge', each.state === 'dead' ? 'bad' : 'warn'] },
                each.state === 'dead' ? 'Given up' : 'Waiting',
            ),
            el(
                'span',
                { class: 'hint' },
                ` ${event}: ${format.plural(each.attempts, 'try', 'tries')}${when}. ${each.lastError ?? ''}`,
            ),
        );
    });
}

async function told(view: View, alert: Alert): Promise<Child> {
    const deliveries = (state: string): Promise<Delivery[]> =>
        allPages<Delivery>('/api/v2/admin/deliveries', { state }, DELIVERIES_MAX, view.signal);
    const [channels, pending, dead] = await Promise.all([
        allPages<Channel>('/api/v2/admin/channels', {}, 1000, view.signal),
        deliveries('pending'),
        deliveries('dead'),
    ]);
    const open = [...pending, ...dead].filter((each) => each.alertId === alert.id);
    const asked = channels.filter((each) => takes(each, alert) || open.some((delivery) => delivery.channelId === each.id));
    if (!asked.length) {
        return el('p', { class: 'faint' }, 'No channel takes this alert. Channels are made in Settings.');
    }
    return el(
        'dl',
        { class: 'details' },
        asked.map((channel) => [
            el('dt', {}, channel.name || channel.id),
            el(
                'dd',
                {},
                outcome(
                    open.filter((each) => each.channelId === channel.id),
                    view.state.zone,
                ),
            ),
        ]),
    );
}

// ---- the dialog ----

async function fill(view: View, id: string, into: HTMLElement): Promise<Alert | null> {
    try {
        const alert = await get<Alert>(`/api/v2/usage/alerts/${encodeURIComponent(id)}`, {}, view.signal);
        const channels = may(view.session) ? el('div', {}, skeleton(40)) : null;
        replace(
            into,
            el('p', {}, alert.message),
            details(alert, view.state.zone),
            channels ? [el('h3', {}, 'What channels got'), channels] : null,
        );
        if (channels) {
            void told(view, alert).then(
                (found) => replace(channels, found),
                (error: unknown) => replace(channels, errorState(error)),
            );
        }
        return alert;
    } catch (error) {
        if (!view.signal.aborted) {
            const isGone = error instanceof ApiError && error.status === 404;
            const again = (): void => void fill(view, id, into);
            replace(into, isGone ? emptyState('There is no such alert', error.message) : errorState(error, again));
        }
        return null;
    }
}

export function openAlert(view: View, id: string, change: (alert: Alert, state: Alert['state']) => Promise<void>): void {
    const body = el('div', { class: 'form' }, skeleton(200));
    let alert: Alert | null = null;
    const to = (state: Alert['state']) => async (): Promise<void> => {
        if (alert) {
            await change(alert, state);
        }
    };
    const states = ['deleted', 'unread', 'read'] as const;
    const dialog = openDialog(
        'Alert',
        body,
        [
            { label: 'Delete', danger: true, run: to('deleted') },
            { label: 'Mark as unread', run: to('unread') },
            { label: 'Mark as read', primary: true, run: to('read') },
        ],
        { onClose: () => !view.signal.aborted && setState({ params: { alert: null } }) },
    );
    view.signal.addEventListener('abort', () => dialog.close());
    void fill(view, id, body).then((found) => {
        alert = found;
        dialog.buttons.forEach((button, i) => (button.hidden = found?.state === states[i])); // what it is already
    });
}

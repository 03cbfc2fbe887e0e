// Settings: what channels have not got yet, and what was given up.
import { allPages, get, send } from '../api';
import { el } from '../dom';
import * as format from '../format';
import { iconButton } from '../icon';
import type { View } from '../page';
import { href, setState } from '../state';
import { segmented } from '../tabs';
import { toast, toastError } from '../toast';
import type { Delivery } from './alert_details';
import { CHANNELS, type Channel } from './settings_channels';
import { ADMIN, inPath } from './settings_common';
import type { Kind, Listed } from './settings_list';

const PATH = `${ADMIN}/deliveries`;
const STATES = [
    { id: '', label: 'Waiting' },
    { id: 'dead', label: 'Given up' },
];

interface Row extends Delivery {
    channelName: string;
}

async function list(state: string, signal?: AbortSignal): Promise<Listed<Row>> {
    const [found, channels] = await Promise.all([
        get<Listed<Delivery>>(PATH, { state, pageSize: 1000 }, signal),
        allPages<Channel>(CHANNELS, {}, 1000, signal),
    ]);
    const names = new Map(channels.map((each) => [each.id, each.name || each.target]));
    return {
        entities: found.entities.map((each) => ({ ...each, channelName: names.get(each.channelId) ?? each.channelId })),
        total: found.entities.length + (found.nextUri ? 1 : 0),
    };
}

function retry(row: Row, reload: () => Promise<void>): HTMLElement {
    const run = async (): Promise<void> => {
        await send('POST', `${PATH}/${inPath(row.id)}/retry`);
        toast('It is tried now.');
        await reload();
    };
    return iconButton(`Try again: ${row.channelName}`, 'reset', () => void run().catch(toastError), { title: 'Try again now' });
}

export function deliveries(view: View): Kind<Row> {
    const { zone, params } = view.state;
    const state = params.get('deliveries') === 'dead' ? 'dead' : 'pending';
    const choose = (id: string): void => setState({ params: { deliveries: id || null } });
    return {
        title: 'Deliveries',
        one: 'delivery',
        path: PATH,
        list: (signal) => list(state, signal),
        about: 'What is still to be sent, and what was given up. What was delivered is not listed.',
        columns: [
            {
                key: 'alert',
                label: 'Event',
                cell: (row) => [
                    el(
                        'a',
                        { href: href({ page: '/alerts', params: { alert: row.alertId } }) },
                        row.event === 'alert.recovered' ? 'Recovery of an alert' : 'Alert',
                    ),
                    el('div', { class: 'hint nowrap', title: row.alertId }, row.alertId.slice(0, 8)),
                ],
            },
            { key: 'channel', label: 'Channel', cell: (row) => row.channelName },
            { key: 'error', label: 'Last error', secondary: true, cell: (row) => row.lastError ?? format.NOTHING },
            { key: 'attempts', label: 'Tries', align: 'right', secondary: true, cell: (row) => format.count(row.attempts) },
            {
                key: 'when',
                label: state === 'dead' ? 'Given up' : 'Next try',
                cell: (row) => {
                    const when = row.nextAt ?? row.givenUpAt;
                    return when ? el('span', { title: format.time(when, zone, 'full') }, format.ago(when)) : format.NOTHING;
                },
            },
        ],
        name: (row) => row.channelName,
        words: (row) => `${row.alertId} ${row.lastError ?? ''} ${row.event}`,
        actions: (row, reload) => [retry(row, reload)],
        remove: { verb: 'Drop', path: (row) => `${PATH}/${inPath(row.id)}`, text: () => 'It will not be delivered.' },
        tools: () => segmented('State', STATES, state === 'dead' ? 'dead' : '', choose),
        empty: state === 'dead' ? 'Nothing was given up' : 'Nothing is waiting',
    };
}

// Settings: what is registered, limited, priced, told and let in. Each tab is a list or two.
import { el } from '../dom';
import { serverFile, type ExportFile } from '../export';
import type { Page, View } from '../page';
import { setState } from '../state';
import { tabs } from '../tabs';
import { channels } from './settings_channels';
import { clients } from './settings_clients';
import { ADMIN } from './settings_common';
import { deliveries } from './settings_deliveries';
import { limits } from './settings_limits';
import { SettingsList, type Kind } from './settings_list';
import { methods } from './settings_methods';
import { organizations, plans } from './settings_plans';
import { keys, tokens } from './settings_tokens';

interface Shown {
    root: HTMLElement;
    load(): Promise<void>;
    files: ExportFile[];
}

interface Section {
    id: string;
    label: string;
    make: (view: View) => Shown[];
}

function list<T extends object>(view: View, kind: Kind<T>, name: string): Shown {
    const made = new SettingsList<T>(view, kind, `q-${name}`);
    return { root: made.card.root, load: () => made.load(), files: [made.file(name)] };
}

// Its CSV is the server's, which can be imported again.
function tableList<T extends object>(view: View, kind: Kind<T>, name: string): Shown {
    const shown = list(view, kind, name);
    const csv = serverFile(name, kind.title, `${ADMIN}/${name}.{format}`, { organization: view.state.organization }, ['csv']);
    const fetch =
        (file: ExportFile) =>
        (format: string): Promise<Blob> =>
            (format === 'csv' ? csv : file).fetch(format);
    return { ...shown, files: shown.files.map((file) => ({ ...file, fetch: fetch(file) })) };
}

const SECTIONS: Section[] = [
    { id: 'clients', label: 'Clients', make: (view) => [tableList(view, clients(view), 'clients')] },
    { id: 'methods', label: 'Methods', make: (view) => [list(view, methods(view), 'methods')] },
    { id: 'limits', label: 'Limits', make: (view) => [tableList(view, limits(view), 'limits')] },
    { id: 'plans', label: 'Plans', make: (view) => [list(view, plans(view), 'plans')] },
    { id: 'organizations', label: 'Organizations', make: (view) => [list(view, organizations(view), 'organizations')] },
    {
        id: 'channels',
        label: 'Channels',
        make: (view) => [list(view, channels(view), 'channels'), list(view, deliveries(view), 'deliveries')],
    },
    {
        id: 'tokens',
        label: 'Tokens and keys',
        make: (view) => [list(view, tokens(view), 'tokens'), list(view, keys(view), 'keys')],
    },
];

export const settings: Page = {
    path: '/settings',
    title: 'Settings',
    group: 'Operation',
    icon: 'settings',
    live: false,
    closedOnly: false,
    needs: ['admin'],
    filters: { range: false, zone: true, organization: true },
    async render(view) {
        const chosen = SECTIONS.find(({ id }) => id === view.state.params.get('tab')) ?? SECTIONS[0]!;
        const shown = chosen.make(view);
        const items = SECTIONS.map(({ id, label }) => ({
            id,
            label,
            panel: el('div', {}, id === chosen.id ? shown.map((each) => each.root) : null),
        }));
        const choose = (id: string): void => setState({ params: { tab: id, deliveries: null } });
        view.root.append(tabs('Settings', items, chosen.id, choose));
        view.root.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
        view.exports(() => shown.flatMap((each) => each.files));
        await Promise.all(shown.map((each) => each.load()));
    },
};

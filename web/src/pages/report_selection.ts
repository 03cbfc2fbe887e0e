// The head of a section of the report: its totals, what is chosen, and the dialog in which it is chosen.
import { openDialog } from '../dialog';
import { searchList } from '../combobox';
import { el, replace } from '../dom';
import * as format from '../format';
import { icon } from '../icon';
import type { View } from '../page';
import { errorState, skeleton } from '../status_view';
import {
    ask,
    isDefault,
    LIST_MAX,
    listClients,
    listUrls,
    select,
    SELECTED_MAX,
    type ReportClient,
    type Selection,
} from './report_data';

const TOP = 10; // as the page asks, so that the answer is there already

interface List {
    title: string;
    items: string[];
    all: number; // how many there are to choose from
    chosen: string[];
    names?: Map<string, string>;
    words?: (item: string) => string;
    search(typed: string): Promise<string[]>;
    keep(chosen: string[]): void;
}

function column({ title, items, all, chosen, names, words, search, keep }: List): HTMLElement {
    const isCut = all > items.length;
    const list = searchList(title, {
        items,
        chosen,
        names,
        words,
        multiple: true,
        max: SELECTED_MAX,
        search: isCut ? search : undefined,
        placeholder: `Search ${title}`,
        onChange: keep,
    });
    const most = `The ${format.count(items.length)} most active of ${format.count(all)} are listed; the search finds any of them.`;
    return el('section', { class: 'selection-list' }, el('h3', {}, title), isCut ? el('p', { class: 'hint' }, most) : null, list);
}

function clientColumn(view: View, clients: ReportClient[], all: number, chosen: Selection): HTMLElement {
    const names = new Map<string, string>();
    const learn = (found: ReportClient[]): string[] => {
        found.forEach(({ clientId, clientName }) => names.set(clientId, clientName));
        return [...new Set(found.map(({ clientId }) => clientId))];
    };
    const items = learn(clients);
    return column({
        title: 'Clients',
        items,
        all: clients.length < LIST_MAX ? items.length : all, // several organizations may have one of the same id
        chosen: chosen.clients,
        names,
        search: async (typed) => learn(await listClients(view, typed)),
        keep: (list) => (chosen.clients = list),
    });
}

function urlColumn(view: View, items: string[], all: number, chosen: Selection): HTMLElement {
    return column({
        title: 'URLs',
        items,
        all,
        chosen: chosen.urls,
        words: (url) => `/${url}`,
        search: (typed) => listUrls(view, typed),
        keep: (list) => (chosen.urls = list),
    });
}

async function fill(view: View, section: 'clients' | 'urls', into: HTMLElement, chosen: Selection): Promise<void> {
    const [clients, urls, totals] = await Promise.all([
        section === 'clients' ? listClients(view) : null,
        listUrls(view),
        ask(view, { clients: [], urls: [] }, TOP),
    ]);
    replace(
        into,
        clients ? clientColumn(view, clients, totals.totalClients, chosen) : null,
        urlColumn(view, urls, totals.totalUrls, chosen),
    );
    into.querySelector<HTMLElement>('[data-focus]')?.focus();
}

function openSelection(view: View, section: 'clients' | 'urls', title: string, now: Selection): void {
    const chosen = { clients: [...now.clients], urls: [...now.urls] };
    const lists = el('div', { class: ['selection', section === 'urls' && 'single'] }, skeleton(300));
    const what = section === 'clients' ? 'clients and URLs' : 'URLs';
    const body = el(
        'div',
        { class: 'selection-body' },
        el(
            'p',
            { class: 'faint' },
            `Listed are the ${what} of this range, most requests first. All graphs of the section show only what is chosen; ` +
                'with nothing chosen they show all.',
        ),
        lists,
    );
    const load = (): void => {
        fill(view, section, lists, chosen).catch((error: unknown) => replace(lists, errorState(error, load)));
    };
    openDialog(
        title,
        body,
        [
            { label: 'Reset to defaults', run: () => select(section, { clients: [], urls: [] }) },
            { label: 'Cancel' },
            { label: 'Apply', primary: true, run: () => select(section, chosen) },
        ],
        { wide: section === 'clients' },
    );
    load();
}

function chosenText(section: 'clients' | 'urls', selection: Selection): string {
    const list = (chosen: string[], one: string): string =>
        chosen.length <= 2 ? chosen.join(', ') : format.plural(chosen.length, one);
    if (isDefault(selection)) {
        return section === 'clients' ? 'All clients, all URLs' : 'All URLs';
    }
    return `Only ${[list(selection.clients, 'client'), list(selection.urls, 'URL')].filter(Boolean).join(' · ')}`;
}

export interface SectionHead {
    root: HTMLElement;
    heading: HTMLElement;
    showTotals(requests: number, clients: number): void;
    clear(): void;
}

function selectionControls(view: View, section: 'clients' | 'urls', title: string, selection: Selection): HTMLElement {
    const all = isDefault(selection);
    return el(
        'div',
        { class: 'section-selection' },
        el(
            'span',
            { class: ['section-chosen', !all && 'narrowed'], title: [...selection.clients, ...selection.urls].join('\n') || null },
            all ? null : icon('filter'),
            chosenText(section, selection),
        ),
        el(
            'button',
            {
                type: 'button',
                class: 'button small',
                'aria-haspopup': 'dialog',
                onclick: () => openSelection(view, section, title, selection),
            },
            icon('filter'),
            title,
        ),
        el(
            'button',
            {
                type: 'button',
                class: 'button small',
                disabled: all,
                title: all ? 'All are shown, as by default' : null,
                onclick: () => select(section, { clients: [], urls: [] }),
            },
            icon('reset'),
            'Reset to defaults',
        ),
    );
}

// `choice` is null for the section in which nothing is chosen.
export function sectionHead(
    view: View,
    title: string,
    choice: { section: 'clients' | 'urls'; title: string; selection: Selection } | null,
): SectionHead {
    const requests = el('strong', { 'data-total': 'requests' }, format.NOTHING);
    const clients = el('strong', { 'data-total': 'clients' }, format.NOTHING);
    const heading = el('h2', { tabindex: -1 }, title);
    const root = el(
        'header',
        { class: 'section-head' },
        el(
            'div',
            { class: 'section-title' },
            heading,
            el('span', { class: 'faint' }, 'Total requests ', requests),
            el('span', { class: 'faint' }, 'Total clients ', clients),
        ),
        choice ? selectionControls(view, choice.section, choice.title, choice.selection) : null,
    );
    return {
        root,
        heading,
        showTotals: (requests_, clients_) => {
            requests.textContent = format.count(requests_);
            clients.textContent = format.count(clients_);
        },
        clear: () => [requests, clients].forEach((each) => (each.textContent = format.NOTHING)),
    };
}

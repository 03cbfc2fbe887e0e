// What the report asks the server, and what the reader chose for it. All numbers of the page are answers of one route, each with
// the filters of its section, so they agree with each other and with the exports.
import { download, get, listItem, type Query } from '../api';
import type { View } from '../page';
import { setState } from '../state';
import type { StatusCounts } from '../statuses';

export interface Counts extends StatusCounts {
    requests: number;
}
export interface ReportUrl extends Counts {
    templateUri: string;
}
export interface ReportClient extends Counts {
    clientId: string;
    clientName: string;
    organizationId: string;
    totalUrls: number;
    urls: ReportUrl[];
}
export interface ReportDay extends Counts {
    date: string;
    begin: string;
    end: string;
}
export interface Report {
    interval: string;
    finalizedThrough: string | null;
    omittedDays: { interval: string; reason: 'notClosed' | 'notEnded' }[];
    revisions: { day: string; revision: number }[];
    incompleteDays: string[];
    skippedDates: string[];
    totalRequests: number;
    totalClients: number;
    totalUrls: number;
    statuses: Counts;
    clients: ReportClient[];
    urls: ReportUrl[];
    days: ReportDay[];
}

// ---- what is chosen: in the address, as long as it is not changed ----

export interface Selection {
    clients: string[]; // none: all
    urls: string[];
}

export type SectionId = 'active' | 'clients' | 'urls';

// The parameters of the address that hold a section's selection.
const PARAMS: Record<Exclude<SectionId, 'active'>, { clients: string | null; urls: string }> = {
    clients: { clients: 'client', urls: 'clientUrl' },
    urls: { clients: null, urls: 'url' },
};
export const SELECTED_MAX = 50;

export function selectionOf(view: View, section: SectionId): Selection {
    if (section === 'active') {
        return { clients: [], urls: [] };
    }
    const { clients, urls } = PARAMS[section];
    const values = (name: string | null): string[] =>
        name ? [...new Set(view.state.params.getAll(name).filter(Boolean))].slice(0, SELECTED_MAX) : [];
    return { clients: values(clients), urls: values(urls) };
}

export function isDefault({ clients, urls }: Selection): boolean {
    return !clients.length && !urls.length;
}

export function select(section: Exclude<SectionId, 'active'>, selection: Selection): void {
    const { clients, urls } = PARAMS[section];
    setState({ params: { ...(clients ? { [clients]: selection.clients } : {}), [urls]: selection.urls } });
}

export function isLocal(view: View): boolean {
    return view.state.params.get('days') === 'local';
}

// What was chosen is there again when the reader comes back from another page. An address that says what to show goes before it.
let left: URLSearchParams | null = null;

export function keepSelections(view: View): void {
    view.signal.addEventListener('abort', () => {
        left = location.pathname === view.state.page ? null : view.state.params;
    });
}

// True: the address was completed, and the page is drawn anew.
export function restoreSelections(view: View): boolean {
    const kept = left;
    left = null;
    if (!kept?.size || view.state.params.size) {
        return false;
    }
    setState({ params: Object.fromEntries([...new Set(kept.keys())].map((name) => [name, kept.getAll(name)])) }, 'replace');
    return true;
}

// ---- questions ----

export type Asked = Query;

function inRange(view: View): Asked {
    const { range, zone, organization } = view.state;
    return {
        interval: `${range.from}/${range.to}`,
        timeZone: zone,
        dayBoundary: isLocal(view) ? 'local' : 'utc',
        organization,
    };
}

const KEPT_MS = 60_000;
const KEPT_MAX = 24;
const answers = new Map<string, { at: number; answer: Promise<unknown> }>();

// Closed days hardly ever change: an answer is good for a while, so that a click on one chart does not load the others again.
function kept<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const found = answers.get(key);
    if (found && Date.now() - found.at < KEPT_MS) {
        return found.answer as Promise<T>;
    }
    const answer = ask();
    answers.delete(key);
    answers.set(key, { at: Date.now(), answer });
    answer.catch(() => answers.delete(key));
    for (const old of [...answers.keys()].slice(0, Math.max(0, answers.size - KEPT_MAX))) {
        answers.delete(old);
    }
    return answer;
}

const LIST_PATH = '/api/v2/usage/report.jsonl';
export const LIST_MAX = 1000;

// The rows of a section of the report, most requests first; of those that have each of the words.
function rows<T>(view: View, section: string, words: string | null): Promise<T[]> {
    const asked = { ...inRange(view), section, top: LIST_MAX, search: words };
    return kept(`${LIST_PATH} ${JSON.stringify(asked)}`, async () => {
        const { blob } = await download(LIST_PATH, asked);
        const text = await blob.text();
        return text
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line) as T);
    });
}

// The clients of the range that the caller may choose, LIST_MAX at most: a search finds the others.
export async function listClients(view: View, words: string | null = null): Promise<ReportClient[]> {
    return rows<ReportClient>(view, 'clients', words);
}

export async function listUrls(view: View, words: string | null = null): Promise<string[]> {
    return (await rows<ReportUrl>(view, 'urls', words)).map((url) => url.templateUri);
}

function names(list: string[]): string | null {
    return list.length ? list.map(listItem).join(',') : null;
}

// The question of a section, for the page and for its exports.
export function question(view: View, selection: Selection): Asked {
    return { ...inRange(view), clients: names(selection.clients), templates: names(selection.urls) };
}

export async function ask(view: View, selection: Selection, top: number): Promise<Report> {
    const asked = { ...question(view, selection), top };
    return kept(JSON.stringify(asked), () => get<Report>('/api/v2/usage/report', asked));
}

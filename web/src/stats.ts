// The statistics routes: which of them answers for what is chosen, and the metrics that there are.
import { address, get, type Query } from './api';
import { choice } from './choice';
import type { View } from './page';

export interface Metric {
    name: string;
    title: string;
}

export const HITS: Metric = { name: 'hits', title: 'Hits (all requests)' };
const ANY = '*';

// `what` is usage, usage_response_code, summary, … Whose token is for one client asks about that client, as does a page about one;
// else it is the organization, or all of them.
export function statsPath(view: View, what: string, client?: string | null, format = 'json'): string {
    const { session, state } = view;
    const of = client ?? session.client;
    const part = of
        ? `applications/${encodeURIComponent(of)}`
        : `services/${encodeURIComponent(state.organization ?? session.organization ?? ANY)}`;
    const whose = of && !session.organization ? state.organization : null; // ids are of one organization only
    return address(`/stats/${part}/${what}.${format}`, { organization: whose });
}

export type Total = Metric & { total: number };

interface Summary {
    metrics: { system_name: string; name: string; data: { total: number } }[];
}

// All metrics with their totals, hits first.
export async function askTotals(view: View, query: Query, client?: string | null): Promise<Total[]> {
    const { metrics } = await get<Summary>(statsPath(view, 'summary', client), query, view.signal);
    const all = metrics.map(({ system_name, name, data }) => ({
        name: system_name,
        title: system_name === HITS.name ? HITS.title : name,
        total: data.total,
    }));
    return [...all.filter(({ name }) => name === HITS.name), ...all.filter(({ name }) => name !== HITS.name)];
}

// Hits, then the methods. Without an answer there are hits.
export async function loadMetrics(view: View): Promise<Metric[]> {
    return askTotals(view, { period: 'day' }).catch(() => [HITS]);
}

// Asks for a series again only when its total is no longer that of the answer before: pages that look often ask seldom.
export function whenChanged<T extends { total: number }>(): (name: string, total: number, ask: () => Promise<T>) => Promise<T> {
    const known = new Map<string, T>();
    return async (name, total, ask) => {
        const before = known.get(name);
        const answer = before?.total === total ? before : await ask();
        known.set(name, answer);
        return answer;
    };
}

export function metricChoice(metrics: Metric[], chosen: string, onChange: (name: string) => void): HTMLElement {
    const names = new Map(metrics.map((metric) => [metric.name, metric.title]));
    return choice({
        label: 'Metric',
        icon: 'metrics',
        shown: names.get(chosen) ?? chosen,
        items: [...new Set([...names.keys(), chosen])],
        chosen,
        search: { names },
        begin: true,
        onChange,
    });
}

// The statistics routes: which of them answers for what is chosen, and the metrics that there are.
import { ApiError, get } from './api';
import { choice } from './choice';
import type { View } from './page';
import { may } from './session';

export interface Metric {
    name: string;
    title: string;
}

export const HITS: Metric = { name: 'hits', title: 'Hits (all requests)' };
const ANY = '*';
const NO_METRIC = '-'; // no method may be called so

// `what` is usage, usage_response_code, summary, … Whose token is for one client asks about that client, as does a page about one;
// else it is the organization, or all of them.
export function statsPath(view: View, what: string, client?: string | null, format = 'json'): string {
    const { session, state } = view;
    const of = client ?? session.client;
    const part = of
        ? `applications/${encodeURIComponent(of)}`
        : `services/${encodeURIComponent(state.organization ?? session.organization ?? ANY)}`;
    return `/stats/${part}/${what}.${format}`;
}

interface Method {
    name: string;
    title: string;
    organization: string | null;
}

// Administrators see the methods; those of one organization count where it is chosen.
async function configuredMethods(view: View): Promise<Metric[]> {
    const { entities } = await get<{ entities: Method[] }>('/api/v2/admin/methods', {}, view.signal);
    const known = entities.filter(
        ({ organization }) => !organization || organization === (view.state.organization ?? view.session.organization),
    );
    return [...new Map(known.map(({ name, title }) => [name, { name, title: title || name }])).values()];
}

// For others: those that may be asked for are named in the refusal of one that there is not.
async function allowedMethods(view: View): Promise<Metric[]> {
    try {
        await get(statsPath(view, 'usage'), { metric_name: NO_METRIC, period: 'day' }, view.signal);
    } catch (error) {
        if (error instanceof ApiError && error.field === 'metric_name') {
            const names = (error.allowed ?? []).filter((name) => name !== HITS.name);
            return names.map((name) => ({ name, title: name }));
        }
    }
    return [];
}

// Hits, then the methods. Without an answer there are hits.
export async function loadMetrics(view: View): Promise<Metric[]> {
    const methods = may(view.session, 'admin') ? configuredMethods(view) : allowedMethods(view);
    return [HITS, ...(await methods.catch(() => []))];
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

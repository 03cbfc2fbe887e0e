// What several lists of Settings ask: who the caller is, which plans, organizations and methods there are.
import { allPages } from '../api';
import type { FormField } from '../form';
import type { View } from '../page';

export const TIERS: [string, string][] = ['free', 'starter', 'professional', 'enterprise'].map((tier) => [tier, tier]);
export const ADMIN = '/api/v2/admin';
const CHOICES_MAX = 1000;

// Whoever administers all organizations changes what is of all.
export function isOfAll(view: View): boolean {
    return view.session.organization === null;
}

// Undefined: all of them.
export function mayChangeOf(view: View): ((row: { organization: string | null }) => boolean) | undefined {
    return isOfAll(view) ? undefined : (row) => row.organization === view.session.organization;
}

// Browsers take these two, encoded or not, for the folder itself and the one above.
export function inPath(part: string): string {
    if (part === '.' || part === '..') {
        throw new Error(`“${part}” has no address of its own. Use Import, or another id.`);
    }
    return encodeURIComponent(part);
}

// The field of an organization; who administers one is not asked.
export function organizationFields(view: View, value: string | null, more: Partial<FormField> = {}): FormField[] {
    return isOfAll(view)
        ? [{ name: 'organization', label: 'Organization', value, suggestions: view.session.organizations, ...more }]
        : [];
}

export async function planChoices(none: string | null, now: string | null): Promise<[string, string][]> {
    const plans = await allPages<{ name: string; title: string }>(`${ADMIN}/plans`, {}, CHOICES_MAX);
    const found = new Map<string, string>(plans.map(({ name, title }) => [name, title ? `${title} (${name})` : name]));
    if (now && !found.has(now)) {
        found.set(now, now);
    }
    return [...(none === null ? [] : [['', none] as [string, string]]), ...found];
}

export async function metricChoices(now: string | null): Promise<[string, string][]> {
    const methods = await allPages<{ name: string; title: string }>(`${ADMIN}/methods`, {}, CHOICES_MAX);
    const found = new Map<string, string>([['hits', 'All requests']]);
    methods.forEach(({ name, title }) => found.set(name, title ? `${title} (${name})` : name));
    if (now && !found.has(now)) {
        found.set(now, now);
    }
    return [...found];
}

// Empty is as good as nothing.
export function orNull(text: string): string | null {
    return text === '' ? null : text;
}

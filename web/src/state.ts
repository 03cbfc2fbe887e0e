// What is on screen is the URL: the path is the page, the query its filters (range or from and to, tz, org) and what the page keeps
// for itself. Whoever opens the link sees the same, and back and forward are the browser's own.
import { isZone, zoneName } from './dates';
import { readRange, USUAL_PRESETS, type Range, type RangeRules } from './ranges';

export type { Range };

export interface State {
    page: string;
    range: Range;
    zone: string;
    organization: string | null; // null: all that the caller may see
    params: URLSearchParams; // the page's own
}

export type StateChange = Partial<Omit<State, 'params'>> & { params?: Record<string, string | string[] | null> };

const SHARED = ['range', 'from', 'to', 'tz', 'org'];
const listeners: (() => void)[] = [];
let rulesOf: (page: string) => RangeRules = () => ({ closedOnly: false, presets: USUAL_PRESETS, custom: true });

// The router says which dates each page can show.
export function setRangeRules(rules: (page: string) => RangeRules): void {
    rulesOf = rules;
}

export function onState(listener: () => void): void {
    listeners.push(listener);
}

export function rangeRules(): RangeRules {
    return rulesOf(location.pathname);
}

function usualZone(): string {
    const kept = localStorage.getItem('daybook.zone');
    return kept && isZone(kept) ? kept : zoneName(Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC');
}

export function getState(): State {
    const query = new URLSearchParams(location.search);
    const asked = query.get('tz') ?? '';
    const zone = asked && isZone(asked) ? asked : usualZone();
    const params = new URLSearchParams();
    query.forEach((value, name) => {
        if (!SHARED.includes(name)) {
            params.append(name, value);
        }
    });
    return {
        page: location.pathname,
        range: readRange(query, rangeRules(), zone),
        zone,
        organization: query.get('org') || null,
        params,
    };
}

function set(query: URLSearchParams, name: string, value: string | string[] | null): void {
    query.delete(name);
    for (const each of value === null ? [] : [value].flat()) {
        query.append(name, each);
    }
}

function setRange(query: URLSearchParams, range: Range): void {
    set(query, 'range', range.preset);
    set(query, 'from', range.preset ? null : range.from);
    set(query, 'to', range.preset ? null : range.to);
}

// The address of the state with the change, for links. What a page keeps for itself does not go to another page.
export function href(change: StateChange): string {
    const query = new URLSearchParams(location.search);
    const page = change.page ?? location.pathname;
    if (page !== location.pathname) {
        [...query.keys()].filter((name) => !SHARED.includes(name)).forEach((name) => query.delete(name));
    }
    if (change.range) {
        setRange(query, change.range);
    }
    if (change.zone) {
        set(query, 'tz', change.zone);
    }
    if (change.organization !== undefined) {
        set(query, 'org', change.organization);
    }
    for (const [name, value] of Object.entries(change.params ?? {})) {
        set(query, name, value);
    }
    const text = query.toString();
    return text ? `${page}?${text}` : page;
}

export function setState(change: StateChange, how: 'push' | 'replace' = 'push'): void {
    if (change.zone) {
        localStorage.setItem('daybook.zone', change.zone);
    }
    goTo(href(change), how);
}

// Writes into the address what the page shows already, as words that are typed: it is not drawn anew.
export function noteState(change: StateChange): void {
    history.replaceState(null, '', href(change));
}

// An address of our own, with everything that follows from it.
export function goTo(address: string, how: 'push' | 'replace' = 'push'): void {
    if (address === location.pathname + location.search) {
        how = 'replace';
    }
    history[how === 'push' ? 'pushState' : 'replaceState'](null, '', address);
    listeners.forEach((listener) => listener());
}

// Writes what the address leaves open into it, so that it shows the same elsewhere.
export function completeAddress(): void {
    if (!new URLSearchParams(location.search).has('tz')) {
        history.replaceState(null, '', href({ zone: getState().zone }) + location.hash);
    }
}

// The address with dates in place of a preset, where the page can show any dates.
export function fixedAddress(): string {
    const { range, zone } = getState();
    const preset = rangeRules().custom ? null : range.preset;
    return location.origin + href({ range: { ...range, preset }, zone });
}

export function startState(): void {
    let shown = location.pathname + location.search;
    onState(() => (shown = location.pathname + location.search));
    window.addEventListener('popstate', () => {
        if (shown !== location.pathname + location.search) {
            // else only what is behind the #
            listeners.forEach((listener) => listener());
        }
    });
}

// What the server answers about costs and capacity.

export interface Day {
    date: string;
    requests: number;
    overage?: number;
    amountMicros?: number;
    provisional?: boolean;
}
export interface Account {
    kind: 'client' | 'organization' | 'member' | 'unpriced';
    organization: string;
    clientId?: string;
    clientName?: string;
    plan?: { name: string; title: string; currency: string; included: number; priceMicros: number; ceiling: number };
    unknownPlan?: string;
    used: number;
    included?: number;
    overage?: number;
    currency?: string;
    amountMicros?: number;
    fairUse?: { ceiling: number; used: number; exceeded: boolean };
    projected: { used: number; overage?: number; amountMicros?: number };
    days?: Day[];
}
export interface Costs {
    month: string;
    finalizedThrough: string | null;
    provisional: boolean;
    total: { requests: number; priced: number; members: number; unpriced: number; accounts: number };
    entities: Account[];
    nextUri?: string;
}

export interface Peak {
    value: number;
    at: string | null;
}
export interface Capacity {
    window: { from: string; to: string };
    totalRequests: number;
    peakRequestsPerMinute: Peak | null;
    minutesSince: string | null;
    peakRequestsPerHour: Peak;
    peakRequestsPerDay: Peak;
    busiestHours: { at: string; requests: number }[];
    average: { requestsPerMinute: number; requestsPerHour: number; requestsPerDay: number };
    peakToAverage: { minute: number | null; hour: number; day: number };
    limits: { period: string; limit: number; peak: number; at: string | null; headroom: number; utilization: number }[];
}

// Of an address: an organization's account, or a client's.
export function idOf(account: Account): string {
    return account.clientId === undefined ? account.organization : `${account.organization}/${account.clientId}`;
}

export function nameOf(account: Account): string {
    return account.clientName || account.clientId || account.organization;
}

export function sum(accounts: Account[], of: (account: Account) => number | undefined): number {
    return accounts.reduce((all, account) => all + (of(account) ?? 0), 0);
}

// The days of all accounts together.
export function byDay(accounts: Account[]): Required<Day>[] {
    const days = new Map<string, Required<Day>>();
    for (const day of accounts.flatMap((account) => account.days ?? [])) {
        const all = days.get(day.date) ?? { date: day.date, requests: 0, overage: 0, amountMicros: 0, provisional: false };
        all.requests += day.requests;
        all.overage += day.overage ?? 0;
        all.amountMicros += day.amountMicros ?? 0;
        all.provisional ||= day.provisional ?? false;
        days.set(day.date, all);
    }
    return [...days.values()].sort((a, b) => (a.date < b.date ? -1 : 1));
}

// Amounts of several currencies are not added.
export function byCurrency(accounts: Account[]): Map<string, { now: number; projected: number }> {
    const found = new Map<string, { now: number; projected: number }>();
    for (const { currency, amountMicros, projected } of accounts) {
        if (currency) {
            const all = found.get(currency) ?? { now: 0, projected: 0 };
            all.now += amountMicros ?? 0;
            all.projected += projected.amountMicros ?? 0;
            found.set(currency, all);
        }
    }
    return found;
}

// Questions to the server. Every failure is an ApiError that holds what the server said, whichever of its families of routes it
// came from. A refusal that asks for a short wait is waited for.

export type QueryValue = string | number | boolean | string[] | null | undefined;
export type Query = Record<string, QueryValue>;

// What is wrong in a table that was sent; the header row is line 1.
export interface TableLine {
    line: number;
    field?: string;
    message: string;
}

export class ApiError extends Error {
    status: number; // 0: the server was not reached
    code: string;
    field?: string;
    allowed?: string[];
    requestId?: string;
    retryAfterS?: number;
    lines?: TableLine[];

    constructor(status: number, code: string, message: string) {
        super(message);
        this.name = 'ApiError';
        this.status = status;
        this.code = code;
    }
}

const WAIT_MAX_S = 5;
const TRIALS = 3;
const POLL_MS = [60, 150, 300, 600, 1000];
let onSignedOut: () => void = () => undefined;

// Called when the server no longer knows us.
export function whenSignedOut(f: () => void): void {
    onSignedOut = f;
}

export function address(path: string, query: Query = {}): string {
    const parts = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
        if (value === null || value === undefined) {
            continue;
        }
        for (const each of Array.isArray(value) ? value : [value]) {
            parts.append(name, String(each));
        }
    }
    const text = parts.toString();
    return text ? `${path}${path.includes('?') ? '&' : '?'}${text}` : path;
}

// A value for parameters that take lists with commas in between.
export function listItem(name: string): string {
    return name.replaceAll('\\', '\\\\').replaceAll(',', '\\,');
}

interface Refusal {
    message?: string;
    error?: string;
    code?: string;
    field?: string;
    allowed?: string[];
    requestId?: string;
    contextId?: string;
    lines?: TableLine[];
}

async function toError(response: Response): Promise<ApiError> {
    let said: Refusal = {};
    try {
        said = (await response.json()) as Refusal;
    } catch {
        // Not ours: a proxy's, perhaps. The status must do.
    }
    const message = said.message ?? said.error ?? `The server answered ${response.status} ${response.statusText}`.trim();
    const error = new ApiError(response.status, said.code ?? said.error ?? String(response.status), message);
    const wait = Number(response.headers.get('Retry-After') ?? NaN);
    error.field = said.field;
    error.allowed = said.allowed;
    error.lines = said.lines;
    error.requestId = said.requestId ?? said.contextId ?? response.headers.get('X-Request-Id') ?? undefined;
    error.retryAfterS = Number.isFinite(wait) ? wait : undefined;
    return error;
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener(
            'abort',
            () => {
                clearTimeout(timer);
                reject(signal.reason as Error);
            },
            { once: true },
        );
    });
}

async function once(url: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
        response = await fetch(url, { credentials: 'same-origin', cache: 'no-cache', ...init });
    } catch (error) {
        if (init.signal?.aborted) {
            throw error;
        }
        throw new ApiError(0, 'unreachable', 'The server cannot be reached. Check the connection, then try again.');
    }
    if (response.ok) {
        return response;
    }
    const refusal = await toError(response);
    if (response.status === 401 && !url.startsWith('/session')) {
        onSignedOut();
    }
    throw refusal;
}

async function ask(url: string, init: RequestInit): Promise<Response> {
    for (let trial = 1; ; trial++) {
        try {
            return await once(url, init);
        } catch (error) {
            const wait =
                error instanceof ApiError && (error.status === 429 || error.status === 503) ? error.retryAfterS : undefined;
            if (wait === undefined || wait > WAIT_MAX_S || trial === TRIALS) {
                throw error;
            }
            await sleep(wait * 1000 + 100, init.signal ?? undefined);
        }
    }
}

async function answer<T>(response: Response): Promise<T> {
    return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return answer<T>(await ask(address(path, query), { signal }));
}

// The header is what no page of another origin can send: it protects the cookie's bearer.
const OWN = { 'X-Daybook': 'dashboard' };

export async function send<T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    signal?: AbortSignal,
): Promise<T> {
    const headers: Record<string, string> = { ...OWN };
    if (body !== undefined) {
        headers['Content-Type'] = 'application/json';
    }
    return answer<T>(await ask(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) }));
}

// A table that the server reads.
export async function sendTable<T>(path: string, table: Blob): Promise<T> {
    const headers = { ...OWN, 'Content-Type': 'text/csv' };
    return answer<T>(await ask(path, { method: 'POST', headers, body: table }));
}

// Lists that come in pages, up to so many rows of them.
export async function allPages<T>(path: string, query: Query, most: number, signal?: AbortSignal): Promise<T[]> {
    const rows: T[] = [];
    let next: string | undefined = address(path, { ...query, pageSize: Math.min(most, 1000) });
    while (next !== undefined && rows.length < most) {
        const page: { entities: T[]; nextUri?: string } = await get(next, {}, signal);
        rows.push(...page.entities);
        next = page.nextUri;
    }
    return rows.slice(0, most);
}

export async function download(path: string, query: Query = {}, signal?: AbortSignal): Promise<{ name: string; blob: Blob }> {
    const response = await ask(address(path, query), { signal });
    const named = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '');
    return { name: named?.[1] ?? path.split('/').pop() ?? 'export', blob: await response.blob() };
}

// One answer for several who need it: asked when the first one asks, and again only after a failure.
export function shared<T>(ask: () => Promise<T>): () => Promise<T> {
    let asked: Promise<T> | null = null;
    return () => {
        asked ??= ask().catch((error: unknown) => {
            asked = null;
            throw error;
        });
        return asked;
    };
}

// A query of the kind that is asked first and answered later (POST, then results).
export async function query<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    const { resultsUri } = await send<{ resultsUri: string }>('POST', path, body, signal);
    const results = new URL(resultsUri, location.origin);
    for (let trial = 0; ; trial++) {
        const found = await get<T & { queryStatus: string; failure?: string }>(results.pathname + results.search, {}, signal);
        if (found.queryStatus === 'Complete' || found.queryStatus === 'Succeeded') {
            return found;
        }
        if (found.queryStatus === 'Failed' || found.queryStatus === 'Cancelled') {
            throw new ApiError(500, 'query.failed', found.failure ?? 'The query failed on the server.');
        }
        await sleep(POLL_MS[Math.min(trial, POLL_MS.length - 1)] ?? 1000, signal);
    }
}

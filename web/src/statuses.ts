// The classes of answers that reports count, in the order in which they are always shown. The colours (tokens of style/tokens.css)
// can be told apart by people who do not see all colours, and by their lightness alone.

export interface Status {
    key: string; // as in reports: status200, …
    code: string;
    name: string;
    meaning: string;
    color: string; // name of a token
}

export const STATUSES: Status[] = [
    { key: 'status200', code: '200', name: '2xx Success', meaning: 'The request was answered.', color: '--status-200' },
    {
        key: 'status300',
        code: '300',
        name: '3xx Redirect',
        meaning: 'The caller was sent elsewhere, or had the answer already.',
        color: '--status-300',
    },
    {
        key: 'status400',
        code: '400',
        name: '4xx Client error',
        meaning: 'The request was wrong, not permitted, or asked for what is not there.',
        color: '--status-400',
    },
    {
        key: 'status429',
        code: '429',
        name: '429 Too many',
        meaning: 'The caller was over a rate limit. A part of 4xx.',
        color: '--status-429',
    },
    { key: 'status500', code: '500', name: '5xx Server error', meaning: 'The service failed to answer.', color: '--status-500' },
];
export const OTHER: Status = {
    key: 'other',
    code: 'other',
    name: '1xx and unknown',
    meaning: 'Neither of the classes; counted in requests only.',
    color: '--status-other',
};

// What a row of a report has: 429 is a part of 400.
export interface StatusCounts {
    status200?: number;
    status300?: number;
    status400?: number;
    status429?: number;
    status500?: number;
    requests?: number;
}

// Parts that add up to the requests, for stacks and rings: 4xx without 429, and last what is in no class, if there is any.
export function statusParts(counts: StatusCounts): { status: Status; value: number }[] {
    const of = (key: string): number => (counts as Record<string, number | undefined>)[key] ?? 0;
    const parts = STATUSES.map((status) => ({
        status: status.key === 'status400' ? { ...status, name: '4xx without 429' } : status,
        value: status.key === 'status400' ? of('status400') - of('status429') : of(status.key),
    }));
    const rest = of('requests') - of('status200') - of('status300') - of('status400') - of('status500');
    return rest > 0 ? [...parts, { status: OTHER, value: rest }] : parts;
}

// The class of an exact code: 404 → status400's.
export function statusOf(code: number | string): Status {
    const n = Number(code);
    return n === 429
        ? STATUSES[3]!
        : (STATUSES.find((each) => each.code !== '429' && each.code === `${Math.floor(n / 100)}00`) ?? OTHER);
}

const MEANINGS: Record<string, string> = {
    200: 'OK',
    201: 'Created',
    202: 'Accepted',
    204: 'No content',
    206: 'Partial content',
    301: 'Moved permanently',
    302: 'Found',
    303: 'See other',
    304: 'Not modified',
    307: 'Temporary redirect',
    308: 'Permanent redirect',
    400: 'Bad request',
    401: 'Not authenticated',
    402: 'Payment required',
    403: 'Forbidden',
    404: 'Not found',
    405: 'Method not allowed',
    406: 'Not acceptable',
    408: 'Request timeout',
    409: 'Conflict',
    410: 'Gone',
    412: 'Precondition failed',
    413: 'Content too large',
    415: 'Unsupported media type',
    416: 'Range not satisfiable',
    422: 'Unprocessable content',
    423: 'Locked',
    428: 'Precondition required',
    429: 'Too many requests',
    431: 'Header fields too large',
    451: 'Unavailable for legal reasons',
    499: 'Client closed request',
    500: 'Internal server error',
    501: 'Not implemented',
    502: 'Bad gateway',
    503: 'Service unavailable',
    504: 'Gateway timeout',
    507: 'Insufficient storage',
};
export function codeMeaning(code: number | string): string {
    return MEANINGS[String(code)] ?? statusOf(code).name;
}

// What stands in place of numbers: while they load, when there are none, when they could not be had, when they are not for the
// caller. Each says what to do.
import { ApiError } from './api';
import { el, type Child } from './dom';
import { icon } from './icon';
import { errorText } from './toast';

const UNAVAILABLE =
    'If it lasts, tell whoever runs this system: what keeps the counts (Redis) does not answer. Nothing is lost meanwhile.';

export function skeleton(height = 180): HTMLElement {
    return el(
        'div',
        { class: 'skeleton', role: 'status', style: { 'min-height': `${height}px` } },
        el('span', { class: 'visually-hidden' }, 'Loading'),
    );
}

export function emptyState(
    title: string,
    hint: Child = 'Choose a longer range, another organization or fewer filters.',
    ...actions: Child[]
): HTMLElement {
    return el(
        'div',
        { class: 'state' },
        icon('empty'),
        el('p', { class: 'state-title' }, title),
        el('p', { class: 'state-text' }, hint),
        actions,
    );
}

function notPermitted(error: ApiError): HTMLElement {
    return el(
        'div',
        { class: 'state' },
        icon('lock'),
        el('p', { class: 'state-title' }, 'Not permitted'),
        el('p', { class: 'state-text' }, error.message),
        el('p', { class: 'state-text' }, 'Ask an administrator for a token with this permission, then sign in with it.'),
    );
}

// What the server says may say it already.
function waitText(error: ApiError): string | null {
    return error.retryAfterS && !/try again/i.test(error.message) ? ` Try again in ${Math.ceil(error.retryAfterS)} s.` : null;
}

export function errorState(error: unknown, again?: () => void): HTMLElement {
    if (error instanceof ApiError && error.status === 403) {
        return notPermitted(error);
    }
    if (error instanceof ApiError && error.status === 404) {
        return emptyState('Nothing was counted yet', error.message);
    }
    const known = error instanceof ApiError;
    return el(
        'div',
        { class: 'state error', role: 'alert' },
        icon('errors'),
        el(
            'p',
            { class: 'state-title' },
            known && error.status === 429 ? 'Too many questions at once' : 'This could not be loaded',
        ),
        el('p', { class: 'state-text' }, errorText(error), known ? waitText(error) : null),
        known && error.status === 503 ? el('p', { class: 'state-text' }, UNAVAILABLE) : null,
        known && error.requestId ? el('p', { class: 'faint' }, `Request ${error.requestId}`) : null,
        again ? el('button', { type: 'button', class: 'button', onclick: again }, 'Try again') : null,
    );
}

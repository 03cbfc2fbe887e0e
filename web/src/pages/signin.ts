// Sign-in: with a token, or with the code of a one-time link (/sign-in#code=…). The code stands behind the #, so no server or proxy
// on the way writes it to its log.
import { ApiError } from '../api';
import { el } from '../dom';
import { signIn } from '../session';
import { errorText } from '../toast';

const PATH = '/sign-in';

// Uses up the code in the address, if there is one. Returns what to say if that failed.
export async function takeCode(): Promise<string | null> {
    const code = new URLSearchParams(location.hash.slice(1)).get('code');
    if (location.pathname !== PATH && !code) {
        return null;
    }
    history.replaceState(null, '', '/');
    if (!code) {
        return null;
    }
    try {
        await signIn({ code });
        return null;
    } catch (error) {
        const used = error instanceof ApiError && error.status === 401;
        return used ? 'This link was used already, or is too old. Ask for a new one, or sign in with a token.' : errorText(error);
    }
}

export function showSignIn(root: HTMLElement, problem: string | null): void {
    const message = el('p', { class: 'problem', role: 'alert', hidden: !problem }, problem);
    const token = el('input', {
        id: 'token',
        class: 'input',
        type: 'password',
        autocomplete: 'current-password',
        required: true,
        spellcheck: 'false',
        'aria-describedby': 'token-hint',
    });
    const button = el('button', { type: 'submit', class: 'button primary' }, 'Sign in');
    async function submit(event: Event): Promise<void> {
        event.preventDefault();
        message.hidden = true;
        button.disabled = true;
        try {
            await signIn({ token: token.value.trim() });
            location.reload();
        } catch (error) {
            message.textContent =
                error instanceof ApiError && error.status === 401
                    ? 'This token is not known, or no longer valid.'
                    : errorText(error);
            message.hidden = false;
            button.disabled = false;
            token.focus();
        }
    }
    document.title = 'Sign in · Daybook';
    root.replaceChildren(
        el(
            'main',
            { class: 'sign-in' },
            el(
                'form',
                { class: 'sign-in-card', onsubmit: (event: Event) => void submit(event) },
                el('div', { class: 'logo' }, el('span', { class: 'logo-mark', 'aria-hidden': 'true' }), 'Daybook'),
                el('h1', {}, 'Sign in'),
                el('p', { class: 'faint' }, 'API usage, counted exactly once.'),
                el(
                    'div',
                    { class: 'field' },
                    el('label', { for: 'token' }, 'Access token'),
                    token,
                    el(
                        'p',
                        { class: 'hint', id: 'token-hint' },
                        'An administrator makes tokens, or one-time links for signing in. You see what the token may see.',
                    ),
                ),
                message,
                button,
            ),
        ),
    );
    token.focus();
}

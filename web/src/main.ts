// The start: theme, who is signed in, then the pages or the sign-in.
import { whenSignedOut } from './api';
import { el } from './dom';
import { pages } from './pages';
import { showSignIn, takeCode } from './pages/signin';
import { startRouter } from './router';
import { loadSession } from './session';
import { completeAddress, startState } from './state';
import { errorState, skeleton } from './status_view';
import { startTheme } from './theme';

const SLOW_MS = 500; // until then nothing is shown, so that nothing flickers

// Back to the sign-in, but only if the session is what is missing.
async function endIfSignedOut(): Promise<void> {
    if ((await loadSession().catch(() => undefined)) === null) {
        location.reload();
    }
}

function alone(content: HTMLElement): HTMLElement {
    return el('main', { class: 'sign-in' }, el('div', { class: 'sign-in-card' }, content));
}

async function start(): Promise<void> {
    const root = document.getElementById('app')!;
    startTheme();
    const slow = setTimeout(() => root.replaceChildren(alone(skeleton())), SLOW_MS);
    try {
        const problem = await takeCode();
        const session = await loadSession();
        clearTimeout(slow);
        if (!session) {
            showSignIn(root, problem);
            return;
        }
        whenSignedOut(() => void endIfSignedOut());
        startState();
        completeAddress();
        startRouter(pages, session, root);
    } catch (error) {
        root.replaceChildren(alone(errorState(error, () => location.reload())));
    } finally {
        clearTimeout(slow);
    }
}

void start();

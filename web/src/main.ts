// The start: theme, who is signed in, then the pages or the sign-in.
import { whenSignedOut } from './api';
import { errorState } from './status_view';
import { pages } from './pages';
import { showSignIn, takeCode } from './pages/signin';
import { startRouter } from './router';
import { loadSession } from './session';
import { completeAddress, startState } from './state';
import { startTheme } from './theme';

// Back to the sign-in, but only if the session is what is missing.
async function endIfSignedOut(): Promise<void> {
    if ((await loadSession().catch(() => undefined)) === null) {
        location.reload();
    }
}

async function start(): Promise<void> {
    const root = document.getElementById('app')!;
    startTheme();
    try {
        const problem = await takeCode();
        const session = await loadSession();
        if (!session) {
            showSignIn(root, problem);
            return;
        }
        whenSignedOut(() => void endIfSignedOut());
        startState();
        completeAddress();
        startRouter(pages, session, root);
    } catch (error) {
        root.replaceChildren(errorState(error, () => location.reload()));
    }
}

void start();

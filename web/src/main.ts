// The start: theme, who is signed in, then the pages or the sign-in.
import { whenSignedOut } from './api';
import { errorState } from './status_view';
import { pages } from './pages';
import { showSignIn, takeCode } from './pages/signin';
import { startRouter } from './router';
import { loadSession } from './session';
import { completeAddress, startState } from './state';
import { startTheme } from './theme';

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
        whenSignedOut(() => location.reload());
        startState();
        completeAddress();
        startRouter(pages, session, root);
    } catch (error) {
        root.replaceChildren(errorState(error, () => location.reload()));
    }
}

void start();

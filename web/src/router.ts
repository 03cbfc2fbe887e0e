// From the address to a page. Each change of the address ends what the page before was waiting for and draws the page anew; a page
// that is only filtered differently keeps its scroll position and the focus in the filters.
import { el, keepFocus } from './dom';
import { emptyState, errorState } from './status_view';
import { isAllowed, type Page, type View } from './page';
import type { Session } from './session';
import { makeShell, type Shell } from './shell';
import { getState, goTo, href, onState, setRangeRules } from './state';
import { USUAL_PRESETS } from './ranges';

let leave = new AbortController();
let shownPage = '';

const NOWHERE: Page = {
    path: '',
    title: 'Not found',
    group: 'Usage',
    icon: 'empty',
    live: false,
    closedOnly: false,
    filters: { range: false, zone: false, organization: false },
    render: ({ root }) =>
        root.append(emptyState('There is no such page', el('a', { href: href({ page: '/' }) }, 'Go to the overview'))),
};

function pageAt(pages: Page[], path: string): Page {
    return pages.find((page) => page.path === path) ?? NOWHERE;
}

// Runs again in the interval while the page is shown and its tab is visible; a tab that comes back is refreshed at once.
function refresher(signal: AbortSignal): View['refresh'] {
    return (every_ms, again) => {
        let due = Date.now() + every_ms;
        let running = false;
        const tick = async (): Promise<void> => {
            if (running || document.hidden || Date.now() < due) {
                return;
            }
            running = true;
            await again().catch(() => undefined); // the page shows what failed
            running = false;
            due = Date.now() + every_ms;
        };
        const timer = setInterval(() => void tick(), 1000);
        const seen = (): void => void tick();
        document.addEventListener('visibilitychange', seen);
        signal.addEventListener('abort', () => {
            clearInterval(timer);
            document.removeEventListener('visibilitychange', seen);
        });
    };
}

function denied(page: Page): HTMLElement {
    return emptyState(
        'Not permitted',
        `${page.title} needs one of these permissions: ${(page.needs ?? []).join(', ')}. Sign in with a token that has it.`,
    );
}

async function draw(page: Page, view: View): Promise<void> {
    try {
        await page.render(view);
    } catch (error) {
        if (!view.signal.aborted) {
            view.root.replaceChildren(errorState(error, () => goTo(location.pathname + location.search, 'replace')));
        }
    }
}

function show(pages: Page[], shell: Shell, session: Session): void {
    leave.abort();
    leave = new AbortController();
    const state = getState();
    const page = pageAt(pages, state.page);
    const isNew = shownPage !== page.path;
    const kept = shell.main.offsetHeight;
    const root = el('div', { class: 'page' });
    const view: View = {
        root,
        state,
        session,
        signal: leave.signal,
        refresh: refresher(leave.signal),
        exports: (list) => shell.setExports(list),
    };
    shell.setExports(null);
    shell.show(page);
    shell.main.style.minHeight = isNew ? '' : `${kept}px`; // so that the window does not jump while the same page is loaded again
    const fill = (): void => {
        shell.main.replaceChildren(root);
        if (isAllowed(page, session)) {
            void draw(page, view).finally(() => {
                shell.main.style.minHeight = '';
            });
        } else {
            root.append(denied(page));
        }
    };
    if (isNew) {
        fill();
    } else {
        keepFocus(shell.main, fill); // in what the page draws at once: its own filters
    }
    if (isNew) {
        window.scrollTo(0, 0);
        if (shownPage) {
            shell.focusTitle();
        }
    }
    shownPage = page.path;
}

// Links to our own pages do not load the document again.
function follow(event: MouseEvent): void {
    const link = (event.target as Element).closest('a');
    const own =
        link &&
        link.origin === location.origin &&
        !link.hasAttribute('download') &&
        !link.target &&
        !/^\/(api|v1|stats|assets)\//.test(link.pathname);
    if (
        !own ||
        event.button ||
        event.metaKey ||
        event.ctrlKey ||
        event.shiftKey ||
        event.altKey ||
        event.defaultPrevented ||
        link.getAttribute('href')?.startsWith('#')
    ) {
        return;
    }
    event.preventDefault();
    goTo(link.pathname + link.search);
}

export function startRouter(pages: Page[], session: Session, into: HTMLElement): void {
    setRangeRules((path) => {
        const page = pageAt(pages, path);
        const presets = page.presets ?? USUAL_PRESETS.filter((id) => !page.closedOnly || id !== 'today');
        return { closedOnly: page.closedOnly, presets, custom: !page.presets };
    });
    const shell = makeShell(pages, session);
    into.replaceChildren(shell.root);
    document.addEventListener('click', follow);
    onState(() => show(pages, shell, session));
    show(pages, shell, session);
}

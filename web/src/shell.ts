// What is around every page: the navigation, the bar with title, filters and Export, and what belongs to the person.
import { el, replace } from './dom';
import { openDialog } from './dialog';
import { openExport, type ExportFile } from './export';
import { dateFilter } from './filter';
import { icon } from './icon';
import { menuButton } from './menu';
import { organizationChoice } from './organization_choice';
import { isAllowed, type Page } from './page';
import { signOut, type Session } from './session';
import { fixedAddress, getState, href, rangeRules } from './state';
import { getTheme, setTheme, type Theme } from './theme';
import { toast, toastError } from './toast';
import { zoneChoice } from './zone_choice';

const GROUPS = ['Usage', 'Reports', 'Operation'] as const;
const THEMES: { id: Theme; label: string; icon: string }[] = [
    { id: 'system', label: 'Theme as the system', icon: 'contrast' },
    { id: 'light', label: 'Light theme', icon: 'sun' },
    { id: 'dark', label: 'Dark theme', icon: 'moon' },
];

export interface Shell {
    root: HTMLElement;
    main: HTMLElement;
    show(page: Page, session: Session): void; // title, filters and navigation as the address says
    setExports(list: (() => ExportFile[]) | null): void;
    focusTitle(): void;
}

function logo(): HTMLElement {
    return el(
        'a',
        { class: 'logo', href: href({ page: '/' }) },
        el('span', { class: 'logo-mark', 'aria-hidden': 'true' }),
        'Daybook',
    );
}

function link(page: Page, at: string): HTMLElement {
    return el(
        'a',
        { href: href({ page: page.path }), 'aria-current': page.path === at ? 'page' : 'false' },
        icon(page.icon),
        page.title,
    );
}

function navigation(pages: Page[], at: string): HTMLElement[] {
    return GROUPS.map((group) => ({ group, list: pages.filter((page) => page.group === group) }))
        .filter(({ list }) => list.length)
        .map(({ group, list }) =>
            el(
                'div',
                { class: 'nav-group', role: 'group', 'aria-label': group },
                el('span', { class: 'nav-title', 'aria-hidden': 'true' }, group),
                list.map((page) => link(page, at)),
            ),
        );
}

// Browsers offer their clipboard to pages that came over HTTPS or from this machine only.
async function copyLink(): Promise<void> {
    const address = fixedAddress();
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(address);
        toast('Link copied.');
        return;
    }
    const input = el('input', {
        class: 'input',
        readonly: true,
        value: address,
        'aria-label': 'Link',
        onfocus: () => input.select(),
    });
    openDialog('Copy link', el('div', {}, input), [{ label: 'Close' }]);
}

function leave(): void {
    signOut().then(() => location.assign('/'), toastError);
}

function person(session: Session): HTMLElement {
    const button = el('button', { type: 'button', class: 'icon-button', 'aria-label': `Account: ${session.name}` }, icon('user'));
    return menuButton(session.name, button, () => [
        ...THEMES.filter((theme) => theme.id !== getTheme()).map((theme) => ({
            label: theme.label,
            icon: theme.icon,
            run: () => setTheme(theme.id),
        })),
        { label: `Sign out (${session.name})`, icon: 'leave', run: leave },
    ]);
}

export function makeShell(pages: Page[]): Shell {
    const nav = el('div', { class: 'nav' });
    const title = el('h1', { tabindex: -1 });
    const filters = el('div', { class: 'filters', role: 'group', 'aria-label': 'Filters' });
    const exportButton = el(
        'button',
        { type: 'button', class: 'button', hidden: true },
        icon('download'),
        el('span', {}, 'Export'),
    );
    const account = el('div', { class: 'account' });
    const main = el('main', { id: 'main', class: 'main', tabindex: -1 });
    const drawer = el(
        'button',
        {
            type: 'button',
            class: 'icon-button drawer-button',
            'aria-label': 'Pages',
            'aria-expanded': 'false',
            'aria-controls': 'navigation',
            onclick: () => setDrawer(!root.classList.contains('nav-open')),
        },
        icon('menu'),
    );
    const home = el('div', {}, logo());
    const side = el(
        'nav',
        { class: 'side', id: 'navigation', 'aria-label': 'Pages' },
        el('div', { class: 'side-inner' }, home, nav),
    );
    const root = el(
        'div',
        { class: 'shell' },
        el('a', { class: 'skip-link', href: '#main', onclick: skip }, 'Skip to the page'),
        side,
        el('div', { class: 'scrim', onclick: () => setDrawer(false) }),
        el(
            'div',
            { class: 'content' },
            el(
                'header',
                { class: 'bar' },
                drawer,
                title,
                filters,
                el(
                    'div',
                    { class: 'bar-end' },
                    exportButton,
                    el(
                        'button',
                        {
                            type: 'button',
                            class: 'icon-button',
                            'aria-label': 'Copy link',
                            title: 'Copy link',
                            onclick: () => void copyLink().catch(toastError),
                        },
                        icon('link'),
                    ),
                    account,
                ),
            ),
            main,
        ),
    );
    let exports: (() => ExportFile[]) | null = null;
    let shownFor: Session | null = null;

    function skip(event: Event): void {
        event.preventDefault();
        main.focus();
    }
    function setDrawer(open: boolean): void {
        root.classList.toggle('nav-open', open);
        drawer.setAttribute('aria-expanded', String(open));
        if (open) {
            nav.querySelector<HTMLElement>('[aria-current=page]')?.focus();
        }
    }
    root.addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && root.classList.contains('nav-open')) {
            setDrawer(false);
            drawer.focus();
        }
    });
    exportButton.addEventListener('click', () => {
        if (exports) {
            openExport(title.textContent ?? 'export', exports(), getState());
        }
    });
    function show(page: Page, session: Session): void {
        setDrawer(false);
        document.title = `${page.title} · Daybook`;
        title.textContent = page.title;
        replace(
            nav,
            navigation(
                pages.filter((each) => isAllowed(each, session)),
                page.path,
            ),
        );
        replace(home, logo());
        replace(
            filters,
            page.filters.range ? dateFilter(rangeRules()) : null,
            page.filters.organization ? organizationChoice(session) : null,
            page.filters.zone ? zoneChoice() : null,
        );
        if (shownFor !== session) {
            shownFor = session;
            replace(account, person(session));
        }
    }
    function setExports(list: (() => ExportFile[]) | null): void {
        exports = list;
        exportButton.hidden = !list;
    }
    return { root, main, show, setExports, focusTitle: () => title.focus({ preventScroll: true }) };
}

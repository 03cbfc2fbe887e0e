// What is around every page: the navigation, the bar with title, filters and Export, and what belongs to the person.
import { el, replace } from './dom';
import { openDialog } from './dialog';
import { openExport, type ExportFile } from './export';
import { dateFilter } from './filter';
import { icon, iconButton } from './icon';
import { menuButton } from './menu';
import { organizationChoice } from './organization_choice';
import { isOffered, type Page } from './page';
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
    show(page: Page): void; // title, filters and navigation as the address says
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
    const button = iconButton(`Account: ${session.name}`, 'user', null);
    return menuButton(session.name, button, () => [
        ...THEMES.filter((theme) => theme.id !== getTheme()).map((theme) => ({
            label: theme.label,
            icon: theme.icon,
            run: () => setTheme(theme.id),
        })),
        { label: `Sign out (${session.name})`, icon: 'leave', run: leave },
    ]);
}

class AppShell implements Shell {
    readonly main = el('main', { id: 'main', class: 'main', tabindex: -1 });
    readonly root: HTMLElement;
    private readonly home = el('div');
    private readonly nav = el('div', { class: 'nav' });
    private readonly title = el('h1', { tabindex: -1 });
    private readonly filters = el('div', { class: 'filters', role: 'group', 'aria-label': 'Filters' });
    private readonly account = el('div', { class: 'account' });
    private readonly drawer = iconButton('Pages', 'menu', () => this.setDrawer(!this.isDrawerOpen()), {
        class: 'icon-button drawer-button',
        'aria-expanded': 'false',
        'aria-controls': 'navigation',
    });
    private readonly exportButton = el(
        'button',
        { type: 'button', class: 'button', 'aria-label': 'Export', hidden: true, onclick: () => this.openExport() },
        icon('download'),
        el('span', {}, 'Export'),
    );
    private exports: (() => ExportFile[]) | null = null;
    private hasRange = false; // of the page that is shown

    constructor(
        private readonly pages: Page[],
        private readonly session: Session,
    ) {
        this.account.append(person(session));
        const inner = el('div', { class: 'side-inner' }, this.home, this.nav);
        this.root = el(
            'div',
            { class: 'shell', onkeydown: (event: KeyboardEvent) => this.key(event) },
            el('a', { class: 'skip-link', href: '#main', onclick: (event: Event) => this.skip(event) }, 'Skip to the page'),
            el('nav', { class: 'side', id: 'navigation', 'aria-label': 'Pages' }, inner),
            el('div', { class: 'scrim', onclick: () => this.setDrawer(false) }),
            el('div', { class: 'content' }, this.bar(), this.main),
        );
    }

    private bar(): HTMLElement {
        const share = iconButton('Copy link', 'link', () => void copyLink().catch(toastError), { title: 'Copy link' });
        const end = el('div', { class: 'bar-end' }, this.exportButton, share, this.account);
        return el('header', { class: 'bar' }, this.drawer, this.title, this.filters, end);
    }

    show(page: Page): void {
        this.setDrawer(false);
        document.title = `${page.title} · Daybook`;
        this.title.textContent = page.title;
        this.hasRange = page.filters.range;
        const offered = this.pages.filter((each) => isOffered(each, this.session));
        replace(this.home, logo());
        replace(this.nav, navigation(offered, page.path));
        replace(
            this.filters,
            page.filters.range ? dateFilter(rangeRules()) : null,
            page.filters.organization ? organizationChoice(this.session) : null,
            page.filters.zone ? zoneChoice() : null,
        );
    }

    setExports(list: (() => ExportFile[]) | null): void {
        this.exports = list;
        this.exportButton.hidden = !list;
    }

    focusTitle(): void {
        this.title.focus({ preventScroll: true });
    }

    private openExport(): void {
        if (this.exports) {
            openExport(this.title.textContent ?? 'export', this.exports(), getState(), this.hasRange);
        }
    }

    private skip(event: Event): void {
        event.preventDefault();
        this.main.focus();
    }

    // ---- the navigation on narrow screens ----

    private isDrawerOpen(): boolean {
        return this.root.classList.contains('nav-open');
    }

    private setDrawer(open: boolean): void {
        this.root.classList.toggle('nav-open', open);
        this.drawer.setAttribute('aria-expanded', String(open));
        if (open) {
            this.nav.querySelector<HTMLElement>('[aria-current=page]')?.focus();
        }
    }

    private key(event: KeyboardEvent): void {
        if (event.key === 'Escape' && this.isDrawerOpen()) {
            this.setDrawer(false);
            this.drawer.focus();
        }
    }
}

export function makeShell(pages: Page[], session: Session): Shell {
    return new AppShell(pages, session);
}

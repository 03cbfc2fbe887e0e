// A card: a title, what it is about, a menu, and content that is fetched. While it is fetched for the first time a skeleton stands
// there; later the old content stays until the new is here, so nothing flickers.
import { el, replace, type Child } from './dom';
import { download as saveBlob } from './export';
import type { Chart } from './chart';
import { icon, iconButton } from './icon';
import { menuButton, type MenuItem } from './menu';
import { emptyState, errorState, skeleton } from './status_view';
import { getState } from './state';
import { toastError } from './toast';
import { dayRange } from './format';

export type { MenuItem };

export interface Card {
    root: HTMLElement;
    body: HTMLElement;
    // Shows what is fetched. `show` puts it into body with replaceChildren (or dom.replace, which keeps the focus).
    load<T>(
        signal: AbortSignal,
        fetch: () => Promise<T>,
        show: (data: T, body: HTMLElement) => void,
        isEmpty?: (data: T) => boolean,
    ): Promise<void>;
    setMenu(items: MenuItem[]): void;
    setSubtitle(...content: Child[]): void;
    setTotal(...content: Child[]): void; // beside the title: a figure, a switch
    setChart(chart: Chart): void; // puts "Download as PNG" and "Show numbers" into the menu
}

export interface CardOptions {
    subtitle?: string;
    wide?: boolean; // as wide as the page
    info?: string; // what the numbers mean, on hover
    height?: number; // of the skeleton, as the content will be
    empty?: string; // what to say when there is nothing
}

class CardView implements Card {
    readonly root: HTMLElement;
    readonly body = el('div', { class: 'card-body' });
    private readonly subtitle: HTMLElement;
    private readonly total = el('div', { class: 'card-total' });
    private readonly menu = el('div', { class: 'card-menu' });
    private items: MenuItem[] = [];
    private chartItems: () => MenuItem[] = () => [];
    private hasContent = false;
    private last = 0; // the newest load; what comes from an older one is not shown

    constructor(
        private readonly title: string,
        private readonly options: CardOptions,
    ) {
        this.subtitle = el('p', { class: 'card-subtitle' }, options.subtitle);
        this.root = el(
            'section',
            { class: ['card', options.wide && 'wide'], 'aria-label': title },
            el(
                'header',
                { class: 'card-head' },
                el('div', { class: 'card-titles' }, el('h2', {}, title, options.info ? info(options.info) : null), this.subtitle),
                this.total,
                this.menu,
            ),
            this.body,
        );
    }

    async load<T>(
        signal: AbortSignal,
        fetch: () => Promise<T>,
        show: (data: T, body: HTMLElement) => void,
        isEmpty?: (data: T) => boolean,
    ): Promise<void> {
        const mine = ++this.last;
        if (!this.hasContent) {
            this.body.replaceChildren(skeleton(this.options.height));
        }
        this.root.setAttribute('aria-busy', 'true');
        try {
            const data = await fetch();
            if (!signal.aborted && mine === this.last) {
                this.present(data, show, isEmpty);
            }
        } catch (error) {
            if (!signal.aborted && mine === this.last) {
                this.hasContent = false;
                this.body.replaceChildren(errorState(error, () => void this.load(signal, fetch, show, isEmpty)));
            }
        } finally {
            if (mine === this.last) {
                this.root.removeAttribute('aria-busy');
            }
        }
    }

    private present<T>(data: T, show: (data: T, body: HTMLElement) => void, isEmpty?: (data: T) => boolean): void {
        if (isEmpty?.(data)) {
            this.hasContent = false;
            this.body.replaceChildren(emptyState(this.options.empty ?? 'No requests here'));
            return;
        }
        if (!this.hasContent) {
            this.body.replaceChildren();
        }
        this.hasContent = true;
        show(data, this.body);
    }

    setMenu(items: MenuItem[]): void {
        this.items = items;
        this.drawMenu();
    }

    setSubtitle(...content: Child[]): void {
        replace(this.subtitle, content);
    }

    setTotal(...content: Child[]): void {
        replace(this.total, content);
    }

    setChart(chart: Chart): void {
        let shown = false;
        this.chartItems = () => [
            {
                label: 'Download as PNG',
                icon: 'image',
                run: () =>
                    chart
                        .png(this.title, about())
                        .then((blob) => saveBlob(`${fileName(this.title)}.png`, blob))
                        .catch(toastError),
            },
            {
                label: shown ? 'Hide numbers' : 'Show numbers',
                icon: 'table',
                run: () => {
                    shown = !shown;
                    chart.showTable(shown);
                },
            },
        ];
        this.drawMenu();
    }

    private drawMenu(): void {
        if (!this.menu.firstChild) {
            const name = `More for ${this.title}`;
            this.menu.append(menuButton(name, iconButton(name, 'more', null), () => [...this.chartItems(), ...this.items]));
        }
    }
}

// Range, zone and organization on screen, for what leaves it.
function about(): string {
    const { range, zone, organization } = getState();
    return [dayRange(range.from, range.to), zone, organization].filter(Boolean).join(' · ');
}

export function fileName(title: string): string {
    return title
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-|-$/g, '');
}

// A sign that explains, on hover and for screen readers.
export function info(text: string): HTMLElement {
    return el('span', { class: 'info', title: text, tabindex: 0, role: 'img', 'aria-label': text }, icon('info'));
}

export function card(title: string, options: CardOptions = {}): Card {
    return new CardView(title, options);
}

// A list that is searched by typing: of one thing to choose, or of several. Only the first of what matches is shown; typing narrows
// it. Where not all that could be chosen is in the list, the server is asked for what was typed.
import { sleep } from './api';
import { el, replace, uniqueId } from './dom';
import { count } from './format';
import { errorText } from './toast';

export interface SearchListOptions {
    items: string[];
    chosen: string[];
    multiple: boolean;
    names?: Map<string, string>; // what to show for an item, where that is not the item
    onChange(chosen: string[]): void;
    placeholder?: string;
    max?: number; // how many may be chosen
    hideIds?: boolean; // where a name says all
    free?: boolean; // what was typed may be chosen, although it is not in the list
    words?: (item: string) => string; // what is searched, besides its name, where that is not the item
    search?: (typed: string) => Promise<string[]>; // more that matches; it may add to `names`
}

const SHOWN_MAX = 200;
const TYPING_MS = 250;

class SearchList {
    readonly root: HTMLElement;
    private readonly chosen: Set<string>;
    private readonly group = uniqueId('item');
    private readonly list: HTMLElement;
    private readonly note = el('p', { class: 'hint', 'aria-live': 'polite' });
    private readonly input: HTMLInputElement;
    private left = 0; // how many match and are not shown
    private answer: { typed: string; items: string[] } | null = null; // of the server
    private asking: AbortController | null = null;

    constructor(
        label: string,
        private readonly options: SearchListOptions,
    ) {
        this.chosen = new Set(options.chosen);
        this.list = el('div', {
            class: 'search-items',
            role: 'group',
            'aria-label': label,
            onkeydown: (event: KeyboardEvent) => this.move(event),
        });
        this.input = el('input', {
            type: 'search',
            class: 'input',
            placeholder: options.placeholder ?? 'Search',
            'aria-label': `Search ${label.toLowerCase()}`,
            autocomplete: 'off',
            spellcheck: 'false',
            'data-focus': true,
            oninput: () => this.typed(),
            onkeydown: (event: KeyboardEvent) => this.fromInput(event),
        });
        this.root = el('div', { class: 'search-list' }, this.input, this.list, this.note);
        this.draw();
    }

    private choose(item: string, box: HTMLInputElement): void {
        const { multiple, max, onChange } = this.options;
        if (box.checked && multiple && max && this.chosen.size >= max) {
            box.checked = false;
            this.note.textContent = `At most ${count(max)} can be chosen.`;
            return;
        }
        if (!multiple) {
            this.chosen.clear();
        }
        this.chosen[box.checked ? 'add' : 'delete'](item);
        this.say();
        onChange([...this.chosen]);
    }

    private nameOf(item: string): string {
        return this.options.names?.get(item) ?? item;
    }

    private matching(): string[] {
        const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
        const fits = (item: string): boolean => {
            const texts = [this.options.words?.(item) ?? item, this.nameOf(item)].map((text) => text.toLowerCase());
            return words.every((word) => texts.some((text) => text.includes(word)));
        };
        const found = [...new Set([...this.options.items, ...this.chosen])].filter(fits);
        if (words.length) {
            const more = this.answer?.typed === this.input.value.trim() ? this.answer.items : [];
            return [...new Set([...found, ...more])];
        }
        // What is chosen can be seen at once.
        return [...found.filter((item) => this.chosen.has(item)), ...found.filter((item) => !this.chosen.has(item))];
    }

    private typed(): void {
        const { search } = this.options;
        const typed = this.input.value.trim();
        this.asking?.abort();
        this.asking = search && typed && this.answer?.typed !== typed ? new AbortController() : null;
        this.root.ariaBusy = this.asking ? 'true' : null;
        this.draw();
        if (search && this.asking) {
            void this.ask(typed, search, this.asking.signal);
        }
    }

    // While somebody types, only the last of it is asked for.
    private async ask(typed: string, search: (typed: string) => Promise<string[]>, signal: AbortSignal): Promise<void> {
        let found: string[] | null = null;
        let problem = '';
        try {
            await sleep(TYPING_MS, signal);
            found = await search(typed);
        } catch (error) {
            problem = errorText(error);
        }
        if (signal.aborted) {
            return;
        }
        this.answer = found && { typed, items: found };
        this.asking = null;
        this.root.ariaBusy = null;
        this.draw();
        if (problem) {
            this.note.textContent = problem;
        }
    }

    private row(item: string): HTMLElement {
        const box = el('input', {
            type: this.options.multiple ? 'checkbox' : 'radio',
            name: this.group,
            checked: this.chosen.has(item),
            onchange: () => this.choose(item, box),
        });
        const name = this.nameOf(item);
        const id = name === item || this.options.hideIds ? null : el('span', { class: 'faint' }, item);
        return el('label', { class: 'search-item', title: name }, box, el('span', {}, name), id);
    }

    private draw(): void {
        const found = this.matching();
        const typed = this.input.value.trim();
        const own = this.options.free && typed && !found.includes(typed) ? this.row(typed) : null;
        const nothing = this.asking ? 'Searching…' : 'Nothing matches.';
        this.left = found.length - SHOWN_MAX;
        replace(
            this.list,
            found.slice(0, SHOWN_MAX).map((item) => this.row(item)),
            own,
            found.length || own ? null : el('p', { class: 'empty-line' }, nothing),
        );
        this.say();
    }

    private say(): void {
        const chosen = this.options.multiple ? `${count(this.chosen.size)} chosen` : '';
        const more = this.left > 0 ? `${count(this.left)} more: type to narrow` : '';
        this.note.textContent = [chosen, more].filter(Boolean).join(' · ');
    }

    // ---- the keyboard ----

    private boxes(): HTMLInputElement[] {
        return [...this.list.querySelectorAll('input')];
    }

    private fromInput(event: KeyboardEvent): void {
        if (event.key === 'ArrowDown' || event.key === 'Enter') {
            event.preventDefault();
            const first = this.boxes()[0];
            if (event.key === 'Enter') {
                first?.click();
            } else {
                first?.focus();
            }
        }
    }

    // Radio buttons would choose on the way; arrows only move here.
    private move(event: KeyboardEvent): void {
        const all = this.boxes();
        const at = all.indexOf(document.activeElement as HTMLInputElement);
        const to = event.key === 'ArrowDown' ? at + 1 : event.key === 'ArrowUp' ? at - 1 : null;
        if (to !== null && at >= 0) {
            event.preventDefault();
            (to < 0 ? this.input : all[Math.min(to, all.length - 1)])?.focus();
        } else if (event.key === 'Enter' && at >= 0) {
            event.preventDefault();
            all[at]?.click();
        }
    }
}

export function searchList(label: string, options: SearchListOptions): HTMLElement {
    return new SearchList(label, options).root;
}

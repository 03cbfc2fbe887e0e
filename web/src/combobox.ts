// A list that is searched by typing: of one thing to choose, or of several. Only the first of what matches is shown; typing narrows
// it.
import { el, replace, uniqueId } from './dom';
import { count } from './format';

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
}

const SHOWN_MAX = 200;

export function searchList(label: string, options: SearchListOptions): HTMLElement {
    const chosen = new Set(options.chosen);
    const name = uniqueId('item');
    const nameOf = (item: string): string => options.names?.get(item) ?? item;
    const list = el('div', { class: 'search-items', role: 'group', 'aria-label': label, onkeydown: move });
    const note = el('p', { class: 'hint', 'aria-live': 'polite' });
    const input = el('input', {
        type: 'search',
        class: 'input',
        placeholder: options.placeholder ?? 'Search',
        'aria-label': `Search ${label.toLowerCase()}`,
        autocomplete: 'off',
        spellcheck: 'false',
        'data-focus': true,
        oninput: draw,
        onkeydown: fromInput,
    });

    function choose(item: string, on: boolean, box: HTMLInputElement): void {
        if (on && options.multiple && options.max && chosen.size >= options.max) {
            box.checked = false;
            note.textContent = `At most ${count(options.max)} can be chosen.`;
            return;
        }
        if (!options.multiple) {
            chosen.clear();
        }
        chosen[on ? 'add' : 'delete'](item);
        options.onChange([...chosen]);
        say();
    }
    function row(item: string): HTMLElement {
        const box = el('input', {
            type: options.multiple ? 'checkbox' : 'radio',
            name,
            checked: chosen.has(item),
            onchange: () => choose(item, box.checked, box),
        });
        const shown = nameOf(item);
        return el(
            'label',
            { class: 'search-item', title: shown },
            box,
            el('span', {}, shown),
            shown === item || options.hideIds ? null : el('span', { class: 'faint' }, item),
        );
    }
    function matching(): string[] {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        const fits = (item: string): boolean =>
            words.every((word) => item.toLowerCase().includes(word) || nameOf(item).toLowerCase().includes(word));
        const found = options.items.filter(fits);
        if (words.length) {
            return found;
        }
        const first = found.filter((item) => chosen.has(item)); // what is chosen can be seen at once
        return [...first, ...found.filter((item) => !chosen.has(item))];
    }
    let left = 0;
    function say(): void {
        const parts = [
            options.multiple ? `${count(chosen.size)} chosen` : '',
            left > 0 ? `${count(left)} more: type to narrow` : '',
        ];
        note.textContent = parts.filter(Boolean).join(' · ');
    }
    function draw(): void {
        const found = matching();
        left = found.length - SHOWN_MAX;
        const typed = input.value.trim();
        const rest = options.free && typed && !found.includes(typed) ? row(typed) : null;
        const nothing = found.length || rest ? null : el('p', { class: 'empty-line' }, 'Nothing matches.');
        replace(list, found.slice(0, SHOWN_MAX).map(row), rest, nothing);
        say();
    }
    function boxes(): HTMLInputElement[] {
        return [...list.querySelectorAll('input')];
    }
    function fromInput(event: KeyboardEvent): void {
        if (event.key === 'ArrowDown') {
            event.preventDefault();
            boxes()[0]?.focus();
        } else if (event.key === 'Enter') {
            event.preventDefault();
            boxes()[0]?.click();
        }
    }
    // Radio buttons would choose on the way; arrows only move here.
    function move(event: KeyboardEvent): void {
        const all = boxes();
        const at = all.indexOf(document.activeElement as HTMLInputElement);
        const to = event.key === 'ArrowDown' ? at + 1 : event.key === 'ArrowUp' ? at - 1 : null;
        if (to !== null && at >= 0) {
            event.preventDefault();
            (to < 0 ? input : all[Math.min(to, all.length - 1)])?.focus();
        } else if (event.key === 'Enter' && at >= 0) {
            event.preventDefault();
            all[at]!.click();
        }
    }
    draw();
    return el('div', { class: 'search-list' }, input, list, note);
}

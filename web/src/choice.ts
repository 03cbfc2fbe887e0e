// A button that shows what is chosen and opens a list to search: for filters of all pages and of one.
import { searchList, type SearchListOptions } from './combobox';
import { el, type Child } from './dom';
import { icon } from './icon';
import { popover } from './popover';

export interface ChoiceOptions {
    label: string; // of what, as "Time zone"; its plural is made with an s
    icon: string;
    shown: string; // what is chosen, for people
    items: string[];
    chosen: string;
    onChange(item: string): void;
    search?: Partial<SearchListOptions>;
    hint?: Child; // below the list
    begin?: boolean; // the list stands below the button's begin, and not its end
}

export function choice(options: ChoiceOptions): HTMLElement {
    const { label, shown, items, chosen } = options;
    const button = el(
        'button',
        { type: 'button', class: 'filter-button', title: shown },
        icon(options.icon),
        el('span', { class: 'visually-hidden' }, `${label}: `),
        el('span', { class: 'filter-value' }, shown),
        icon('down'),
    );
    const list = (close: () => void): HTMLElement =>
        searchList(`${label}s`, {
            ...options.search,
            items,
            chosen: [chosen],
            multiple: false,
            hideIds: true,
            onChange: ([item]) => {
                if (item !== undefined && item !== chosen) {
                    close();
                    options.onChange(item);
                }
            },
        });
    const hint = options.hint ? el('p', { class: 'hint' }, options.hint) : '';
    return popover(button, (close) => [el('div', { class: 'choice-panel' }, list(close), hint)], {
        label,
        end: !options.begin,
    }).root;
}

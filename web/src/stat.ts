// A figure with a name: the number that is read first, and how it changed.
import { el, replace, type Child } from './dom';
import { change as changeText } from './format';
import { icon } from './icon';

export interface Stat {
    root: HTMLElement;
    set(value: Child, options?: StatOptions): void;   // a value of format.NOTHING where there is none
}

export interface StatOptions {
    change?: number | null; // percent, against what is compared with
    good?: 'up' | 'down' | null; // which direction is good news; null: neither
    note?: Child;
    title?: string; // the exact value on hover
}

const SMALL_PERCENT = 0.05;

function changeBadge(percent: number, good: 'up' | 'down' | null): HTMLElement {
    const direction = Math.abs(percent) < SMALL_PERCENT ? 'same' : percent > 0 ? 'up' : 'down';
    const kind = direction === 'same' || !good ? 'plain' : direction === good ? 'good' : 'bad';
    return el('span', { class: ['change', kind] }, direction === 'same' ? null : icon(direction), changeText(percent));
}

export function stat(label: string, hint?: string): Stat {
    const value = el('dd', { class: 'stat-value' }, el('span', { class: 'skeleton-line' }));
    const note = el('dd', { class: 'stat-note' });
    const root = el('div', { class: 'stat' }, el('dt', { title: hint ?? null }, label), value, note);
    return {
        root,
        set: (content, options = {}) => {
            replace(value, content);
            value.title = options.title ?? '';
            const changed =
                options.change === null || options.change === undefined ? null : changeBadge(options.change, options.good ?? null);
            replace(note, changed, options.note ? el('span', {}, options.note) : null);
        },
    };
}

export function stats(...list: Stat[]): HTMLElement {
    return el(
        'dl',
        { class: 'stats' },
        list.map((each) => each.root),
    );
}

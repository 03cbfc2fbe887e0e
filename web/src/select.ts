// A filter of one page: a few values to choose one from, on the browser's own list.
import { el } from './dom';

export function selectFilter(
    label: string,
    options: [value: string, label: string][],
    chosen: string,
    onChange: (value: string) => void,
): HTMLElement {
    const known = options.some(([value]) => value === chosen) ? options : [...options, [chosen, chosen] as [string, string]];
    const select = el(
        'select',
        { class: 'input', onchange: () => onChange(select.value) },
        known.map(([value, text]) => el('option', { value, selected: value === chosen }, text)),
    );
    return el('label', { class: 'select-filter' }, el('span', {}, label), select);
}

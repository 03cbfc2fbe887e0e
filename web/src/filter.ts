// The one date filter: presets, and a custom range by calendar or typed.
import { calendar } from './calendar';
import { earlier, isDate } from './dates';
import { el } from './dom';
import { day, dayRange } from './format';
import { icon } from './icon';
import { popover } from './popover';
import { lastDate, PRESETS, presetRange, type Range, type RangeRules } from './ranges';
import { getState, setState } from './state';

export const CLOSED_ONLY =
    'Only closed days are shown here. A day is closed about an hour after its end (UTC), so its numbers are final; today is not.';
const NOT_YET = 'This day has not come yet.';

function presetLabel(id: string): string {
    return PRESETS.find((preset) => preset.id === id)?.label ?? '';
}

function presetButton(id: string, rules: RangeRules, now: Range, zone: string, close: () => void): HTMLElement {
    const range = presetRange(id, rules, zone);
    const closed = rules.closedOnly && !range;
    return el(
        'button',
        {
            type: 'button',
            class: 'preset',
            'aria-pressed': now.preset === id,
            'aria-disabled': !range,
            title: closed ? CLOSED_ONLY : range ? rangeText(range, rules) : null,
            onclick: () => {
                if (range) {
                    close();
                    setState({ range });
                }
            },
        },
        presetLabel(id),
    );
}

// Two dates to type and a month to click.
function customRange(rules: RangeRules, now: Range, zone: string, close: () => void): HTMLElement {
    let { from, to } = now;
    const last = lastDate(rules, zone);
    const why = rules.closedOnly ? CLOSED_ONLY : NOT_YET;
    const problem = el('p', { class: 'problem', role: 'alert', hidden: true });
    const input = (label: string, value: string): HTMLInputElement =>
        el('input', {
            class: 'input date',
            type: 'text',
            inputmode: 'numeric',
            placeholder: 'yyyy-mm-dd',
            maxlength: 10,
            'aria-label': label,
            value,
            oninput: typed,
        });
    const fromInput = input('From', from);
    const toInput = input('To', to);
    const month = calendar(from, to, last, why, (newFrom, newTo) => {
        [from, to] = [newFrom, newTo];
        [fromInput.value, toInput.value] = [from, to];
        problem.hidden = true;
    });
    function typed(): void {
        const [a, b] = [fromInput.value.trim(), toInput.value.trim()];
        if (isDate(a) && isDate(b) && a <= b && b <= last) {
            [from, to] = [a, b];
            month.show(a, b);
            problem.hidden = true;
        }
    }
    function complaint(a: string, b: string): string | null {
        if (!isDate(a) || !isDate(b)) {
            return 'Dates are written as year-month-day, for instance 2026-11-20.';
        }
        return a > b ? 'The first date is after the last.' : b > last ? `${day(b)} cannot be chosen. ${why}` : null;
    }
    function applyRange(event: Event): void {
        event.preventDefault();
        const [a, b] = [fromInput.value.trim(), toInput.value.trim()];
        problem.textContent = complaint(a, b);
        problem.hidden = !problem.textContent;
        if (problem.hidden) {
            close();
            setState({ range: { preset: null, from: a, to: earlier(b, last) } });
        }
    }
    return el(
        'form',
        { class: 'custom-range', 'aria-label': 'Custom range', onsubmit: applyRange },
        el('div', { class: 'range-inputs' }, fromInput, el('span', {}, '–'), toInput),
        month.root,
        problem,
        rules.closedOnly ? el('p', { class: 'hint' }, CLOSED_ONLY) : null,
        el('button', { type: 'submit', class: 'button primary' }, 'Apply'),
    );
}

// Where only presets are offered they mean so many hours before now, and not whole days.
export function rangeText(range: Range, rules: RangeRules): string {
    return rules.custom ? dayRange(range.from, range.to) : 'until now';
}

export function dateFilter(rules: RangeRules): HTMLElement {
    const { range, zone } = getState();
    const button = el(
        'button',
        { type: 'button', class: 'filter-button' },
        icon('days'),
        el('span', { class: 'visually-hidden' }, 'Dates: '),
        range.preset ? el('strong', {}, presetLabel(range.preset)) : null,
        ' ',
        el('span', { class: 'filter-dates' }, rangeText(range, rules)),
        icon('down'),
    );
    return popover(
        button,
        (close) => {
            // Today stands there where it is not offered, so that its reason can be read.
            const shown = rules.closedOnly && !rules.presets.includes('today') ? ['today', ...rules.presets] : rules.presets;
            return [
                el(
                    'div',
                    { class: ['date-filter', !rules.custom && 'plain'] },
                    el(
                        'div',
                        { class: 'presets', role: 'group', 'aria-label': 'Usual ranges' },
                        shown.map((id) => presetButton(id, rules, range, zone, close)),
                    ),
                    rules.custom ? customRange(rules, range, zone, close) : null,
                ),
            ];
        },
        { label: 'Dates' },
    ).root;
}

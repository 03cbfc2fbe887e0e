// A month to choose a range from: the first click begins it, the second ends it. Arrows move by day and week, Page Up and Down by
// month.
import { addDays, addMonths, monthBegin, monthEnd, weekday } from './dates';
import { el, replace } from './dom';
import { day, weekdayName } from './format';
import { icon } from './icon';

const FIRST_WEEKDAY = 1; // Monday, as in all weeks here

export interface Calendar {
    root: HTMLElement;
    show(from: string, to: string): void;
}

// `last` is the last date that may be chosen, and `why` says why.
export function calendar(
    from: string,
    to: string,
    last: string,
    why: string,
    onChange: (from: string, to: string) => void,
): Calendar {
    let month = monthBegin(to);
    let focused = to;
    let begin: string | null = null; // of a range of which only the first date is chosen
    const root = el('div', { class: 'calendar' });

    function choose(date: string): void {
        if (date > last) {
            return;
        }
        focused = date;
        if (begin === null) {
            begin = date;
            [from, to] = [date, date];
        } else {
            [from, to] = date < begin ? [date, begin] : [begin, date];
            begin = null;
        }
        onChange(from, to);
        draw(true);
    }
    function dayButton(date: string): HTMLElement {
        const within = date >= from && date <= to;
        const open = date > last;
        return el(
            'td',
            { class: [within && 'within', date === from && 'begin', date === to && 'end'] },
            el(
                'button',
                {
                    type: 'button',
                    class: 'day',
                    'aria-label': day(date, 'long'),
                    'aria-pressed': within,
                    'aria-disabled': open,
                    title: open ? why : null,
                    tabindex: date === focused ? 0 : -1,
                    'data-date': date,
                    onclick: () => choose(date),
                },
                String(Number(date.slice(8))),
            ),
        );
    }
    function weeks(): HTMLElement[] {
        const rows: HTMLElement[] = [];
        const end = monthEnd(month);
        let at = addDays(month, -((weekday(month) - FIRST_WEEKDAY + 7) % 7));
        while (at <= end) {
            const dates = Array.from({ length: 7 }, (_, i) => addDays(at, i));
            rows.push(
                el(
                    'tr',
                    {},
                    dates.map((date) => (date < month || date > end ? el('td') : dayButton(date))),
                ),
            );
            at = addDays(at, 7);
        }
        return rows;
    }
    function go(date: string): void {
        focused = date > last ? last : date;
        month = monthBegin(focused);
        draw(true);
    }
    function key(event: KeyboardEvent): void {
        const moves: Record<string, string> = {
            ArrowLeft: addDays(focused, -1),
            ArrowRight: addDays(focused, 1),
            ArrowUp: addDays(focused, -7),
            ArrowDown: addDays(focused, 7),
            PageUp: addMonths(focused, -1),
            PageDown: addMonths(focused, 1),
            Home: monthBegin(focused),
            End: monthEnd(focused),
        };
        const next = moves[event.key];
        if (next) {
            event.preventDefault();
            go(next);
        }
    }
    function turn(by: number): void {
        month = addMonths(month, by);
        focused = month > last ? last : month;
        draw(false);
    }
    function draw(focus: boolean): void {
        const names = Array.from({ length: 7 }, (_, i) => (i + FIRST_WEEKDAY) % 7);
        replace(
            root,
            el(
                'div',
                { class: 'calendar-head' },
                el(
                    'button',
                    { type: 'button', class: 'icon-button', 'aria-label': 'Earlier month', onclick: () => turn(-1) },
                    icon('left'),
                ),
                el('span', { class: 'calendar-month', 'aria-live': 'polite' }, day(month, 'month')),
                el(
                    'button',
                    {
                        type: 'button',
                        class: 'icon-button',
                        'aria-label': 'Later month',
                        disabled: addMonths(month, 1) > last,
                        onclick: () => turn(1),
                    },
                    icon('right'),
                ),
            ),
            el(
                'table',
                { onkeydown: key },
                el('caption', { class: 'visually-hidden' }, `${day(month, 'month')}: choose the first, then the last date`),
                el(
                    'thead',
                    {},
                    el(
                        'tr',
                        {},
                        names.map((i) => el('th', { scope: 'col', abbr: weekdayName(i) }, weekdayName(i, 'short').slice(0, 2))),
                    ),
                ),
                el('tbody', {}, weeks()),
            ),
        );
        if (focus) {
            root.querySelector<HTMLElement>(`[data-date="${focused}"]`)?.focus();
        }
    }
    draw(false);
    return {
        root,
        show: (newFrom, newTo) => {
            [from, to, focused, begin] = [newFrom, newTo, newTo, null];
            month = monthBegin(newTo);
            draw(false);
        },
    };
}

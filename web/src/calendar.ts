// A month to choose a range from: the first click begins it, the second ends it. Arrows move by day and week, Page Up and Down by
// month.
import { addDays, addMonths, earlier, later, monthBegin, monthEnd, weekday } from './dates';
import { el, replace } from './dom';
import { day, weekdayName } from './format';
import { iconButton } from './icon';

const FIRST_WEEKDAY = 1; // Monday, as in all weeks here

export interface Calendar {
    root: HTMLElement;
    show(from: string, to: string): void;
}

class CalendarView implements Calendar {
    readonly root = el('div', { class: 'calendar' });
    private month: string; // its first date
    private focused: string; // the date that Tab leads to
    private begin: string | null = null; // of a range of which only the first date is chosen

    constructor(
        private from: string,
        private to: string,
        private readonly last: string,
        private readonly why: string,
        private readonly onChange: (from: string, to: string) => void,
    ) {
        this.focused = to;
        this.month = monthBegin(to);
        this.draw();
    }

    show(from: string, to: string): void {
        this.from = from;
        this.to = to;
        this.focused = to;
        this.begin = null;
        this.month = monthBegin(to);
        this.draw();
    }

    private choose(date: string): void {
        if (date > this.last) {
            return;
        }
        this.focused = date;
        const other = this.begin ?? date;
        this.from = earlier(date, other);
        this.to = later(date, other);
        this.begin = this.begin === null ? date : null;
        this.onChange(this.from, this.to);
        this.draw();
        this.focus();
    }

    private go(date: string): void {
        this.focused = earlier(date, this.last);
        this.month = monthBegin(this.focused);
        this.draw();
        this.focus();
    }

    private turn(by: number): void {
        this.month = addMonths(this.month, by);
        this.focused = earlier(this.month, this.last);
        this.draw();
    }

    private focus(): void {
        this.root.querySelector<HTMLElement>(`[data-date="${this.focused}"]`)?.focus();
    }

    private key(event: KeyboardEvent): void {
        const at = this.focused;
        const moves: Record<string, string> = {
            ArrowLeft: addDays(at, -1),
            ArrowRight: addDays(at, 1),
            ArrowUp: addDays(at, -7),
            ArrowDown: addDays(at, 7),
            PageUp: addMonths(at, -1),
            PageDown: addMonths(at, 1),
            Home: monthBegin(at),
            End: monthEnd(at),
        };
        const next = moves[event.key];
        if (next) {
            event.preventDefault();
            this.go(next);
        }
    }

    // ---- what is drawn ----

    private draw(): void {
        const name = day(this.month, 'month');
        const head = el(
            'div',
            { class: 'calendar-head' },
            iconButton('Earlier month', 'left', () => this.turn(-1)),
            el('span', { class: 'calendar-month', 'aria-live': 'polite' }, name),
            iconButton('Later month', 'right', () => this.turn(1), { disabled: addMonths(this.month, 1) > this.last }),
        );
        const weekdays = Array.from({ length: 7 }, (_, i) => (i + FIRST_WEEKDAY) % 7);
        const weekdayHead = (i: number): HTMLElement =>
            el('th', { scope: 'col', abbr: weekdayName(i) }, weekdayName(i, 'short').slice(0, 2));
        const table = el(
            'table',
            { onkeydown: (event: KeyboardEvent) => this.key(event) },
            el('caption', { class: 'visually-hidden' }, `${name}: choose the first, then the last date`),
            el('thead', {}, el('tr', {}, weekdays.map(weekdayHead))),
            el('tbody', {}, this.weeks()),
        );
        replace(this.root, head, table);
    }

    private weeks(): HTMLElement[] {
        const rows: HTMLElement[] = [];
        const end = monthEnd(this.month);
        let at = addDays(this.month, -((weekday(this.month) - FIRST_WEEKDAY + 7) % 7));
        for (; at <= end; at = addDays(at, 7)) {
            const dates = Array.from({ length: 7 }, (_, i) => addDays(at, i));
            const cells = dates.map((date) => (date < this.month || date > end ? el('td') : this.cell(date)));
            rows.push(el('tr', {}, cells));
        }
        return rows;
    }

    private cell(date: string): HTMLElement {
        const within = date >= this.from && date <= this.to;
        const open = date > this.last;
        const button = el(
            'button',
            {
                type: 'button',
                class: 'day',
                'aria-label': day(date, 'long'),
                'aria-pressed': within,
                'aria-disabled': open,
                title: open ? this.why : null,
                tabindex: date === this.focused ? 0 : -1,
                'data-date': date,
                onclick: () => this.choose(date),
            },
            String(Number(date.slice(8))),
        );
        return el('td', { class: [within && 'within', date === this.from && 'begin', date === this.to && 'end'] }, button);
    }
}

// `last` is the last date that may be chosen, and `why` says why.
export function calendar(
    from: string,
    to: string,
    last: string,
    why: string,
    onChange: (from: string, to: string) => void,
): Calendar {
    return new CalendarView(from, to, last, why, onChange);
}

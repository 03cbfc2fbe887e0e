// Tabs: one panel shown at a time. Arrows move between tabs.
import { el, uniqueId } from './dom';

export interface Tab {
    id: string;
    label: string;
    panel: HTMLElement;
}

export function tabs(label: string, items: Tab[], chosen: string, onChange: (id: string) => void): HTMLElement {
    const prefix = uniqueId('tab');
    const buttons = items.map((item) =>
        el(
            'button',
            {
                type: 'button',
                role: 'tab',
                id: `${prefix}-${item.id}`,
                'aria-controls': `${prefix}-${item.id}-panel`,
                onclick: () => choose(item.id, true),
            },
            item.label,
        ),
    );
    const panels = items.map((item) =>
        el(
            'div',
            {
                role: 'tabpanel',
                id: `${prefix}-${item.id}-panel`,
                'aria-labelledby': `${prefix}-${item.id}`,
                class: 'tab-panel',
            },
            item.panel,
        ),
    );

    function choose(id: string, tell: boolean): void {
        items.forEach((item, i) => {
            const on = item.id === id;
            buttons[i]!.setAttribute('aria-selected', String(on));
            buttons[i]!.tabIndex = on ? 0 : -1;
            panels[i]!.hidden = !on;
        });
        if (tell) {
            onChange(id);
        }
    }
    function key(event: KeyboardEvent): void {
        const at = buttons.findIndex((button) => button === document.activeElement);
        const to: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: items.length - 1 };
        const next = to[event.key];
        if (at >= 0 && next !== undefined) {
            event.preventDefault();
            const i = (next + items.length) % items.length;
            buttons[i]!.focus();
            choose(items[i]!.id, true);
        }
    }
    choose(items.some((item) => item.id === chosen) ? chosen : (items[0]?.id ?? ''), false);
    return el(
        'div',
        { class: 'tabs' },
        el('div', { role: 'tablist', 'aria-label': label, class: 'tab-list', onkeydown: key }, buttons),
        panels,
    );
}

// A choice of a few that stand beside each other, as day | week | month.
export function segmented(
    label: string,
    items: { id: string; label: string; title?: string }[],
    chosen: string,
    onChange: (id: string) => void,
): HTMLElement {
    const name = uniqueId('choice');
    return el(
        'fieldset',
        { class: 'segmented' },
        el('legend', { class: 'visually-hidden' }, label),
        items.map((item) =>
            el(
                'label',
                { title: item.title ?? null },
                el('input', {
                    type: 'radio',
                    name,
                    value: item.id,
                    checked: item.id === chosen,
                    onchange: () => onChange(item.id),
                }),
                el('span', {}, item.label),
            ),
        ),
    );
}

// A button that opens a panel below it. Escape, a click elsewhere or leaving it with Tab closes it; the focus goes back to the
// button.
import { el, uniqueId, type Child } from './dom';

export interface Popover {
    root: HTMLElement;
    button: HTMLButtonElement;
    open(): void;
    close(): void;
}

// `fill` makes the panel's content each time it opens; its first control is focused.
export function popover(
    button: HTMLButtonElement,
    fill: (close: () => void) => Child[],
    options: { kind?: 'dialog' | 'menu'; label: string; end?: boolean },
): Popover {
    const id = uniqueId('panel');
    const kind = options.kind ?? 'dialog';
    const panel = el('div', {
        id,
        class: ['popover', kind === 'menu' && 'menu', options.end && 'end'],
        role: kind,
        'aria-label': options.label,
        hidden: true,
    });
    const root = el('div', { class: 'popover-anchor' }, button, panel);
    button.setAttribute('aria-haspopup', kind);
    button.setAttribute('aria-expanded', 'false');
    button.setAttribute('aria-controls', id);

    const outside = (event: Event): void => {
        if (!root.contains(event.target as Node) && (event.target as Node).isConnected) {
            close(false);
        }
    };
    const close = (focus = true): void => {
        if (panel.hidden) {
            return;
        }
        panel.hidden = true;
        panel.replaceChildren();
        button.setAttribute('aria-expanded', 'false');
        document.removeEventListener('pointerdown', outside);
        document.removeEventListener('focusin', outside);
        if (focus) {
            button.focus();
        }
    };
    const open = (): void => {
        panel.replaceChildren(...(fill(() => close()).flat() as Node[]));
        panel.hidden = false;
        button.setAttribute('aria-expanded', 'true');
        document.addEventListener('pointerdown', outside);
        document.addEventListener('focusin', outside);
        keepInside(panel);
        panel.querySelector<HTMLElement>('[data-focus], [role^=menuitem], button:not([disabled]), input, [tabindex="0"]')?.focus();
    };
    button.addEventListener('click', () => (panel.hidden ? open() : close()));
    root.addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && !panel.hidden) {
            event.stopPropagation();
            close();
        } else if (kind === 'menu' && !panel.hidden) {
            moveInMenu(panel, event);
        }
    });
    return { root, button, open, close: () => close() };
}

function keepInside(panel: HTMLElement): void {
    panel.style.setProperty('--shift', '0px');
    const box = panel.getBoundingClientRect();
    const right = document.documentElement.clientWidth - 8;
    const shift = box.right > right ? right - box.right : box.left < 8 ? 8 - box.left : 0;
    panel.style.setProperty('--shift', `${Math.round(shift)}px`);
}

function moveInMenu(panel: HTMLElement, event: KeyboardEvent): void {
    const items = [...panel.querySelectorAll<HTMLElement>('[role^=menuitem]')];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    const next = to[event.key];
    if (next !== undefined) {
        event.preventDefault();
        items[(next + items.length) % items.length]?.focus();
    }
}

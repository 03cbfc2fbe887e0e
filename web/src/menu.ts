// A button with a list of things to do.
import { el } from './dom';
import { icon } from './icon';
import { popover } from './popover';

export interface MenuItem {
    label: string;
    icon?: string;
    href?: string;
    run?: () => void | Promise<void>;
}

export function menuButton(label: string, button: HTMLButtonElement, items: () => MenuItem[]): HTMLElement {
    return popover(
        button,
        (close) =>
            items().map((item) => {
                const content = [item.icon ? icon(item.icon) : null, item.label];
                const choose = (): void => {
                    close();
                    void item.run?.();
                };
                return item.href
                    ? el('a', { role: 'menuitem', tabindex: -1, href: item.href, onclick: close }, content)
                    : el('button', { role: 'menuitem', tabindex: -1, type: 'button', onclick: choose }, content);
            }),
        { kind: 'menu', label, end: true },
    ).root;
}

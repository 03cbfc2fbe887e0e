// The only way in which this application makes elements: never from markup, so nothing that was counted can become part of the
// page's structure, and no style attribute stands in the way of the Content-Security-Policy.

export type Child = Node | string | number | null | undefined | Child[];

const PROPERTIES = new Set(['value', 'checked', 'indeterminate', 'selected']);

function setStyle(node: HTMLElement | SVGElement, style: Record<string, string>): void {
    for (const [name, value] of Object.entries(style)) {
        node.style.setProperty(
            name.startsWith('--') ? name : name.replace(/[A-Z]/g, (letter) => '-' + letter.toLowerCase()),
            value,
        );
    }
}

// Listeners are functions named on…; `style` is an object; `class` may be a list with holes; aria-* are written out, others are
// left out when null or false and empty when true.
function setAttribute(node: HTMLElement, name: string, value: unknown): void {
    if (value === null || value === undefined) {
        return;
    }
    if (typeof value === 'function') {
        node.addEventListener(name.slice(2), value as EventListener);
    } else if (name === 'style') {
        setStyle(node, value as Record<string, string>);
    } else if (name === 'class') {
        const names = Array.isArray(value) ? value.filter(Boolean).join(' ') : String(value);
        node.setAttribute('class', names);
    } else if (PROPERTIES.has(name)) {
        (node as unknown as Record<string, unknown>)[name] = value;
    } else if (name.startsWith('aria-')) {
        node.setAttribute(name, String(value));
    } else if (value !== false) {
        node.setAttribute(name, value === true ? '' : String(value));
    }
}

export function append(node: Element, children: Child[]): void {
    for (const child of children) {
        if (Array.isArray(child)) {
            append(node, child);
        } else if (child !== null && child !== undefined) {
            node.append(child instanceof Node ? child : String(child));
        }
    }
}

export function el<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes: Record<string, unknown> = {},
    ...children: Child[]
): HTMLElementTagNameMap[K] {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        setAttribute(node, name, value);
    }
    append(node, children);
    return node;
}

// Replaces what is in the element, for lists that are shown anew; the focus stays.
export function replace(node: Element, ...children: Child[]): void {
    keepFocus(node, () => {
        node.replaceChildren();
        append(node, children);
    });
}

// Keeps the keyboard's focus at the same place in the structure, whatever is done to what is in the element.
export function keepFocus(node: Element, change: () => void): void {
    const path = focusPath(node);
    change();
    if (path) {
        restoreFocus(node, path);
    }
}

// Puts the child there alone, unless it is: what is put where it already was would lose the focus.
export function keep(node: Element, child: Element): void {
    if (node.childNodes.length !== 1 || node.firstChild !== child) {
        node.replaceChildren(child);
    }
}

function focusPath(node: Element): number[] | null {
    const path: number[] = [];
    let at: Element | null = document.activeElement;
    if (!at || at === node || !node.contains(at)) {
        return null;
    }
    for (; at && at !== node; at = at.parentElement) {
        path.unshift([...(at.parentElement?.children ?? [])].indexOf(at));
    }
    return path;
}

function restoreFocus(node: Element, path: number[]): void {
    let at: Element | undefined = node;
    for (const index of path) {
        at = at?.children[index];
    }
    if (at instanceof HTMLElement && at !== document.activeElement) {
        at.focus({ preventScroll: true });
    }
}

let lastId = 0;
export function uniqueId(prefix: string): string {
    lastId += 1;
    return `${prefix}-${lastId}`;
}

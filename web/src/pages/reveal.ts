// What a click opened further down on the page comes into sight and has the focus, once, and not again whenever the page is drawn.
let shown: string | null = null;

// Null: nothing is open.
export function reveal(what: string | null, node?: HTMLElement): void {
    const isNew = what !== null && what !== shown;
    shown = what;
    if (isNew && node) {
        node.tabIndex = -1;
        node.style.outline = 'none'; // it is a place, and no control
        node.focus({ preventScroll: true });
        node.scrollIntoView({ block: 'nearest' });
    }
}

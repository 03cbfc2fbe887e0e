// Icons: lines on a grid of 24, in the colour of the text around them. They are decoration: what they mean stands beside them in
// words.

import { el } from './dom';

const PATHS: Record<string, string> = {
    overview: 'M4 4h7v7H4z M13 4h7v4h-7z M13 11h7v9h-7z M4 14h7v6H4z',
    report: 'M6 3h9l4 4v14H6z M14 3v5h5 M9 12h7 M9 16h7',
    traffic: 'M4 20V10 M10 20V4 M16 20v-8 M21 20H3',
    averages: 'M3 12h3l3-7 5 14 3-7h4',
    top: 'M4 6h16 M4 12h11 M4 18h6',
    codes: 'M9 4L7 20 M17 4l-2 16 M4 9h17 M3 15h17',
    latency: 'M12 21a9 9 0 1 1 9-9 M12 7v5l3 2 M16 18h6 M19 15v6',
    metrics: 'M3 19l6-7 4 4 8-10 M15 6h6v6',
    alerts: 'M6 16V11a6 6 0 0 1 12 0v5l2 2H4z M10 21h4',
    errors: 'M12 4l9 16H3z M12 10v4 M12 17v.5',
    days: 'M4 6h16v14H4z M4 10h16 M8 3v4 M16 3v4 M9 15l2 2 4-4',
    settings: 'M4 7h10 M18 7h2 M4 17h2 M10 17h10 M14 7a2 2 0 1 0 4 0a2 2 0 1 0-4 0 M6 17a2 2 0 1 0 4 0a2 2 0 1 0-4 0',
    menu: 'M4 6h16 M4 12h16 M4 18h16',
    close: 'M6 6l12 12 M18 6L6 18',
    sun: 'M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8 M12 2v2 M12 20v2 M2 12h2 M20 12h2 M5 5l2 2 M17 17l2 2 M19 5l-2 2 M7 17l-2 2',
    moon: 'M20 14A8.5 8.5 0 0 1 10 4a8.5 8.5 0 1 0 10 10z',
    contrast: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18 M12 3v18 M12 8h7 M12 13h8.5 M12 18h5',
    download: 'M12 4v11 M7 11l5 5 5-5 M4 20h16',
    more: 'M5 12h.01 M12 12h.01 M19 12h.01',
    down: 'M6 9l6 6 6-6',
    up: 'M6 15l6-6 6 6',
    left: 'M15 5l-7 7 7 7',
    right: 'M9 5l7 7-7 7',
    check: 'M5 12l5 5 9-10',
    search: 'M11 4a7 7 0 1 0 0 14a7 7 0 1 0 0-14 M16 16l5 5',
    link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1 M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
    user: 'M12 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8 M4 21a8 8 0 0 1 16 0',
    leave: 'M14 4H5v16h9 M10 12h11 M17 8l4 4-4 4',
    globe: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18 M3 12h18 M12 3c3 3 3.5 6 3.5 9s-.5 6-3.5 9c-3-3-3.5-6-3.5-9s.500-6 3.5-9',
    organization: 'M5 21V4h9v17 M14 9h5v12 M3 21h18 M8 8h3 M8 12h3 M8 16h3',
    info: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18 M12 11v6 M12 7.5v.5',
    image: 'M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4 M15.5 9h.01',
    table: 'M4 5h16v14H4z M4 10h16 M4 14.5h16 M10 10v9',
    reset: 'M4 11a8 8 0 1 1 2 6 M4 5v6h6',
    add: 'M12 5v14 M5 12h14',
    remove: 'M5 7h14 M10 7V4h4v3 M7 7l1 13h8l1-13',
    edit: 'M4 20l1-5L16 4l4 4L9 19z M13 7l4 4',
    copy: 'M9 9h11v11H9z M5 15H4V4h11v1',
    filter: 'M4 5h16l-6 8v6l-4-2v-4z',
    lock: 'M6 11h12v9H6z M8 11V8a4 4 0 0 1 8 0v3',
    empty: 'M4 13l3-8h10l3 8v6H4z M4 13h5l1 3h4l1-3h5',
    upload: 'M12 16V5 M7 9l5-5 5 5 M4 20h16',
    send: 'M4 11l16-7-6 16-3-7z M11 13l9-9',
    costs: 'M4 6h16v12H4z M4 10h16 M8 14h3',
    external: 'M14 4h6v6 M20 4l-9 9 M18 14v6H4V6h6',
};

export function icon(name: string): SVGSVGElement {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('class', 'icon');
    svg.setAttribute('aria-hidden', 'true');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', PATHS[name] ?? '');
    svg.append(path);
    return svg;
}

// A button that shows an icon only; its name is read, and shown on hover where `more` has a title.
export function iconButton(
    name: string,
    iconName: string,
    onclick: (() => void) | null,
    more: Record<string, unknown> = {},
): HTMLButtonElement {
    return el('button', { type: 'button', class: 'icon-button', 'aria-label': name, onclick, ...more }, icon(iconName));
}

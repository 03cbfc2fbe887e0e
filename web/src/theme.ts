// Light, dark, or as the system is. The colours are tokens of style/tokens.css; what is drawn on a canvas asks here for them.

export type Theme = 'light' | 'dark' | 'system';

const dark = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();
const resolved = new Map<string, string>();
let probe: HTMLElement | null = null;

export function getTheme(): Theme {
    const kept = localStorage.getItem('daybook.theme');
    return kept === 'light' || kept === 'dark' ? kept : 'system';
}

function apply(): void {
    const theme = getTheme();
    if (theme === 'system') {
        delete document.documentElement.dataset['theme'];
    } else {
        document.documentElement.dataset['theme'] = theme;
    }
    resolved.clear();
    listeners.forEach((listener) => listener());
}

export function setTheme(theme: Theme): void {
    localStorage.setItem('daybook.theme', theme);
    apply();
}

export function startTheme(): void {
    dark.addEventListener('change', apply);
    apply();
}

export function onTheme(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

// The colour of a token (--accent) as rgb(); other colours are given back as they are.
export function color(name: string): string {
    if (!name.startsWith('--')) {
        return name;
    }
    let found = resolved.get(name);
    if (!found) {
        if (!probe) {
            probe = document.createElement('span');
            probe.hidden = true;
            document.body.append(probe);
        }
        probe.style.color = `var(${name})`;
        found = getComputedStyle(probe).color;
        resolved.set(name, found);
    }
    return found;
}

// Colours for things without one of their own, in the order of their rank; there are eight, then they begin again.
export function seriesColor(index: number): string {
    return `--series-${(index % 8) + 1}`;
}

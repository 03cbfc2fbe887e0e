// A short message that goes away: what was done, or what failed without a place of its own.
import { el } from './dom';

const SHOWN_MS = 5000;
let region: HTMLElement | null = null;

export function toast(text: string, kind: 'done' | 'error' = 'done'): void {
    if (!region) {
        region = el('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
    }
    // In front of an open dialog, which makes all else inert.
    (document.querySelector('dialog[open]') ?? document.body).append(region);
    const message = el('div', { class: ['toast', kind] }, text);
    region.append(message);
    setTimeout(() => message.remove(), SHOWN_MS);
}

// A dialog that closes leaves what it showed to what is below it.
export function keepToasts(closed: HTMLElement): void {
    if (region && closed.contains(region)) {
        (document.querySelector('dialog[open]') ?? document.body).append(region);
    }
}

export function errorText(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

export function toastError(error: unknown): void {
    toast(errorText(error), 'error');
}
